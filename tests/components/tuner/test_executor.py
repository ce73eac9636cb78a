"""The Tuner on a small training split: channels, files, and what a later run takes."""

import dataclasses
import json
import shutil

import pytest

from components.manifest_example_gen.artifact import write_origin
from components.tuner.artifact import BEST_FILE, Search, TrialRecord, read_best, write_best
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.provenance import Origin
from tests.fixtures.training import NODES


@pytest.fixture(scope="module")
def tuned(training, tmp_path_factory):
    """A search of two trials; the folder of its artifacts, and of its study."""
    return searched(training, tmp_path_factory.mktemp("tuner"))


def searched(training, root, *beam_args: str):
    """Searches with two trials in `root`, which it returns."""
    from tfx.types import artifact_utils, channel_utils, standard_artifacts

    from components.artifacts import Taxonomy
    from components.tuner.component import Tuner
    from components.tuner.executor import Executor
    from pipeline.config import load_config, to_dict

    shutil.copytree(training.raw, root / "examples")
    write_origin(str(root / "examples"), Origin("d1", (), {"train": 90, "eval": 10}))
    (root / "taxonomy").mkdir()
    (root / "taxonomy" / "taxonomy.json").write_text(json.dumps(NODES))
    inputs = {
        "examples": standard_artifacts.Examples(),
        "transform_graph": standard_artifacts.TransformGraph(),
        "taxonomy": Taxonomy(),
    }
    for name, each in inputs.items():
        each.uri = str(training.transform_graph if "graph" in name else root / name)
    inputs["examples"].split_names = artifact_utils.encode_split_names(["train", "calibration"])
    config = load_config(
        None,
        [
            "training.fit.epochs=2",
            f"training.image.embedding_cache={training.cache}",
            "tuning={trials: 2, folds: 2, share: 0.7, sampler: random}",
            "tuning.space={text_units: [4, 8], image_units: [4, 8], epochs: [2, 3]}",
            f"tuning.study_folder={root / 'studies'}",
        ],
    )
    component = Tuner(
        **{name: channel_utils.as_channel([each]) for name, each in inputs.items()},
        custom_config={
            "training": to_dict(config.training),
            "tuning": to_dict(config.tuning),
            "targets": [0.95, 0.98],
            "code_digest": "c1",
        },
    )
    outputs = {
        "best_hyperparameters": standard_artifacts.HyperParameters(),
        "tuner_results": standard_artifacts.TunerResults(),
    }
    for name, each in outputs.items():
        each.uri = str(root / name)
    Executor(Executor.Context(list(beam_args), str(root / "tmp"), "unique")).Do(
        {name: [each] for name, each in inputs.items()},
        {name: [each] for name, each in outputs.items()},
        component.exec_properties,
    )
    return root


@pytest.mark.slow
def test_a_search_leaves_the_best_settings_and_all_trials(tuned):
    search = Search.read(tuned / "tuner_results")
    assert [each.number for each in search.trials] == [0, 1]
    assert search.trials[0].settings == {}
    assert search.target == 0.95
    # 70 % of 160 products, all of them groups of their own.
    assert 90 < search.products == search.groups < 135
    assert search.share == 0.7
    best = read_best(tuned / "best_hyperparameters" / BEST_FILE)
    assert best == {**search.trial(search.best).settings, "calibration.searched_share": 0.7}
    # TFX's Trainer reads the only file of the artifact.
    assert [each.name for each in (tuned / "best_hyperparameters").iterdir()] == [BEST_FILE]
    assert len(list((tuned / "studies").glob("*/study.sqlite"))) == 1


@pytest.mark.slow
def test_a_search_on_an_engine_finds_the_same_and_leaves_nothing_else(training, tuned, tmp_path):
    loopback = ("PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")
    root = searched(training, tmp_path, f"--runner={loopback[0]}", *loopback[1:])
    one, other = (Search.read(each / "tuner_results") for each in (root, tuned))
    assert [each.settings for each in one.trials] == [each.settings for each in other.trials]
    for here, there in zip(one.trials, other.trials, strict=True):
        assert here.accuracy == pytest.approx(there.accuracy, abs=0.02)
    files = [each.name for each in (root / "tuner_results").rglob("*")]
    assert files == [each.name for each in (tuned / "tuner_results").rglob("*")]


def search_of(**changed) -> Search:
    trials = (
        TrialRecord(0, "complete", {}, 0.8, 0.9, 5.0),
        TrialRecord(1, "pruned", {"fit.dropout": 0.1}, None, None, 2.0),
        TrialRecord(2, "complete", {"fit.dropout": 0.4}, 0.85, 0.91, 5.0),
        TrialRecord(3, "complete", {"fit.dropout": 0.5}, 0.82, 0.91, 5.0),
    )
    given = Search(
        target=0.95,
        sampler="tpe",
        products=400,
        groups=300,
        share=0.5,
        best=2,
        configured=0,
        gain=0.03,
        low=0.01,
        high=0.06,
        trials=trials,
    )
    return dataclasses.replace(given, **changed)


def test_trials_are_ranked_with_those_that_ended_early_left_out():
    assert [each.number for each in search_of().ranked] == [2, 3, 0]


def test_a_gain_within_sampling_error_is_called_that():
    assert not search_of().within_sampling_error
    assert "sampling error" not in str(search_of())
    assert search_of(low=-0.01).within_sampling_error
    assert "sampling error" in str(search_of(low=-0.01))
    assert "+3.0 points (-1.0 to +6.0)" in str(search_of(low=-0.01))


def test_a_search_survives_its_file(tmp_path):
    search_of().write(tmp_path)
    assert Search.read(tmp_path) == search_of()


def test_best_settings_survive_their_file_and_others_are_refused(tmp_path):
    settings = {"fit.learning_rate": 0.003, "text.encoder": "minilm"}
    write_best(tmp_path, settings)
    assert read_best(tmp_path / BEST_FILE) == settings
    (tmp_path / "other.txt").write_text('{"fit.seed": 3}')
    (tmp_path / "text.txt").write_text("no JSON")
    for name in ("other.txt", "text.txt", "none.txt"):
        with pytest.raises(InputError, match=name):
            read_best(tmp_path / name)


def test_trials_are_listed_from_the_best_to_those_that_ended_early():
    from pipeline.experiments.searches import trial_lines

    lines = trial_lines(search_of())
    rows = [line.split() for line in lines[-4:]]
    assert [row[0] for row in rows] == ["2", "3", "0", "1"]
    assert rows[0][:4] == ["2", "(best)", "85.0%", "91.0%"]
    assert "0.4" in rows[0]
    assert "pruned" in rows[3]
