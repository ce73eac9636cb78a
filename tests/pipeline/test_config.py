"""The configuration: every key typed, no key unknown, errors that say where."""

import dataclasses
import typing
from collections.abc import Iterator

import pytest
import yaml

from pipeline.config import Config, changed_settings, idle_settings, load_config, to_dict
from shelfsort.core.errors import InputError


def _file(tmp_path, text: str) -> str:
    path = tmp_path / "shelfsort.yaml"
    path.write_text(text, "utf-8")
    return str(path)


def test_without_a_file_everything_has_its_default():
    assert load_config() == Config()


def test_an_empty_file_changes_nothing(tmp_path):
    assert load_config(_file(tmp_path, "# nothing yet\n")) == Config()


def test_an_override_wins_over_the_file(tmp_path):
    path = _file(tmp_path, "training:\n  fit: {epochs: 3, folds: 4}\n")
    config = load_config(path, ["training.fit.epochs=9"])
    assert (config.training.fit.epochs, config.training.fit.folds) == (9, 4)


def test_a_wrong_override_of_a_key_in_the_file_is_not_blamed_on_the_file(tmp_path):
    path = _file(tmp_path, "drift:\n  confidence: 0.9\n")
    with pytest.raises(InputError, match=r"^--set drift\.confidence: "):
        load_config(path, ["drift.confidence=7"])


def test_a_section_that_the_file_leaves_empty_can_still_be_overridden(tmp_path):
    config = load_config(_file(tmp_path, "training:\n"), ["training.fit.epochs=9"])
    assert config.training.fit.epochs == 9


def test_written_out_and_read_again_it_is_the_same(tmp_path):
    config = load_config(None, ["name=bags", "training.fit.dropout=0.1", "slices=[brand]"])
    assert load_config(_file(tmp_path, yaml.safe_dump(to_dict(config)))) == config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trainin:\n  fit: {}\n", r"shelfsort.yaml:1: trainin: unknown key. .*'training'"),
        (
            "name: x\ntraining:\n  fit:\n    epoch: 3\n",
            r":4: training.fit.epoch: .*'training.fit.epochs'",
        ),
        ("training:\n  fit:\n    epochs: many\n", r":3: training.fit.epochs: .*'many'"),
        (
            "training:\n  fit:\n    epochs: 0\n",
            r":3: training.fit.epochs: .*greater than or equal to 1",
        ),
        (
            "training:\n  calibration: {threshold_scope: x}\n",
            r":2: training.calibration.threshold_s",
        ),
        ("name: ../escape\n", r":1: name: "),
        (
            "data:\n  sheet: a\n  columns: {colour: A}\n",
            r":3: data\.columns: no field 'colour'; use id",
        ),
        ("data:\n  splits: {train: 1}\n", r":2: data\.splits: must name train and eval"),
        ("training: 5\n", r":1: training: "),
        ("- a\n- b\n", r":1: one mapping"),
        ("a: [1\n", r"shelfsort.yaml:2: "),
        ("x: !!python/object/apply:os.system ['true']\n", "shelfsort.yaml:1: "),
        ("1: 2\n", "1: unknown key"),
        ("gate:\n  acuracy: 0.5\n", r":2: gate.acuracy: unknown key. .*'gate.accuracy'"),
        ("gate:\n  accuracy: 1.5\n", r":2: gate.accuracy: .*less than or equal to 1"),
        ("gate:\n  cost: {memory_mb: .inf}\n", r":2: gate.cost.memory_mb: .*finite number"),
        ("training:\n  fit: {learning_rate: 1e999}\n", r":2: .*learning_rate: .*finite number"),
        ("gate:\n  coverage: {95: .nan}\n", r":2: gate.coverage.95: .*finite number"),
        ("gate:\n  coverage: {95: much}\n", r":2: gate.coverage.95: .*'much'"),
        ("gate:\n  coverage: {90: 0.5}\n", r":2: gate.coverage: .* 90, .* 0.95, 0.98. Remove"),
        ("gate:\n  coverage: {95.0: 0.5, '95': 0.6}\n", r":2: gate.coverage: .*95 twice"),
        ("targets: []\n", r":1: targets: "),
        ("targets: [0.8, 0.9, 0.95, 0.98, 0.99]\n", r":1: targets: "),
        ("targets: [0.95, 0.95]\n", r":1: targets: .*once"),
        ("targets: [95]\n", r":1: targets: .*less than 1"),
        ("gate:\n  confidence: 1.0\n", r":2: gate.confidence: "),
        ("gate:\n  min_calibration: -1\n", r":2: gate.min_calibration: "),
        ("gate:\n  on_broken_category: shrug\n", ":2: gate.on_broken_category: .*'report'"),
        ("gate:\n  approved_by: ' '\n", r":2: gate.approved_by: "),
        ("gate: {accuracy: 7, acuracy: 1}\n", r":1: gate.acuracy: unknown key"),
        ("name: a\nname: b\n", r":2: 'name' is given twice, first in line 1"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_remedy(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as refused:
        load_config(_file(tmp_path, text))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.fit.epochs", "section.key=value"),
        ("name.x=1", "name is no section"),
        ("training.epoch=1", "'training.fit.epochs'"),
        ("gate.coverage.95=2", "gate.coverage.95"),
        ("training.image.image_size=16", "0 or from 32 to 1024"),
        ("training.image.image_size=2000", "0 or from 32 to 1024"),
        ("tuning.workers=65", "tuning.workers: .*64"),
        ("training.fit.epochs=[", "^--set training.fit.epochs: line 1: .*Quote the value"),
        ("name=2020-13-45", "^--set name: line 1: "),
        ("name=!!int x", "^--set name: line 1: "),
        ("name=!!timestamp x", "^--set name: line 1: "),
        ("training.fit.epochs=" + "9" * 6000, "training.fit.epochs: "),
        ("name=" + "[" * 5000, "^--set name: line 1: nested too deeply"),
        ("name=&a [*a]", "^--set name: line 1: "),
    ],
    ids=lambda value: value[:30],
)
def test_a_mistaken_override_is_named(override, said):
    with pytest.raises(InputError, match=said) as refused:
        load_config(None, ["name=shelfsort", override])
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("key", ["training.fit.epochs", "tuning.workers", "gate.cost.memory_mb"])
def test_true_is_no_number(key, tmp_path):
    with pytest.raises(InputError, match=f"--set {key}: should be a number.*Given: true"):
        load_config(None, [f"{key}=true"])
    path = tmp_path / "shelfsort.yaml"
    path.write_text("training:\n  fit:\n    seed: false\n")
    with pytest.raises(InputError, match=r"shelfsort.yaml:3: training.fit.seed.*Given: false"):
        load_config(str(path))
    assert load_config(None, ["training.fit.warm_start=true"]).training.fit.warm_start is True


