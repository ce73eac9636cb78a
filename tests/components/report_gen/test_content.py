"""What the page says, from figures worked out by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from components.check import Check
from components.evaluator.artifact import CategoryFigures, Metrics, UnloadableLive, Verdict
from components.report_gen.changes import category_changes, changes
from components.report_gen.confident_errors import PER_CATEGORY, confident_errors
from components.report_gen.content import assemble
from components.report_gen.modes import ModeRow, Rate, mode_rows, rate
from components.report_gen.sections import Labelling
from shelfsort.contract.calibration import Calibration
from shelfsort.contract.signatures import UNKNOWN_SCORE


def rows(*products: tuple) -> pd.DataFrame:
    names = ["product_id", "category", "predicted", "score", "accepted_95"]
    found = pd.DataFrame(products, columns=names)
    return found.assign(title="", answer="", gold="", label_confidence=1.0)


def test_blessed_when_the_gate_and_the_server_say_so(run_inputs):
    verdict = assemble(run_inputs(60)).verdict
    assert verdict.blessed
    assert [check.name for check in verdict.passed][-1] == "serving_check"
    assert verdict.failed == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"blessed": False}, "accepted_accuracy_95"),
        ({"serving_check": False}, "serving_check"),
        ({"model_blessing": False}, "blessing_agrees"),
    ],
)
def test_one_refusal_is_enough_and_is_named(run_inputs, changed, reason):
    verdict = assemble(run_inputs(60, **changed)).verdict
    assert not verdict.blessed
    assert reason in [check.name for check in verdict.failed]


def test_a_verdict_that_says_nothing_is_a_refusal(run_inputs):
    inputs = run_inputs(60, verdict=Verdict(False), model_blessing=None, serving_check=None)
    assert not assemble(inputs).verdict.blessed


def test_a_failed_check_outweighs_a_blessing(run_inputs):
    check = Check("coverage", False, "Too little is decided.")
    inputs = run_inputs(60, verdict=Verdict(True, (check,)))
    assert not assemble(inputs).verdict.blessed


def test_an_approval_lets_the_named_checks_pass_and_no_other(run_inputs):
    approved = dataclasses.replace(
        run_inputs(60, blessed=False).verdict,
        blessed=True,
        approved_by="A. Reviewer",
        overridden=("accepted_accuracy_95",),
    )
    found = assemble(run_inputs(60, verdict=approved)).verdict
    assert found.blessed
    assert [check.name for check in found.overruled] == ["accepted_accuracy_95"]
    refused = assemble(run_inputs(60, verdict=approved, serving_check=False)).verdict
    assert not refused.blessed
    assert [check.name for check in refused.failed] == ["serving_check"]
    nameless = dataclasses.replace(approved, approved_by=None)
    assert not assemble(run_inputs(60, verdict=nameless)).verdict.blessed


def test_a_live_model_that_cannot_be_loaded_is_named_with_its_problem(run_inputs):
    live = UnloadableLive("4", "its variables are missing")
    verdict = dataclasses.replace(run_inputs(60, live=False).verdict, live=live)
    found = assemble(run_inputs(60, live=False, verdict=verdict)).live
    assert (found.version, found.problem) == ("4", "its variables are missing")
    assert (found.live, found.changes, found.p_worse) == (None, None, None)


def test_a_mode_without_products_has_no_row():
    metrics = Metrics({"text": {"eval": {"n": 0}}, "image": {"eval": {"n": 3}}})
    assert [(row.mode, row.split) for row in mode_rows(metrics)] == [("image", "eval")]


def test_a_mode_that_abstains_has_no_accepted_accuracy():
    row = ModeRow("text", "eval", {"n": 10, "coverage_at_95": 0.0, "accepted_accuracy_95": None})
    assert row.rate("coverage_at_95").value == 0
    assert row.number("accepted_accuracy_95") is None


def test_intervals_go_by_the_independent_products_and_labels_by_their_own():
    figures = {"n": 40, "accuracy": 0.9, "accuracy_effective": 20.0, "parent_accuracy": 0.9}
    figures |= {f"accuracy_expected{part}": x for part, x in {"": 0.92, "_lower": 0.7}.items()}
    row = ModeRow("text", "eval", figures)
    accuracy = row.rate("accuracy")
    # As 18 of 20 (the published table below), not as 36 of 40.
    assert (round(accuracy.low, 4), round(accuracy.high, 4)) == (0.6830, 0.9877)
    assert row.rate("parent_accuracy").low > 0.76
    assert row.expected_accuracy is None
    row = ModeRow("text", "eval", {**figures, "accuracy_expected_upper": 0.98})
    assert row.expected_accuracy == Rate(0.92, 0.7, 0.98, 40)


def test_rates_carry_the_interval_of_their_counts():
    share = rate(0.9, 20)
    # Clopper-Pearson for 18 of 20, from a published table.
    assert (round(share.low, 4), round(share.high, 4)) == (0.6830, 0.9877)
    assert rate(None, 20) is None
    assert rate(0.5, 0) is None


def test_changes_count_each_product_once():
    candidate = rows(
        ("a", "x", "x", 0.9, True),
        ("b", "x", "y", 0.9, True),
        ("c", "x", "x", 0.9, False),
        ("d", "x", "y", 0.9, False),
        ("only here", "x", "x", 0.9, True),
    )
    live = rows(
        ("a", "x", "y", 0.9, False),
        ("b", "x", "x", 0.9, True),
        ("c", "x", "x", 0.9, True),
        ("d", "x", "y", 0.9, True),
    )
    found = changes(candidate, live, "accepted_95")
    assert (found.n, found.fixed, found.broken) == (4, 1, 1)
    assert (found.both_right, found.both_wrong) == (1, 1)
    assert (found.newly_decided, found.no_longer_decided) == (1, 2)
    assert (found.decided_wrong, found.live_decided_wrong) == (1, 1)


def test_categories_that_lose_most_products_come_first():
    def category(name, n, now, before):
        live = None if before is None else {"accuracy": before}
        return CategoryFigures(name, name, "", {"n": n, "accuracy": now}, live)

    found = category_changes(
        [
            category("tiny loss", 2, 0.5, 1.0),
            category("large loss", 100, 0.9, 0.95),
            category("same", 50, 0.9, 0.9),
            category("gain", 10, 1.0, 0.8),
            category("new", 3, 0.5, None),
        ]
    )
    assert [change.category for change in found] == ["large loss", "tiny loss", "gain"]


def test_errors_are_the_surest_first():
    found = confident_errors(
        rows(
            ("right", "x", "x", 0.99, True),
            ("unsure", "x", "y", 0.4, False),
            ("sure", "x", "y", 0.95, True),
        ),
        max_errors=5,
        decided_by="accepted_95",
    )
    assert [error.product_id for error in found] == ["sure", "unsure"]


def test_every_category_shows_some_of_its_errors():
    common = [(f"common{i:03d}", "x", "y", 0.9, True) for i in range(200)]
    rare = [(f"rare{i}", "seldom", "y", 0.1, False) for i in range(PER_CATEGORY + 5)]
    found = confident_errors(rows(*common, *rare), max_errors=50, decided_by="accepted_95")
    assert [error.product_id for error in found[:50]] == [f"common{i:03d}" for i in range(50)]
    assert sum(error.category == "seldom" for error in found) == PER_CATEGORY
    assert len(found) <= 100


def test_an_error_says_when_gold_sides_with_the_model():
    products = rows(("a", "x", "y", 0.9, True), ("b", "x", "y", 0.8, True))
    products["gold"] = ["y", "x"]
    first, second = confident_errors(products, 5, "accepted_95")
    assert first.label_is_wrong
    assert not second.label_is_wrong


def test_labelling_cost_follows_from_the_answers():
    labelling = Labelling(workers=40, answers=300, products=100, price_per_answer=0.012)
    assert labelling.answers_per_product == 3
    assert labelling.cost == pytest.approx(3.6)
    assert labelling.cost_per_label == pytest.approx(0.036)
    assert Labelling(40, 300, 100, None).cost is None
    assert Labelling(0, 0, 0, 0.012).cost_per_label is None


def test_rejects_keep_a_few_examples_of_each_reason(run_inputs):
    rejects = assemble(run_inputs(60)).rejects
    assert [(reason.reason, reason.count) for reason in rejects.reasons] == [
        ("unknown_label", 3),
        ("missing_image", 2),
    ]
    assert [example.line for example in rejects.reasons[1].examples] == [20, 21]


def test_the_curve_accepts_no_product_that_the_model_withholds_as_unknown(run_inputs):
    inputs = run_inputs(60)
    fitted = {
        mode: dataclasses.replace(each, unknown_above=0.95)
        for mode, each in inputs.metrics.calibration.modalities.items()
    }
    metrics = dataclasses.replace(inputs.metrics, calibration=Calibration(fitted))
    rows = inputs.predictions.copy()
    # The limit itself is not above the limit; a live model without the check has no score.
    rows[UNKNOWN_SCORE] = np.resize(np.array([0.96, 0.95, 0.1], np.float32), len(rows))
    rows.loc[rows.model == "live", UNKNOWN_SCORE] = np.nan
    for flag in (name for name in rows.columns if "accepted_" in name):
        rows[flag] &= ~(rows[UNKNOWN_SCORE] > 0.95)
    content = assemble(dataclasses.replace(inputs, metrics=metrics, predictions=rows))
    for levels in content.curves.values():
        for curve in levels.values():
            assert (curve.n, curve.accepted[-1]) == (60, 40)


def test_a_first_model_has_nothing_to_be_compared_with(run_inputs):
    assert assemble(run_inputs(60, live=False)).live is None


def test_the_live_model_is_compared_product_by_product(run_inputs):
    live = assemble(run_inputs(300)).live
    counted = live.changes
    assert live.version == "3"
    assert counted.fixed + counted.broken + counted.both_right + counted.both_wrong == 300
    assert (live.p_worse, live.p_decides_less, live.left_out) == (0.031, 0.4, 2)
    assert live.redrawn == (-0.012, 0.008)


def test_a_flat_tree_has_one_shelf_of_siblings(run_inputs):
    content = assemble(run_inputs(300, shelves={"Bags": ["Backpacks", "Handbags", "Clutches"]}))
    assert [matrix.parent for matrix in content.siblings] == ["Bags"]
