"""What the components of version 0.2 left behind, before documents had a version, is read."""

import json

import pytest

from components.check import Check
from components.drift_check.artifact import DriftFindings
from components.evaluator.artifact import (
    Categories,
    Comparison,
    Metrics,
    UnloadableLive,
    Verdict,
    category_names,
)
from components.manifest_example_gen.artifact import Ingestion, Labels, read_rejects
from components.pusher.artifact import Push
from components.report_gen.artifact import Report
from components.serving_check.artifact import ServingReport
from components.trainer.artifact import ModelRun, read_suspects
from shelfsort.contract.targets import DEFAULT_TARGETS
from shelfsort.core.cost import Cost
from shelfsort.labeling.label_issues import Suspect

FIGURES = {"n": 4, "accuracy": 0.75, "accepted_95": 2, "accepted_accuracy_95": None}
PAIR = {"n": 4, "candidate": 0.75, "live": 0.5, "only_candidate": 2, "only_live": 1, "p_worse": 0.9}
COMPARISON = {
    "version": "7",
    "shared_categories": 2,
    "left_out": 1,
    "accuracy": PAIR,
    "coverage": {**PAIR, "low": -0.5, "high": 0.25},
    "by_category": {"mugs": PAIR},
}
CHECK = {"name": "accuracy", "passed": False, "reason": "Too low.", "value": 0.3}
FILES = {
    "summary.json": {
        "lines": 9,
        "accepted": 7,
        "superseded": 0,
        "rejected": 2,
        "by_reason": {"not_json": 2},
        "reduction": {},
        "labels": {"workers": 3, "answers": 27, "products_with_workers": 9},
        "files": {"m": 7},
        "splits": {"eval": 4, "train": 3},
        "categories": {"mugs": 7},
        "ignored": {},
    },
    "metrics.json": {
        "combined": {"calibration": {"n": 0}, "eval": FIGURES},
        "text": {"eval": {**FIGURES, "n": 3}},
        "image": {"eval": FIGURES},
        "live": {"eval": {"n": 4, "accuracy": 0.5}},
        "thresholds": {"combined": {"n": 8, "by_category": {"mugs": {"95": 0.6, "n": 8}}}},
    },
    "categories.json": [
        {
            "category": "mugs",
            "path": "Kitchen > Mugs",
            "parent": "kitchen",
            "n": 4,
            "accuracy": 0.75,
            "accuracy_lower": 0.2,
            "accuracy_effective": 4.0,
            "coverage_95": 0.5,
            "accepted": 2,
            "accepted_accuracy_95": 1.0,
            "accepted_lower_95": 0.4,
            "accepted_upper_95": 1.0,
            "accepted_effective_95": 1.9,
            "accepted_98": 1,
            "accepted_accuracy_98": 0.9,
            "accepted_effective_98": 0.8,
            "false_accepts": 3,
            "false_accept_rate": 0.1,
            "precision": 0.7,
            "recall": 0.75,
            "f1": 0.72,
            "threshold_95": 0.6,
            "calibration_n": 8,
            "live": {"n": 4, "accuracy": 0.5, "coverage_95": 0.2, "accepted_accuracy_95": None},
        }
    ],
    "verdict.json": {
        "blessed": True,
        "checks": [CHECK],
        "live": {"version": "7", "comparison": COMPARISON},
        "approved_by": "Ada",
        "overridden": ["accuracy"],
    },
    "training.json": {
        "pictures_embedded": 5,
        "cost": {"fitting": {"seconds": 3, "cpu_seconds": 4}},
    },
    "drift.json": {"live_version": "7", "drift": None, "problem": "why", "skew": None},
    "push.json": {"pushed": False, "reasons": ["Too low."]},
    "report.json": {"blessed": False, "checks": [CHECK], "products": 3, "seconds": 1.5},
}
LINES = {
    "rejects.jsonl": {"line": 3, "id": "", "reason": "not_json", "detail": "x", "image": ""},
    "label_suspects.jsonl": {"product_id": "p", "label": "a", "likely": "b", "label_score": 0.1},
}


