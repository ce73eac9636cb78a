"""When a retraining searches settings again."""

from datetime import datetime, timezone

import pytest

from components.evaluator.artifact import Metrics
from components.manifest_example_gen.artifact import Ingestion
from components.tuner.artifact import write_best
from pipeline.config import load_config
from pipeline.experiments.retuning import search_or_take
from pipeline.experiments.runs import Run

CONFIG = load_config(None, ["tuning.trials=20", "training.fit.epochs=9"])


@pytest.fixture
def runs(tmp_path):
    """A run that searched on 100 labels of hats and mugs, and a later one that did not."""
    write_best(tmp_path / "best", {"fit.dropout": 0.45, "calibration.searched_share": 0.5})
    Ingestion(100, 100, rejected=0, categories={"hats": 50, "mugs": 50}).write(tmp_path / "rejects")
    artifacts = {"best_hyperparameters": tmp_path / "best", "rejects": tmp_path / "rejects"}
    day = datetime(2026, 3, 1, tzinfo=timezone.utc)
    searched = Run("a", day, "pushed", "1", Metrics({}), {}, artifacts, rows={"one": 60, "two": 40})
    later = Run("b", day, "pushed", "2", Metrics({}), {}, {"rejects": tmp_path / "rejects"})
    return [later, searched]


def test_settings_of_the_last_search_are_taken_while_little_is_new(runs):
    taken = search_or_take(CONFIG, runs, {"hats", "mugs"}, 149, 50)
    assert taken.tuning.trials == 0
    assert taken.training.fit.dropout == 0.45
    assert taken.training.fit.epochs == 9
    assert taken.training.calibration.searched_share == 0.5


@pytest.mark.parametrize(
    ("categories", "labels"), [({"hats", "mugs"}, 150), ({"hats", "mugs", "boots"}, 101)]
)
def test_enough_labels_or_a_new_category_call_for_another_search(runs, categories, labels):
    assert search_or_take(CONFIG, runs, categories, labels, 50) == CONFIG


def test_what_was_never_searched_is_searched(runs):
    assert search_or_take(CONFIG, [], {"hats"}, 10, 50) == CONFIG
    assert search_or_take(CONFIG, runs[:1], {"hats"}, 10, 50) == CONFIG
