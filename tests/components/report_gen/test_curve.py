"""The curve on numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.report_gen.curve import coverage_curve

SCORES = np.array([0.9, 0.5, 0.9, 0.7, 0.2])
CORRECT = np.array([True, False, True, True, False])
NONE = np.zeros(5, bool)


def curve_of(**changed):
    given = {
        "scores": SCORES,
        "correct": CORRECT,
        "groups": np.arange(5),
        "accepted": {"95": SCORES >= 0.7, "98": NONE},
    }
    return coverage_curve(**{**given, **changed})


def test_starts_where_nothing_is_accepted_and_ends_where_everything_is():
    curve = curve_of()
    assert (curve.thresholds[0], curve.accepted[0], curve.wrong[0]) == (None, 0, 0)
    assert (curve.accepted[-1], curve.wrong[-1]) == (5, 2)


def test_products_with_equal_scores_are_accepted_together():
    assert curve_of().accepted == [0, 2, 3, 4, 5]
    assert curve_of().wrong == [0, 0, 0, 1, 2]
    assert curve_of().thresholds[1:] == pytest.approx([0.9, 0.7, 0.5, 0.2])


def test_marks_say_what_the_shipped_model_did():
    mark, abstains = curve_of().marks
    assert (mark.accepted, mark.wrong) == (3, 0)
    assert (abstains.accepted, abstains.wrong, abstains.lower) == (0, 0, 0.0)
    # Three right of three: p³ = .05.
    assert mark.lower == pytest.approx(0.05 ** (1 / 3), abs=1e-5)


def test_the_bound_counts_variants_of_one_product_once():
    # The two surest are right: as two products p² = .05, as one p = .05.
    assert curve_of().lower[1] == pytest.approx(0.05**0.5, abs=1e-5)
    assert curve_of(groups=np.array([7, 1, 7, 2, 3])).lower[1] == pytest.approx(0.05)


def test_withheld_products_are_accepted_at_no_threshold():
    # The first and the fourth are withheld: 0.9 of the other three, then 0.5 (wrong), 0.2 (wrong).
    withheld = np.array([True, False, False, True, False])
    decided = (SCORES >= 0.7) & ~withheld
    curve = curve_of(withheld=withheld, accepted={"95": decided, "98": NONE})
    assert (curve.n, curve.accepted, curve.wrong) == (5, [0, 1, 2, 3], [0, 0, 1, 2])
    assert curve.thresholds[1:] == pytest.approx([0.9, 0.5, 0.2])
    assert (curve.marks[0].accepted, curve.marks[0].wrong) == (1, 0)


def test_an_empty_split_has_only_the_point_that_accepts_nothing():
    empty = np.zeros(0)
    curve = coverage_curve(empty, empty > 0, empty, {"95": empty > 0, "98": empty > 0})
    assert (curve.n, curve.accepted, curve.lower) == (0, [0], [0.0])


@given(st.integers(0, 2**32 - 1), st.integers(50, 3000), st.floats(0.05, 0.95))
def test_thinning_keeps_the_ends_and_the_marks(seed, n, threshold):
    rng = np.random.default_rng(seed)
    scores = rng.random(n).astype(np.float32)
    correct = rng.random(n) < scores
    sample = (scores, correct, rng.integers(n, size=n))
    accepted = {"95": scores >= np.float32(threshold), "98": scores > 2}
    full = coverage_curve(*sample, accepted, max_points=10**6)
    thin = coverage_curve(*sample, accepted, max_points=40)
    points = set(zip(full.accepted, full.wrong, full.thresholds, full.lower, strict=True))
    assert points >= set(zip(thin.accepted, thin.wrong, thin.thresholds, thin.lower, strict=True))
    assert len(thin.accepted) <= 42
    assert (thin.accepted[0], thin.accepted[-1]) == (0, n)
    assert thin.marks[0].accepted in thin.accepted
