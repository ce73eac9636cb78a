"""New labels, reviews and a broken promise start one run, whoever asks and however often."""

import dataclasses
import json
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import pipeline.local.watch
from components.manifest_example_gen import preflight
from components.manifest_example_gen.artifact import Ingestion
from pipeline.cli.retrain import retrain
from pipeline.config import Config
from pipeline.experiments.runs import Run
from pipeline.local.run import RunResult
from pipeline.output_folder import OutputFolder
from shelfsort.core.errors import InputError, NotBlessed
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database

NOW = datetime.now(timezone.utc)
TREE = [
    {"id": "main", "name": "Main", "subcategories": ["hats", "mugs"]},
    {"id": "hats", "name": "Hats", "subcategories": [], "parent": "main"},
    {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "main"},
]


class Shop:
    """An inbox, a results database and runs whose verdicts are given."""

    def __init__(self, folder, monkeypatch):
        self.inbox, self.tree = folder / "inbox", folder / "tree.json"
        self.inbox.mkdir()
        self.tree.write_text(json.dumps(TREE))
        self.output = OutputFolder.open(str(folder / "out"))
        self.database = folder / "d.db"
        self.engine = open_database(str(self.database))
        self.verdict, self.runs = "pushed", []
        monkeypatch.setattr(pipeline.local.watch, "list_runs", lambda _: list(self.runs))
        monkeypatch.setattr(pipeline.local.watch, "recover", lambda _: True)
        monkeypatch.setattr(pipeline.local.watch, "run", self._run)

    def deliver(self, name, n, first=0):
        lines = [
            {
                "id": f"p{i}",
                "title": f"thing {i}",
                "shelf": {"workers": [{"worker_id": "w", "label": ("hats", "mugs")[i % 2]}]},
                "shelf-metadata": {"type": "groundtruth/custom"},
            }
            for i in range(first, first + n)
        ]
        (self.inbox / name).write_text("".join(json.dumps(line) + "\n" for line in lines))

    def decide(self, product, *said, audited=False):
        """A decision, and what people said about it: (reviewer, category, undoes)."""
        with self.engine.begin() as connection:

            def insert(table, **row):
                return connection.execute(sa.insert(table), row).inserted_primary_key[0]

            if not connection.scalar(sa.select(sa.func.count()).select_from(tables.rules)):
                insert(tables.rules, digest="r", stored=NOW)
            run = insert(tables.run, started=NOW)
            row = {"product": product, "input": product, "model": "1", "at": NOW, "run": run}
            shown = json.dumps({"title": f"thing {product}"})
            answer = insert(tables.prediction, **row, score=0.5, category="hats")
            insert(tables.prediction_detail, prediction=answer, at=NOW, shown=shown)
            row = {"prediction": answer, "rules": "r", "at": NOW, "run": run, "outcome": "review"}
            decision = insert(tables.decision, **row)
            if audited:
                insert(tables.audit, decision=decision, drawn=NOW, rate=0.25, draw=0.1)
            for reviewer, category, undoes in said:
                row = {"decision": decision, "at": NOW, "reviewer": reviewer, "kind": "review"}
                insert(tables.review, **row, category=category, undoes=undoes)

    def back_off(self, category, since):
        with self.engine.begin() as connection:
            connection.execute(sa.insert(tables.backoff), {"category": category, "since": since})

    def retrain(self, *options, enough=10):
        places = ("--inbox", self.inbox, "--taxonomy", self.tree, "--output", self.output.path)
        arguments = (*places, "--min-new", enough, "--json", *options)
        done = CliRunner().invoke(retrain, [str(each) for each in arguments])
        if done.exception is not None:
            raise done.exception
        return json.loads(done.stdout)

    def with_reviews(self, *options, enough=10):
        return self.retrain("--database", self.database, *options, enough=enough)

    def killed(self):
        """A run on what is in the inbox that came to no end."""
        digest = preflight.check(str(self.inbox), str(self.tree), Config().data).digest
        self.runs.insert(0, Run("id", NOW, "unfinished", "", {}, {}, content_digest=digest))

    def _run(self, manifest, taxonomy, folder, config, console, checked):
        now = datetime.now(timezone.utc)
        rows = dict(checked.files)
        of = {"content_digest": checked.digest, "spans": tuple(rows), "rows": rows}
        self.runs.insert(0, Run("id", now, self.verdict, "", {}, {}, **of))
        figures = {"n": 10, "accuracy": 0.9, "coverage_at_95": 0.5}
        return RunResult(
            pushed=self.verdict == "pushed",
            version="1" if self.verdict == "pushed" else "",
            reasons=[] if self.verdict == "pushed" else ["drift: too much."],
            metrics={"combined": {"eval": figures}},
            ingested=Ingestion(2, 2, files=rows, categories={"hats": 1, "mugs": 1}),
            seconds=1.0,
        )


