"""Projections against hand-worked numbers, and against scipy's own distributions."""

import numpy as np
import pytest
from scipy import optimize
from scipy.stats import beta, norm

from shelfsort.stats.learning_curve import (
    FARTHEST,
    POWER_QUANTILE,
    Goal,
    Point,
    fit_power_law,
    neediest,
    project,
    provable_share,
    proven_coverage,
)

SHARES = np.arange(2, 21) / 20


def point(labels: int, n: int, wrong: int) -> Point:
    """`n` answers with falling scores; the wrong ones are spread evenly over them."""
    correct = np.ones(n, bool)
    correct[np.linspace(0, n - 1, wrong + 2).round().astype(int)[1:-1]] = False
    return Point(labels, np.linspace(1, 0, n), correct, np.arange(n))


def test_an_exact_power_law_is_found():
    law = fit_power_law([100, 400, 1600], [200, 100, 50], [1000] * 3)
    assert law.exponent == pytest.approx(0.5, abs=1e-6)
    assert law.scale == pytest.approx(2.0, rel=1e-5)
    assert law.error(6400) == pytest.approx(0.025)
    assert law.error(0.01) == 1.0


def test_the_fit_is_the_likeliest_one():
    labels, errors, products = np.array([200, 400, 800]), [61, 70, 74], np.array([600, 400, 800])

    def unlikely(parameters):
        expected = products * np.exp(parameters[0]) * labels ** -parameters[1]
        return float((expected - errors * np.log(expected)).sum())

    best = optimize.minimize(unlikely, [-1.0, 0.2], method="Nelder-Mead", options={"xatol": 1e-8})
    law = fit_power_law(labels, errors, products)
    assert law.exponent == pytest.approx(best.x[1], abs=1e-3)
    assert np.log(law.scale) == pytest.approx(best.x[0], abs=1e-2)


@pytest.mark.parametrize(
    ("errors", "exponent", "error"),
    [((0, 0, 0), 0.0, 0.0), ((10, 20, 30), 0.0, 0.2), ((80, 0, 0), 1.0, None)],
)
def test_the_exponent_stays_between_no_gain_and_one_over_n(errors, exponent, error):
    law = fit_power_law([100, 200, 400], errors, [100] * 3)
    assert law.exponent == exponent
    assert error is None or law.error(10_000) == pytest.approx(error)


@pytest.mark.parametrize(("products", "share"), [(58, 0.0), (59, 1.0), (118, 1.0)])
def test_59_products_without_an_error_prove_95_percent(products, share):
    assert provable_share(np.zeros(19), products, Goal(0.95)) == share


def test_the_share_ends_where_errors_are_too_many():
    errors = np.where(SHARES <= 0.5, 0.0, 0.5)
    assert provable_share(errors, 118, Goal(0.95)) == 0.5
    assert provable_share(errors, 116, Goal(0.95)) == 0.0


def test_the_smoothed_error_of_few_products_proves_little():
    # 100 right answers: one error is expected among 102. 99 of 100 do not prove 98 %.
    assert proven_coverage(point(100, 100, 0), Goal(0.95)) == 1.0
    assert proven_coverage(point(100, 100, 0), Goal(0.98)) == 0.0
    assert proven_coverage(point(100, 100, 0), Goal(0.95, decidable=0.9)) == pytest.approx(0.9)


def needed_by_hand(labels: int, error: float, exponent: float, target: float) -> float:
    """Labels at which Clopper and Pearson's lower bound reaches the target, power included."""
    factor = 1.0
    while True:
        factor *= 1.05
        fallen, n = error * factor**-exponent, labels * factor
        wrong = fallen * n + norm.ppf(0.8) * np.sqrt(n * fallen * (1 - fallen))
        if beta.ppf(0.05, n - wrong, wrong + 1) >= target:
            return labels * factor


def test_labels_needed_are_those_at_which_the_lower_bound_reaches_the_target():
    points = [point(100, 900, 108), point(400, 600, 36), point(1600, 1200, 36)]
    found = project(points, Goal(0.98), (2.0,))
    assert found.exponent == pytest.approx(0.5, abs=1e-6)
    # Errors are spread evenly, so all products together prove most.
    assert found.labels.value == pytest.approx(
        needed_by_hand(1600, 37 / 1202, 0.5, 0.98), rel=0.051
    )
    assert found.labels.low <= found.labels.value <= found.labels.high
    assert norm.cdf(POWER_QUANTILE) == pytest.approx(0.8, abs=1e-4)


def test_a_target_that_is_too_far_away_has_no_number():
    flat = [point(labels, 400, 120) for labels in (100, 200, 400)]
    found = project(flat, Goal(0.95), (2.0, 4.0))
    assert found.labels.value is None
    assert found.labels.high is None
    assert [found.coverage[factor].value for factor in (2.0, 4.0)] == [0.0, 0.0]
    assert FARTHEST == 16


def test_variants_widen_the_interval():
    counts = ((100, 80), (200, 56), (400, 40))
    apart = [point(labels, 400, wrong) for labels, wrong in counts]
    few = [point(labels, 100, wrong // 4) for labels, wrong in counts]
    alike = [
        Point(each.labels, *(np.repeat(x, 4) for x in (each.scores, each.correct, each.groups)))
        for each in few
    ]
    narrow, wide = (project(points, Goal(0.9), (2.0,)).labels for points in (apart, alike))
    assert wide.low < narrow.low <= narrow.high < (wide.high or np.inf)


def test_less_evidence_for_a_label_takes_more_labels():
    points = [point(100, 300, 60), point(200, 200, 28), point(400, 400, 40)]
    all_of_it, tenth = (project(points, Goal(0.9, evidence=each)) for each in (1.0, 0.1))
    assert all_of_it.labels.value < tenth.labels.value
    assert all_of_it.coverage[2.0].value >= tenth.coverage[2.0].value


def test_the_neediest_category_has_the_largest_smoothed_error():
    # 3 of 10, 1 of 2 and 0 of 8 are wrong; the error of all is 4 of 20.
    labels = np.repeat([0, 1, 2, -1], [10, 2, 8, 5])
    correct = np.ones(25, bool)
    correct[[0, 1, 2, 10, 24]] = False
    found = neediest(labels, correct, 4, 3)
    assert found == [(1, pytest.approx((1 + 1) / 7)), (0, pytest.approx((3 + 1) / 15))]
    assert neediest(labels, correct, 4, 1) == found[:1]
