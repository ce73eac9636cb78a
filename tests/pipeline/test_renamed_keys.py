"""Keys of the last minor release: read with a warning, refused beside the new key."""

import pytest

from pipeline.config import Config, load_config
from pipeline.renamed_keys import RENAMED
from shelfsort.core.errors import InputError
from shelfsort.core.keys import flat


def _file(tmp_path, text: str) -> str:
    path = tmp_path / "shelfsort.yaml"
    path.write_text(text, "utf-8")
    return str(path)


def test_an_old_section_of_a_file_is_read_with_one_warning_that_names_the_new(tmp_path, caplog):
    path = _file(tmp_path, "name: bags\nvalidation:\n  confidence: 0.9\n  max_share_ratio: 3\n")
    drift = load_config(path).drift
    assert (drift.confidence, drift.max_share_ratio) == (0.9, 3)
    (warning,) = caplog.messages
    assert f"{path}:2: validation is now drift." in warning
    assert "\n" not in warning


@pytest.mark.parametrize("override", ["evaluation.accuracy=0.6", "evaluation={accuracy: 0.6}"])
def test_an_old_key_of_an_override_is_read_with_a_warning(override, caplog):
    assert load_config(None, [override]).gate.accuracy == 0.6
    (warning,) = caplog.messages
    assert "--set evaluation is now gate." in warning


def test_new_keys_warn_of_nothing(caplog):
    load_config(None, ["gate.accuracy=0.6"])
    assert caplog.messages == []


def test_old_and_new_sections_of_a_file_may_hold_different_keys(tmp_path):
    path = _file(tmp_path, "validation: {confidence: 0.9}\ndrift: {max_share_ratio: 3}\n")
    drift = load_config(path).drift
    assert (drift.confidence, drift.max_share_ratio) == (0.9, 3)


def test_an_override_replaces_what_the_file_sets_under_the_old_key(tmp_path):
    path = _file(tmp_path, "evaluation:\n  accuracy: 0.6\n  coverage_95: 0.1\n")
    gate = load_config(path, ["gate.accuracy=0.7"]).gate
    assert (gate.accuracy, gate.coverage) == (0.7, {"95": 0.1})


def test_the_same_key_under_both_names_is_refused(tmp_path):
    path = _file(tmp_path, "evaluation: {accuracy: 0.6}\ngate: {accuracy: 0.7}\n")
    with pytest.raises(InputError, match=r":1: evaluation is now gate, which is given as well\."):
        load_config(path)
    with pytest.raises(InputError, match=r"--set gate\.accuracy: is the same as evaluation\.accu"):
        load_config(None, ["evaluation.accuracy=0.6", "gate.accuracy=0.7"])


def test_a_wrong_value_or_key_in_an_old_section_is_named_with_its_line(tmp_path):
    with pytest.raises(InputError, match=r":2: drift\.confidence: .*less than 1"):
        load_config(_file(tmp_path, "validation:\n  confidence: 9\n"))
    with pytest.raises(InputError, match=r":2: drift\.confidenc: .*'drift\.confidence'"):
        load_config(_file(tmp_path, "validation:\n  confidenc: 0.9\n"))


def test_every_new_key_exists_and_no_old_one_does():
    from pipeline.config import to_dict

    keys = {key for key, _ in flat(to_dict(Config()))}
    sections = {key.rpartition(".")[0] for key in keys}
    floors = {"gate.accepted_accuracy", "gate.coverage"}
    for old, new in RENAMED.items():
        assert new in keys | sections or new.rpartition(".")[0] in floors
        assert old not in keys | sections


def test_old_keys_of_training_are_read_beside_new_ones(tmp_path, caplog):
    path = _file(tmp_path, "training:\n  epochs: 3\n  label_noise: drop\n  fit: {folds: 4}\n")
    training = load_config(path, ["training.seed=1"]).training
    assert (training.fit.epochs, training.fit.folds, training.fit.seed) == (3, 4, 1)
    assert training.label_issues.action == "drop"
    assert len(caplog.messages) == 3
    with pytest.raises(InputError, match=r":2: training\.epochs is now training\.fit\.epochs, whi"):
        load_config(_file(tmp_path, "training:\n  epochs: 3\n  fit: {epochs: 4}\n"))
