"""Runs as an SQLite database."""

import dataclasses
import json
import sqlite3
from contextlib import closing

import pytest

from pipeline.experiments.database import write_database
from shelfsort.contract.calibration import Calibration
from shelfsort.core.errors import InputError
from tests.fixtures.serving_cost import COST
from tests.pipeline.experiments.conftest import Product


@pytest.fixture
def two_runs(make_run):
    first = make_run(
        "a",
        [Product("p1", "Boots", "Boots"), Product("p2", "Sandals", "Boots", decided=False)],
        epochs=3,
    )
    first = dataclasses.replace(first, cost=COST)
    return [first, make_run("b", [Product("p1", "Boots", "Sandals", score=0.4)], hour=9)]


def _with_targets(run, *targets: float):
    nothing = Calibration({}).of("combined")
    thresholds = {target: nothing.at(target) for target in targets}
    calibration = Calibration({"combined": dataclasses.replace(nothing, targets=thresholds)})
    return dataclasses.replace(
        run, metrics=dataclasses.replace(run.metrics, calibration=calibration)
    )


def _ask(path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_runs_settings_figures_and_answers_are_rows(two_runs, tmp_path):
    path = tmp_path / "out" / "runs.sqlite"
    write_database([_with_targets(run, 0.95) for run in two_runs], str(path))
    assert _ask(path, "SELECT id, started, outcome, version FROM run ORDER BY id") == [
        ("a", "2026-03-03T08:00:00+00:00", "pushed", "1"),
        ("b", "2026-03-03T09:00:00+00:00", "pushed", "1"),
    ]
    assert _ask(path, "SELECT run, name, value FROM setting") == [("a", "epochs", json.dumps(3))]
    assert _ask(path, "SELECT run, mode, split, value FROM figure WHERE name = 'accuracy'") == [
        ("a", "combined", "eval", 0.5),
        ("b", "combined", "eval", 0.0),
    ]
    memory = "SELECT run, value FROM cost WHERE name = 'peak_memory_mb'"
    assert _ask(path, memory) == [("a", 700.0)]
    answers = "SELECT run, product_id, category, predicted, score, accepted_95 FROM answer"
    assert _ask(path, f"{answers} ORDER BY run, product_id") == [
        ("a", "p1", "Boots", "Boots", 0.9, 1),
        ("a", "p2", "Sandals", "Boots", 0.9, 0),
        ("b", "p1", "Boots", "Sandals", 0.4, 1),
    ]


def test_a_target_that_one_run_lacks_is_null_there(two_runs, tmp_path):
    path = tmp_path / "runs.sqlite"
    first, second = two_runs
    write_database([_with_targets(first, 0.95, 0.98), _with_targets(second, 0.95)], str(path))
    found = _ask(path, "SELECT run, accepted_95, accepted_98 FROM answer WHERE product_id = 'p1'")
    assert sorted(found) == [("a", 1, 0), ("b", 1, None)]


def test_an_earlier_database_is_replaced_and_any_other_file_is_refused(two_runs, tmp_path):
    path = tmp_path / "runs.sqlite"
    write_database(two_runs, str(path))
    write_database(two_runs[:1], str(path))
    assert _ask(path, "SELECT id FROM run") == [("a",)]
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as database:
        database.execute("CREATE TABLE customers (name TEXT)")
    write_database(two_runs, str(tmp_path / "shared.sqlite"))
    with closing(sqlite3.connect(tmp_path / "shared.sqlite")) as database:
        database.execute("CREATE TABLE experiments (name TEXT)")
    (tmp_path / "notes.txt").write_text("notes")
    for other in ("other.sqlite", "shared.sqlite", "notes.txt"):
        before = (tmp_path / other).read_bytes()
        with pytest.raises(InputError, match=other):
            write_database(two_runs, str(tmp_path / other))
        assert (tmp_path / other).read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_an_answer_without_a_product_id_has_null_there(make_run, tmp_path):
    path = tmp_path / "runs.sqlite"
    write_database([make_run("a", [Product("", "Boots", "Boots", split="held_out")])], str(path))
    assert _ask(path, "SELECT split, product_id, predicted FROM answer") == [
        ("held_out", None, "Boots")
    ]


def test_a_run_without_an_evaluation_has_no_answers(two_runs, tmp_path):
    path = tmp_path / "runs.sqlite"
    failed = dataclasses.replace(two_runs[0], artifacts={}, outcome="failed", version="")
    write_database([failed], str(path))
    assert _ask(path, "SELECT outcome, version FROM run") == [("failed", None)]
    assert _ask(path, "SELECT count(*) FROM answer") == [(0,)]