@pytest.fixture
def shop(tmp_path, monkeypatch):
    return Shop(tmp_path, monkeypatch)


def test_labels_are_counted_from_the_last_run_that_came_to_a_verdict(shop):
    shop.deliver("1.manifest", 9)
    first = shop.retrain()
    assert (first["outcome"], first["labels"], first["needed"]) == ("waiting", 9, 10)
    shop.deliver("2.manifest", 3, first=9)
    assert shop.retrain()["outcome"] == "pushed"
    assert (shop.retrain()["labels"], len(shop.runs)) == (0, 1)
    shop.deliver("2.manifest", 13, first=9)
    assert shop.retrain("--dry-run")["outcome"] == "due"
    assert (shop.retrain()["outcome"], len(shop.runs)) == ("pushed", 2)


def test_a_refused_run_has_had_its_labels(shop):
    shop.deliver("1.manifest", 12)
    shop.verdict = "not blessed"
    with pytest.raises(NotBlessed, match="drift"):
        shop.retrain()
    again = shop.retrain()
    assert (again["outcome"], again["labels"], len(shop.runs)) == ("waiting", 0, 1)


def test_after_a_kill_the_next_call_runs_once(shop):
    shop.deliver("1.manifest", 12)
    shop.killed()
    assert shop.retrain()["outcome"] == "pushed"
    assert shop.retrain()["outcome"] == "waiting"
    assert [run.outcome for run in shop.runs] == ["pushed", "unfinished"]


def test_a_second_call_at_the_same_time_starts_nothing(shop):
    shop.deliver("1.manifest", 12)
    with shop.output.locked():
        assert shop.retrain()["outcome"] == "under way"
    assert shop.runs == []


def test_a_promise_broken_since_the_last_run_needs_one_new_label(shop):
    shop.deliver("1.manifest", 12)
    shop.retrain()
    shop.back_off("mugs", shop.runs[0].started - timedelta(days=1))
    shop.deliver("2.manifest", 1, first=12)
    assert shop.with_reviews()["outcome"] == "waiting"
    shop.back_off("hats", shop.runs[0].started + timedelta(hours=1))
    found = shop.with_reviews()
    assert (found["outcome"], found["broken"], found["labels"]) == ("pushed", ["hats"], 1)


def test_a_broken_promise_without_new_labels_starts_nothing(shop):
    shop.deliver("1.manifest", 12)
    shop.retrain()
    shop.back_off("", shop.runs[0].started + timedelta(hours=1))
    found = shop.with_reviews()
    assert (found["outcome"], found["broken"], len(shop.runs)) == ("waiting", [""], 1)


def test_reviews_become_labels_of_the_inbox_with_their_selection(shop):
    shop.deliver("1.manifest", 8)
    shop.decide("a", ("Ann", "hats", None), ("Bob", "mugs", None))
    shop.decide("b", ("Ann", "mugs", None), audited=True)
    shop.decide("c", ("Ann", "hats", None), ("Ann", "", 4))
    shop.decide("d", ("Ann", "", None))
    found = shop.with_reviews(enough=10)
    assert (found["outcome"], found["labels"], found["reviews"]) == ("pushed", 10, 2)
    lines = (shop.inbox / "reviews.manifest").read_text().splitlines()
    one, other = map(json.loads, lines)
    labels = [(each["worker_id"], each["label"]) for each in one["shelf"]["workers"]]
    assert (one["id"], labels) == ("a", [("r-1", "hats"), ("r-2", "mugs")])
    assert one["shelf-metadata"]["selected-by"] == "review"
    assert (other["id"], other["shelf-metadata"]["selection-probability"]) == ("b", 0.25)
    assert shop.with_reviews()["labels"] == 0


def test_a_dry_run_writes_nothing(shop):
    shop.deliver("1.manifest", 2)
    shop.decide("a", ("Ann", "hats", None))
    assert shop.with_reviews("--dry-run")["outcome"] == "waiting"
    assert not (shop.inbox / "reviews.manifest").exists()


def test_a_pattern_has_no_place_for_reviews(shop):
    shop.deliver("1.manifest", 2)
    options = ("--inbox", shop.inbox / "*.manifest", "--database", shop.database)
    with pytest.raises(InputError, match="folder"):
        shop.retrain(*options)


def test_the_record_of_a_run_has_the_rows_of_its_files():
    assert {field.name for field in dataclasses.fields(Run)} >= {"spans", "rows"}