@pytest.fixture
def older(tmp_path):
    """A folder with all the files, which lay in folders of their own."""
    for name, content in FILES.items():
        (tmp_path / name).write_text(json.dumps(content))
    for name, record in LINES.items():
        (tmp_path / name).write_text(json.dumps(record) + "\n")
    return tmp_path


def test_what_was_ingested(older):
    ingestion = Ingestion.read(older)
    assert (ingestion.lines, ingestion.labels) == (9, Labels(3, 27, 9))
    (reject,) = read_rejects(older)
    assert (reject.place, reject.reason) == (("", 3), "not_json")


def test_what_was_trained(older):
    assert ModelRun.read(older) == ModelRun(5, {"fitting": Cost(3, 4)})
    assert list(read_suspects(older)) == [Suspect("p", "a", "b", 0.1)]


def test_figures_by_modality(older):
    metrics = Metrics.read(older)
    assert metrics.figures()["accuracy"] == 0.75
    assert metrics.figures("text", "calibration") == {}
    assert metrics.live == {"n": 4, "accuracy": 0.5}
    assert metrics.answered_by() == {"combined": 3, "image": 1}
    assert metrics.calibration.of("combined").threshold("mugs", 0.95) == 0.6


def test_figures_by_category_under_their_present_names(older):
    (mugs,) = Categories.read(older).categories
    assert set(mugs.figures) == set(category_names(DEFAULT_TARGETS))
    renamed = {
        "coverage_at_95": 0.5,
        "accepted_95": 2,
        "accepted_accuracy_95_lower": 0.4,
        "accepted_accuracy_95_upper": 1.0,
        "accepted_accuracy_95_effective": 1.9,
        "accepted_accuracy_98_effective": 0.8,
        "false_accepts_95": 3,
        "false_accept_rate_95": 0.1,
        "threshold_95": 0.6,
        "coverage_at_98": None,
    }
    assert {name: mugs.figures[name] for name in renamed} == renamed
    assert mugs.live["coverage_at_95"] == 0.2


def test_the_verdict_and_what_the_model_was_compared_with(older):
    verdict = Verdict.read(older)
    assert verdict.checks == (Check("accuracy", False, "Too low.", value=0.3),)
    assert (verdict.approved_by, verdict.overridden) == ("Ada", ("accuracy",))
    assert isinstance(verdict.live, Comparison)
    assert (verdict.live.version, verdict.live.coverage.low) == ("7", -0.5)
    assert verdict.live.by_category["mugs"].only_candidate == 2


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (None, None),
        ({"version": "7", "comparison": None, "problem": "gone"}, UnloadableLive("7", "gone")),
    ],
)
def test_a_verdict_without_a_comparison(live, expected):
    content = {**FILES["verdict.json"], "live": live}
    assert Verdict.from_dict(content).live == expected


def test_drift_push_and_serving_report(older):
    assert DriftFindings.read(older) == DriftFindings("7", None, "why")
    assert Push.read(older) == Push(pushed=False, reasons=("Too low.",))
    report = ServingReport.read(older)
    assert (report.blessed, report.products) == (False, 3)


def test_a_page_holds_its_report_itself(tmp_path):
    summary = {"model_name": "shelves", "blessed": True, "failed": [], "overruled": []}
    summary |= {"approved_by": None, "n": 4, "figures": {"accuracy": 0.75}}
    opening = '<script type="application/json" id="summary">'
    (tmp_path / "index.html").write_text(f"{opening}{json.dumps(summary)}</script>")
    found = Report.of_page(tmp_path / "index.html")
    assert found == Report("shelves", True, n=4, figures={"accuracy": 0.75})


@pytest.mark.parametrize(
    "document",
    [Metrics({"text": {"eval": FIGURES}}), Categories(()), Verdict(True), Push(True)],
)
def test_a_present_document_survives_its_file(document, tmp_path):
    document.write(tmp_path)
    assert type(document).read(tmp_path) == document
