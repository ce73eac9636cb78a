import math

import pytest

from components.evaluator import summary
from components.evaluator.artifact import Metrics, category_names
from shelfsort.contract.calibration import Calibration
from shelfsort.contract.figures import figures
from shelfsort.contract.targets import DEFAULT_TARGETS

SERVED = {"model": "candidate", "mode": "combined", "split": "eval"}
UNFITTED = Calibration({})


def slices(*of: tuple[dict, dict]) -> dict:
    return {frozenset(where.items()): numbers for where, numbers in of}


def counts(combined: int, text: int, image: int, thresholds: dict | None = None) -> Metrics:
    n = {"combined": combined, "text": text, "image": image}
    by_modality = {modality: {"eval": {"n": each}} for modality, each in n.items()}
    return Metrics(by_modality, calibration=Calibration.from_json(thresholds))


def test_modes_without_products_have_zero_and_nulls():
    written = summary.metrics(
        slices((SERVED, {"n": 3.0, "accuracy": 1.0})), UNFITTED, has_live=False
    )
    assert written.figures("combined", "eval")["n"] == 3
    assert written.figures("combined", "eval")["accuracy"] == 1.0
    assert written.figures("text", "eval") == {
        name: 0 if name in ("n", "accepted_95", "accepted_98") else None
        for figure in figures(DEFAULT_TARGETS)
        for name in figure.names
    }
    assert written.live is None


def test_not_a_number_becomes_null():
    numbers = {"n": 3.0, "accepted_accuracy_95": math.nan}
    written = summary.metrics(slices((SERVED, numbers)), UNFITTED, has_live=False)
    assert written.figures("combined", "eval")["accepted_accuracy_95"] is None


def test_gold_is_reported_only_where_there_is_gold():
    gold = {**SERVED, "split": "eval_gold"}
    without = summary.metrics(slices((SERVED, {"n": 3.0})), UNFITTED, has_live=False)
    both = summary.metrics(
        slices((SERVED, {"n": 3.0}), (gold, {"n": 2.0})), UNFITTED, has_live=False
    )
    assert without.figures("combined", "eval_gold") == {}
    assert both.figures("combined", "eval_gold")["n"] == 2


def test_the_live_model_stands_beside():
    live = {**SERVED, "model": "live"}
    written = summary.metrics(slices((live, {"n": 3.0})), UNFITTED, has_live=True)
    assert written.live["n"] == 3


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        ((10, 10, 10), {"combined": 10}),
        ((10, 0, 10), {"image": 10}),
        ((10, 10, 0), {"text": 10}),
        ((10, 9, 7), {"combined": 6, "text": 3, "image": 1}),
        ((0, 0, 0), {}),
    ],
)
def test_products_are_answered_by_the_head_that_fits_what_they_have(n, expected):
    assert counts(*n).answered_by() == expected


def test_category_figures_by_hand(taxonomy):
    own = {"n": 10.0, "accuracy": 0.8, "coverage_at_95": 0.7}
    put = {
        "n": 12.0,
        "accuracy": 8 / 12,
        "accepted_95": 9.0,
        "accepted_accuracy_95": 7 / 9,
        "false_accepts_95": 2.0,
    }
    found = slices((SERVED | {"category": "lids"}, own), (SERVED | {"predicted": "lids"}, put))
    fitted = {"image": {"by_category": {"lids": {"95": 0.6, "n": 44}}}}
    metrics = counts(30, 0, 30, fitted)
    written = summary.categories(found, taxonomy, metrics, has_live=False)
    (entry,) = (each for each in written.categories if each.category == "lids")
    assert entry.path == "Kitchen > Lids"
    lids = entry.figures
    assert (lids["n"], lids["accuracy"], lids["precision"]) == (10, 0.8, pytest.approx(8 / 12))
    assert lids["f1"] == pytest.approx(2 * 8 / 22)
    assert (lids["accepted_95"], lids["false_accepts_95"]) == (9, 2)
    assert lids["false_accept_rate_95"] == pytest.approx(2 / 20)
    assert (lids["threshold_95"], lids["calibration_n"]) == (0.6, 44)


def test_a_category_nobody_has_or_gets_is_all_null(taxonomy):
    metrics = counts(30, 0, 30)
    empty = summary.categories({}, taxonomy, metrics, has_live=True).categories[0]
    assert set(empty.figures) == set(category_names(DEFAULT_TARGETS))
    assert [empty.figures[name] for name in ("n", "accuracy", "f1")] == [0, None, None]
    assert empty.live["n"] == 0
    assert {value for name, value in empty.live.items() if name != "n"} == {None}


def test_a_category_that_gets_only_strangers_has_an_f1_of_zero(taxonomy):
    put = {"n": 4.0, "accuracy": 0.0}
    metrics = counts(30, 0, 30)
    found = slices((SERVED | {"predicted": "mugs"}, put))
    assert (
        summary.categories(found, taxonomy, metrics, has_live=False).categories[0].figures["f1"]
        == 0.0
    )
