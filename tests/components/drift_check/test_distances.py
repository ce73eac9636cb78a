"""TFDV's distances against SciPy's, and the allowance for chance against chance itself."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

pytestmark = pytest.mark.slow

LETTERS = "abcdefghijklmnopqrst"


@pytest.fixture(scope="module")
def distances():
    from components.drift_check import distances

    return distances


@pytest.fixture(scope="module")
def halves(product_of, statistics_of):
    """Statistics of two sets of products that differ in price, and in it only."""
    before = [product_of(number) for number in range(2000)]
    now = [product_of(number, price=25.0 * (1 + number % 7)) for number in range(1000)]
    return statistics_of(before), statistics_of(now)


def test_the_distance_is_the_jensen_shannon_divergence_in_bits(distances, halves):
    from components.drift_check.statistics import value_counts

    before, now = halves
    (shift,) = distances.shifts(before, now, {"price": 0.05}, 0.999)
    counts = [value_counts(each, "price") for each in halves]
    labels = sorted(counts[0].keys() | counts[1].keys())
    p, q = ([each.get(label, 0) for label in labels] for each in counts)
    assert shift.distance == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-9)
    assert (shift.n_before, shift.n_now) == (2000, 1000)
    assert shift.drifted and shift.distance > shift.threshold > 0.05


def test_only_what_moved_has_drifted_and_the_worst_comes_first(distances, halves):
    tolerances = dict.fromkeys(("category", "title_words", "price", "image_width"), 0.02)
    found = distances.shifts(*halves, tolerances, 0.999)
    assert [shift.feature for shift in found if shift.drifted] == ["price"]
    assert found[0].feature == "price"
    assert {shift.feature for shift in found} == tolerances.keys()


def test_a_property_without_a_tolerance_or_on_one_side_only_is_not_compared(distances, halves):
    assert distances.shifts(*halves, {"price": None, "description_words": 0.1}, 0.999) == []


def test_the_allowance_is_the_one_worked_out_by_hand(distances):
    # Two values, one degree of freedom: the 95 % point of chi-squared is 1.96 squared.
    allowed = distances.chance_divergence({"a": 60, "b": 40}, {"a": 10, "b": 10}, 0.95)
    assert allowed == pytest.approx(1.959964**2 * (1 / 100 + 1 / 20) / (8 * math.log(2)))
    assert distances.chance_divergence({"a": 3}, {"a": 9}, 0.95) == 0


@pytest.mark.parametrize(("n", "m"), [(300, 300), (5000, 400)])
def test_two_samples_of_one_source_seldom_exceed_the_allowance(distances, n, m):
    rng = np.random.default_rng(n)
    shares = rng.dirichlet(np.full(len(LETTERS), 0.7))
    exceeded = 0
    for _ in range(1000):
        p, q = rng.multinomial(n, shares), rng.multinomial(m, shares)
        given = (
            {letter: int(count) for letter, count in zip(LETTERS, counts, strict=True) if count}
            for counts in (p, q)
        )
        allowed = distances.chance_divergence(*given, 0.99)
        exceeded += jensenshannon(p, q, base=2) ** 2 > allowed
    assert exceeded <= 25  # 1 % promised; 2.5 % would be a promise broken


def test_without_any_tolerance_the_same_single_value_has_not_drifted(distances, halves):
    (shift,) = distances.shifts(*halves, {"image_format": 0.0}, 0.95)
    assert (shift.distance, shift.threshold, shift.drifted) == (0, 0, False)