def test_settings_without_the_one_that_switches_them_on_are_named():
    config = load_config(None, ["tuning.workers=2", "training.image.fine_tuning.tunings=3"])
    assert list(idle_settings(config)) == [
        "training.image.fine_tuning.tunings has no effect without "
        "training.image.fine_tuning.layers.",
        "tuning.workers has no effect without tuning.trials.",
    ]
    on = ["training.image.fine_tuning.layers=all", "tuning.trials=5", "training.fit.epochs=3"]
    given = ["tuning.workers=2", "training.image.fine_tuning.tunings=3"]
    assert list(idle_settings(load_config(None, [*given, *on]))) == []
    assert list(idle_settings(load_config())) == []


def test_targets_are_one_to_four_and_floors_go_by_their_percentage(tmp_path):
    path = _file(
        tmp_path,
        "targets: [0.99, 0.975]\ngate:\n  coverage: {97.5: 0.3}\n  accepted_accuracy: {99: 0.9}\n",
    )
    config = load_config(path, ["gate.coverage.99=0.1"])
    assert config.targets == (0.975, 0.99)
    assert [config.gate.coverage_floor(target) for target in config.targets] == [0.3, 0.1]
    floors = [config.gate.accepted_accuracy_floor(target, 1_000) for target in config.targets]
    assert floors == [0.925, 0.9]


def test_default_floors_of_accepted_accuracy_lie_at_most_five_points_below_the_targets():
    gate = load_config(None).gate
    assert [gate.accepted_accuracy_floor(target, 1_000) for target in (0.95, 0.98)] == [0.9, 0.93]


def test_only_settings_that_a_person_changed_count_as_changed():
    config = load_config(None, ["gate.accuracy=0.8", "data.label_attribute=shelf"])
    assert changed_settings(config) == {"gate.accuracy": 0.8}


def test_a_missing_file_is_named():
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        load_config("nowhere.yaml")


def _undocumented(section: type) -> Iterator[str]:
    for name, kind in typing.get_type_hints(section).items():
        if dataclasses.is_dataclass(kind):
            yield from _undocumented(kind)
        elif name not in (section.__doc__ or ""):
            yield f"{section.__name__}.{name}"


def test_every_setting_is_documented():
    assert list(_undocumented(Config)) == []


def test_an_encoder_is_tuned_where_there_is_one():
    tuning = "training.text.fine_tuning.layers=all"
    with pytest.raises(InputError, match=r"^--set training\.text\.fine_tuning\.layers: ") as error:
        load_config(None, [tuning])
    assert "training.text.encoder" in str(error.value) and "\n" not in str(error.value)
    load_config(None, [tuning, "training.text.encoder=minilm"])
    load_config(None, [tuning, "tuning.space.encoders=['', minilm]", "tuning.trials=2"])
    with pytest.raises(InputError, match="no encoder to tune"):
        load_config(None, [tuning, "tuning.space.encoders=['', minilm]"])
    (idle,) = idle_settings(load_config(None, ["training.text.fine_tuning.epochs=4"]))
    assert idle.endswith("has no effect without training.text.fine_tuning.layers.")
    with pytest.raises(InputError, match=r"training\.text\.fine_tuning\.mixup: unknown key"):
        load_config(None, ["training.text.fine_tuning.mixup=0.2"])
