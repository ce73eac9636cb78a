"""The gate's comparison of a model with the live one, on hand-made figures."""

import numpy as np
import pytest

from components.evaluator import gate
from components.evaluator.artifact import UnloadableLive
from components.evaluator.comparison import compare
from components.evaluator.settings import GateConfig
from tests.components.evaluator.hand_made import (
    CATEGORIES,
    coverage_check,
    failed,
    metrics,
    named,
    outcomes,
)


def test_a_model_no_worse_than_the_live_one_passes():
    live = compare(outcomes([True] * 90 + [False] * 10), outcomes([False] * 10 + [True] * 90))
    assert gate.decide(metrics(), CATEGORIES, GateConfig(), live).blessed


def test_a_model_worse_on_the_same_products_is_refused():
    live = compare(outcomes([True] * 80 + [False] * 20), outcomes([True] * 90 + [False] * 10), "4")
    verdict = gate.decide(metrics(), CATEGORIES, GateConfig(), live)
    assert {"live_accuracy", "live_coverage", "live_categories"} == set(failed(verdict))
    check = failed(verdict)["live_accuracy"]
    assert (check.value, check.floor, check.n) == (pytest.approx(-0.1), 0.0, 100)


def test_a_loss_that_is_allowed_passes():
    right = np.arange(1000) < 990
    live = compare(outcomes(right), outcomes(np.ones(1000)))
    assert "live_coverage" not in failed(gate.decide(metrics(), CATEGORIES, GateConfig(), live))
    assert "live_accuracy" in failed(gate.decide(metrics(), CATEGORIES, GateConfig(), live))
    allowing = GateConfig(max_accuracy_loss=0.02)
    assert "live_accuracy" not in failed(gate.decide(metrics(), CATEGORIES, allowing, live))


def test_a_loss_of_coverage_that_outlasts_redrawn_calibration_products_is_refused():
    check = coverage_check(50, -0.08, -0.01)
    assert not check.passed
    assert (check.value, check.floor) == (pytest.approx(-0.05), -0.02)
    assert "-8.0 and -1.0 points" in check.reason


def test_a_loss_of_coverage_that_redrawn_calibration_products_would_undo_passes():
    assert coverage_check(50, -0.08, 0.004).passed


def test_chance_excuses_a_loss_of_coverage_up_to_a_limit_only():
    assert coverage_check(200, -0.9, 0.5).passed
    assert not coverage_check(201, -0.9, 0.5).passed
    assert not coverage_check(50, -0.9, 0.5, max_coverage_loss_by_chance=0.0).passed


def test_a_loss_of_coverage_within_what_is_allowed_needs_no_redraws():
    assert coverage_check(20, -0.08, -0.01).passed
    assert not coverage_check(30, -0.08, -0.01).passed
    assert coverage_check(30, -0.08, -0.01, max_coverage_loss=0.05).passed


def test_without_calibration_products_chance_excuses_no_loss_of_coverage():
    assert not coverage_check(50, None, None).passed
    assert coverage_check(0, None, None).passed


def test_a_model_that_decides_where_the_live_one_never_did_passes():
    live = compare(outcomes(np.ones(100)), outcomes(np.ones(100), np.zeros(100)))
    assert gate.decide(metrics(), CATEGORIES, GateConfig(), live).blessed


def test_two_models_that_decide_nothing_differ_in_nothing():
    nothing = outcomes(np.zeros(100))
    live = compare(nothing, nothing)
    assert (live.coverage.low, live.coverage.high) == (0.0, 0.0)
    assert "live_coverage" not in failed(gate.decide(metrics(), CATEGORIES, GateConfig(), live))


def test_one_category_worse_than_live_is_named_though_the_average_rises():
    labels = ["mugs"] * 200 + ["lids"] * 20
    new = np.array([True] * 200 + [False] * 20)
    old = np.array([True] * 160 + [False] * 40 + [True] * 20)
    live = compare(outcomes(new, labels=labels), outcomes(old, labels=labels))
    (check,) = failed(gate.decide(metrics(), CATEGORIES, GateConfig(), live)).values()
    assert (check.name, check.value, check.floor) == ("live_categories", -1.0, 0.0)
    assert named(check, "lids", "mugs") == ["lids"]


@pytest.mark.parametrize(("rule", "blessed"), [("refuse", False), ("ignore", True)])
def test_a_live_model_that_cannot_be_loaded(rule, blessed):
    live = UnloadableLive("4", "it has no signature 'evaluate'")
    verdict = gate.decide(metrics(), CATEGORIES, GateConfig(on_unloadable_live=rule), live)
    assert verdict.blessed is blessed
    (check,) = [check for check in verdict.checks if check.name == "live_loadable"]
    assert "it has no signature 'evaluate'" in check.reason
    assert verdict.to_dict()["live"]["problem"] == live.problem


def test_another_taxonomy_without_a_shared_category_is_refused():
    live = compare(outcomes([True]), outcomes([True]), "4", live_categories=["sofas"])
    check = failed(gate.decide(metrics(), CATEGORIES, GateConfig(), live))["live_taxonomy"]
    assert check.n == 0


def test_models_without_a_common_target_are_not_compared_by_coverage():
    new, old = np.arange(200) < 20, np.arange(200) < 180
    right = np.ones(200)
    models = [outcomes(right, accepted) for accepted in (new, old)]
    apart = compare(*models, "4", target=None)
    assert (apart.coverage.n, apart.coverage.low) == (0, None)
    assert gate.decide(metrics(), CATEGORIES, GateConfig(), apart).blessed
    verdict = gate.decide(metrics(), CATEGORIES, GateConfig(), compare(*models, "4"))
    assert list(failed(verdict)) == ["live_coverage"]
