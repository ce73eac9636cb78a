"""What the gate says of drift, on hand-made findings."""

import dataclasses
import re

from components.drift_check.artifact import (
    CategoryChanges,
    Drift,
    DriftFindings,
    ShareChange,
    Shift,
    Skew,
)
from components.evaluator import gate
from components.evaluator.artifact import Metrics
from components.evaluator.drift_checks import drift_checks
from components.evaluator.settings import GateConfig

STEADY = Shift("title_words", 0.004, 0.031, 60_000, 61_000, False)
MOVED = Shift("price", 0.9766, 0.0633, 6_600, 6_700, True)
KEPT = ShareChange("b", 100, 98, 0.0152, 0.0146, 1.0, False)
LOST = ShareChange("a", 88, 0, 0.0133, 0.0, 1e-12, True)
PATHS = {"a": "Bags > Clutches", "b": "Bags > Handbags", "n": "Bags > Totes"}


def findings(shifts=(STEADY,), compared=(KEPT,), **categories):
    changes = CategoryChanges(2.0, list(compared), **{"new": [], "removed": [], **categories})
    return DriftFindings("3", Drift(6_600, 6_700, list(shifts), changes))


def asked(found, **settings):
    (check,) = drift_checks(found, GateConfig(**settings), PATHS.__getitem__)
    return check


def numbers(check) -> list[str]:
    return re.findall(r"\d[\d,.]*\d|\d", check.reason)


def test_nothing_is_asked_where_drift_was_not_looked_for():
    assert drift_checks(None, GateConfig(), str) == []


def test_a_first_model_passes_and_it_is_said_why():
    check = asked(DriftFindings("", None))
    assert check.passed and check.n is None


def test_nothing_drifted_names_what_came_nearest():
    check = asked(findings())
    assert check.passed and check.n == 6_700
    assert numbers(check) == ["6,700", "6,600", "3", "1", "0.004", "0.031", "1", "2"]


def test_what_drifted_is_named_with_its_distance_and_threshold():
    check = asked(findings(shifts=(MOVED, STEADY)))
    assert not check.passed
    assert numbers(check)[3:7] == ["1", "2", "0.977", "0.063"]
    assert "price" in check.reason and "title_words" not in check.reason


def test_a_category_whose_share_changed_is_named_by_its_path_with_its_products():
    check = asked(findings(compared=(LOST, KEPT)))
    assert not check.passed
    assert numbers(check)[-7:] == ["1", "2", "2", "1.33", "0.00", "88", "0"]
    assert "Bags > Clutches" in check.reason and "Bags > Handbags" not in check.reason


def test_of_many_categories_the_first_five_are_named():
    check = asked(findings(compared=(LOST,) * 7))
    assert check.reason.count("Bags > Clutches") == 5
    assert "and 2 more" in check.reason


def test_new_and_removed_categories_pass_and_are_told():
    check = asked(findings(new=["n"], removed=["gone"]))
    assert check.passed
    assert "Bags > Totes" in check.reason and "gone" in check.reason


def test_a_live_model_without_statistics_refuses_unless_configured_otherwise():
    missing = DriftFindings("2", None, "it was pushed without its training statistics")
    refused = asked(missing)
    assert not refused.passed and missing.problem in refused.reason
    assert asked(missing, on_missing_statistics="ignore").passed


def test_drift_refuses_the_model_unless_a_named_person_approves():
    failed = asked(findings(shifts=(MOVED,)))
    alone = gate.decide(Metrics(), [], GateConfig(), other_checks=[failed])
    assert not alone.blessed and failed.reason in [check.reason for check in alone.checks]
    approved = gate.decide(Metrics(), [], GateConfig(approved_by="Ada"), other_checks=[failed])
    assert approved.blessed and "drift" in approved.to_dict()["overridden"]


def test_findings_survive_the_file():
    found = findings(shifts=(MOVED, STEADY), compared=(LOST, KEPT), new=["n"])
    assert DriftFindings.from_json(found.to_json()) == found
    problem = dataclasses.replace(found, drift=None, problem="why")
    assert DriftFindings.from_json(problem.to_json()) == problem


def test_what_is_served_is_asked_about_where_there_are_logs():
    steady = dataclasses.replace(findings(), skew=Skew(900, 6_700, 3, [STEADY]))
    _, check = drift_checks(steady, GateConfig(), PATHS.__getitem__)
    assert check.name == "serving_skew" and check.passed
    assert numbers(check) == ["900", "6,700", "1", "0.004", "0.031", "3"]
    skewed = dataclasses.replace(findings(), skew=Skew(900, 6_700, 0, [MOVED]))
    _, check = drift_checks(skewed, GateConfig(), PATHS.__getitem__)
    assert not check.passed and numbers(check)[-2:] == ["0.977", "0.063"]


def test_logs_without_products_pass_nothing():
    empty = dataclasses.replace(findings(), skew=Skew(0, 6_700, 12, []))
    _, check = drift_checks(empty, GateConfig(), PATHS.__getitem__)
    assert not check.passed and check.n == 0 and numbers(check) == ["12"]


def test_golden_drift(golden):
    """Every sentence about drift and skew."""
    many = {"new": ["n"] * 7, "removed": ["gone"]}
    cases = [
        (DriftFindings("", None), {}),
        (findings(), {}),
        (findings(shifts=(MOVED, STEADY), compared=(LOST,) * 7, **many), {}),
        (DriftFindings("2", None, "it was pushed without its training statistics"), {}),
        (DriftFindings("2", None, "it has no statistics"), {"on_missing_statistics": "ignore"}),
        (dataclasses.replace(findings(), skew=Skew(900, 6_700, 3, [STEADY])), {}),
        (dataclasses.replace(findings(), skew=Skew(900, 6_700, 0, [MOVED])), {}),
        (dataclasses.replace(findings(), skew=Skew(0, 6_700, 12, [])), {}),
    ]
    golden(
        "drift.txt",
        [
            f"{check.name}: {check.reason}"
            for found, settings in cases
            for check in drift_checks(found, GateConfig(**settings), PATHS.__getitem__)[-1:]
        ],
    )
