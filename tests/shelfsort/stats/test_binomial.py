"""Exact bounds and tests against an independent library."""

import numpy as np
import pytest
import scipy.stats

from shelfsort.stats import binomial


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 5), (5, 5), (57, 59), (940, 1000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.995])
def test_bounds_agree_with_scipys_exact_interval(k, n, confidence):
    def exact(side):
        test = scipy.stats.binomtest(k, n, alternative=side)
        return test.proportion_ci(confidence_level=confidence, method="exact")

    assert binomial.lower_bound(k, n, confidence) == pytest.approx(exact("greater").low)
    assert binomial.upper_bound(k, n, confidence) == pytest.approx(exact("less").high)
    both = exact("two-sided")
    assert binomial.interval(k, n, confidence) == pytest.approx((both.low, both.high))


@pytest.mark.parametrize(("k", "n"), [(0, 0), (0, 5), (3, 5), (5, 5), (57, 59), (940, 1000)])
@pytest.mark.parametrize("target", [0.5, 0.95])
def test_p_values_are_the_binomials_tails(k, n, target):
    said = scipy.stats.binom(n, target)
    assert binomial.shortfall_p_value(k, n, target) == pytest.approx(said.cdf(k))
    assert binomial.proof_p_value(k, n, target) == pytest.approx(said.sf(k - 1))


@pytest.mark.parametrize("n", [4, 57, 1000])
@pytest.mark.parametrize("share", [0.5, 0.95, 0.98])
def test_a_share_attains_its_bound_exactly_where_it_is_not_refuted(n, share):
    least = int(scipy.stats.binom(n, share).ppf(0.05))
    attained = binomial.attained_bound(share, n)
    assert attained <= binomial.lower_bound(least, n)
    assert least == 0 or attained > binomial.lower_bound(least - 1, n)


def test_arrays_give_what_their_numbers_give():
    k, n = np.array([0, 3, 5, 57]), np.array([5, 5, 5, 59])
    for ask in (binomial.lower_bound, binomial.upper_bound):
        assert ask(k, n).tolist() == [ask(*each) for each in zip(k, n, strict=True)]
    one_by_one = [binomial.proof_p_value(*each, 0.9) for each in zip(k, n, strict=True)]
    assert binomial.proof_p_value(k, n, 0.9).tolist() == one_by_one


def test_fractions_of_products_lie_between_whole_ones():
    assert (
        binomial.lower_bound(57, 60)
        < binomial.lower_bound(58.9, 62)
        < binomial.lower_bound(95, 100)
    )


def test_bounds_without_products_say_nothing():
    assert binomial.interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("bound", [binomial.lower_bound, binomial.upper_bound])
def test_impossible_counts_are_refused(bound):
    with pytest.raises(ValueError, match="6 successes of 5"):
        bound(6, 5)
    with pytest.raises(ValueError, match="6 successes of 5"):
        bound(np.array([1, 6]), 5)
    with pytest.raises(ValueError, match="outside"):
        bound(1, 5, 1.0)


@pytest.mark.parametrize(("target", "n"), [(0.95, 59), (0.98, 149)])
def test_smallest_proof_is_the_least_flawless_sample_whose_bound_reaches_the_target(target, n):
    assert binomial.smallest_proof(target) == n
    assert binomial.lower_bound(n, n) >= target > binomial.lower_bound(n - 1, n - 1)


@pytest.mark.parametrize("target", [0.8, 0.95, 0.98])
def test_errors_allowed_are_the_most_that_still_prove_the_target(target):
    n = np.concatenate([np.arange(1, 800), np.array([0.0, 63.7, 1234.5, 30_000.25])])
    allowed = binomial.errors_allowed(n, target, 0.95)
    assert (allowed[n < binomial.smallest_proof(target)] == -1).all()
    some = allowed >= 0
    assert (binomial.proof_p_value((n - allowed)[some], n[some], target) <= 0.05).all()
    one_more = np.minimum(allowed + 1, n)
    assert (binomial.proof_p_value(n - one_more, n, target)[n > 0] > 0.05).all()


def test_holm_stops_at_the_first_hypothesis_that_stands():
    assert binomial.holm([0.04, 0.01, 0.03], 0.05) == [False, True, False]
    assert binomial.holm([0.01, 0.02, 0.03], 0.05) == [True, True, True]
