import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfsort.stats.binomial import lower_bound
from shelfsort.stats.thresholds import Trials, fit_threshold, fit_thresholds, marginal_cut, refuted

samples = st.lists(
    st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.5000001, 0.9, 1.0]), st.booleans()), max_size=300
)


def graded_sample(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated scores, most of them high: accuracy about 0.91."""
    rng = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-rng.normal(4.2, 2.6, n)))
    return scores, rng.random(n) < scores


def cut(threshold: float | None) -> float:
    """The lowest accepted score; infinite for a threshold that accepts nothing."""
    return np.inf if threshold is None else threshold


def test_59_flawless_products_prove_95_percent_and_58_do_not():
    scores = np.linspace(0.5, 1, 59)
    assert fit_threshold(scores, np.ones(59, bool), 0.95) <= 0.5
    assert fit_threshold(scores[1:], np.ones(58, bool), 0.95) is None


def test_threshold_lies_between_the_last_accepted_score_and_the_next():
    # 200 right at 0.9, then 200 wrong at 0.3: only the first group can be accepted.
    scores = np.repeat([0.9, 0.3], 200)
    assert fit_threshold(scores, scores > 0.5, 0.95) == pytest.approx(0.6)


def test_tied_scores_are_accepted_or_refused_together():
    scores = np.full(100, 0.8)
    correct = np.arange(100) < 70
    assert fit_threshold(scores, correct, 0.95) is None


@settings(deadline=None)  # a busy machine is no failure
@given(sample=samples)
def test_what_a_threshold_accepts_proves_the_target(sample):
    scores = np.array([score for score, _ in sample])
    correct = np.array([right for _, right in sample], dtype=bool)
    accepted = scores >= cut(fit_threshold(scores, correct, 0.6))
    n = int(accepted.sum())
    assert not n or lower_bound(int(correct[accepted].sum()), n) >= 0.6


def test_the_walk_takes_the_lowest_rank_that_it_reaches():
    # 59 sure products and 41 that are as good as lost: it starts at the 59. Two errors at ranks 61
    # and 62: P(Bin(60,.95)>=60)=.046 passes, P(Bin(61,.95)>=60)=.184 stops the walk.
    scores = np.append(np.linspace(1, 0.9999, 59), np.linspace(0.02, 0.01, 41))
    correct = np.ones(100, bool)
    correct[[60, 61]] = False
    assert (scores >= cut(fit_threshold(scores, correct, 0.95))).sum() == 60


def test_the_walk_starts_where_one_unlucky_error_high_up_does_no_harm():
    # Scores promise 99.9 % throughout, so the start is where several errors are borne.
    scores = np.linspace(1, 0.998, 600)
    correct = np.ones(600, bool)
    correct[[20, 150]] = False
    assert (scores >= cut(fit_threshold(scores, correct, 0.98))).all()


def test_the_walk_starts_high_where_scores_promise_little_below():
    # Of 1,000 products the surest tenth is right, of the rest every other one.
    scores = np.append(np.linspace(1, 0.9999, 100), np.linspace(0.6, 0.4, 900))
    correct = np.append(np.ones(100, bool), np.arange(900) % 2 == 0)
    assert 90 <= (scores >= cut(fit_threshold(scores, correct, 0.95))).sum() <= 100


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="score 1 is not finite"):
        fit_threshold([0.5, np.nan], [True, True], 0.95)


def test_variants_of_one_title_prove_no_more_than_one_product():
    scores = np.linspace(0.5, 1, 590)
    right, titles = np.ones(590, bool), np.repeat(np.arange(59), 10)
    assert fit_threshold(scores, right, 0.95, groups=titles, correlation=1) <= 0.5
    fewer = (scores[10:], right[10:], 0.95)
    assert fit_threshold(*fewer, groups=titles[10:], correlation=1) is None
    assert fit_threshold(*fewer, groups=titles[10:]) <= scores[10]


def test_groups_without_correlation_change_nothing():
    scores, correct = graded_sample(800)
    grouped = fit_threshold(scores, correct, 0.95, groups=np.arange(800) // 4, correlation=0.0)
    assert grouped == fit_threshold(scores, correct, 0.95)


def trials(scores, named, correct) -> Trials:
    """Of products that are no variants of one another."""
    arrays = (np.asarray(scores, float), np.asarray(named, object), np.asarray(correct, bool))
    return Trials(*arrays, np.arange(len(scores)))


def test_a_refuted_node_gets_its_own_higher_threshold_or_abstains():
    rng = np.random.default_rng(1)
    named = np.repeat(["mugs", "bowls", "lids"], [5000, 600, 100])
    scores = rng.random(5700)
    correct = np.ones(5700, bool)
    correct[named == "bowls"] = scores[named == "bowls"] > 0.3
    correct[named == "lids"] = rng.random(100) < 0.7
    fitted = fit_thresholds(trials(scores, named, correct), ["mugs", "bowls", "lids"], 0.95)
    assert fitted.pooled < 0.01
    assert fitted.in_force["mugs"] == fitted.pooled
    assert fitted.in_force["bowls"] == pytest.approx(0.27, abs=0.03)
    assert fitted.in_force["lids"] is None


def test_a_node_wrong_about_one_title_only_is_not_refuted():
    named = np.repeat(["mugs", "bowls"], [5000, 60])
    scores, correct = np.linspace(1, 0.5, 5060), np.arange(5060) < 5052
    apart = trials(scores, named, correct)
    variants = Trials(scores, named.astype(object), correct, np.minimum(np.arange(5060), 5052))
    assert refuted(apart, 0.95, 0.95) == {"bowls"}
    assert refuted(variants, 0.95, 0.95, correlation=1.0) == set()


def test_category_scope_lets_only_nodes_with_proof_decide():
    sample = trials(np.linspace(1, 0.5, 130), np.repeat(["mugs", "bowls"], [100, 30]), [True] * 130)
    fitted = fit_thresholds(sample, ["mugs", "bowls"], 0.95, scope="category")
    assert fitted.in_force["mugs"] is not None
    assert fitted.in_force["bowls"] is None


def test_a_node_that_nobody_answered_has_the_pooled_threshold():
    sample = trials(np.linspace(1, 0.5, 300), ["mugs"] * 300, [True] * 300)
    fitted = fit_thresholds(sample, ["lids", "mugs"], 0.95)
    assert fitted.in_force == {"lids": fitted.pooled, "mugs": fitted.pooled}


@pytest.mark.parametrize("scope", ["overall", "category"])
def test_without_products_everything_abstains(scope):
    fitted = fit_thresholds(trials([], [], []), ["mugs"], 0.95, scope=scope)
    assert (fitted.pooled, fitted.in_force) == (None, {"mugs": None})


def test_an_unknown_scope_is_refused():
    with pytest.raises(ValueError, match="overall or category"):
        fit_thresholds(trials([], [], []), [], 0.95, scope="parent")


def test_answers_without_an_outcome_each_are_refused():
    with pytest.raises(ValueError, match="differ in number"):
        Trials(np.ones(2), np.array(["a", "b"]), np.ones(1, bool), np.arange(2))


def test_a_marginal_cut_is_where_the_isotonic_accuracy_reaches_it():
    # Shares by score 0.2: 1/2, 0.4: 0/2, 0.6: 3/4, 0.8: 4/4; pooled from below: 1/4, 1/4, 3/4, 1.
    scores = np.repeat([0.2, 0.4, 0.6, 0.8], [2, 2, 4, 4])
    correct = np.array([1, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1], bool)
    assert marginal_cut(scores, correct, 0.7) == pytest.approx(0.5)
    assert marginal_cut(scores, correct, 0.8) == pytest.approx(0.7)
    assert marginal_cut(scores, correct, 0.2) == -np.inf
    assert marginal_cut(scores, np.zeros(12, bool), 0.5) is None


def test_a_threshold_is_raised_to_the_marginal_cut_or_abstains():
    scores = np.repeat([0.9, 0.3], [960, 40])
    sample = trials(scores, ["mugs"] * 1000, np.append(np.ones(960, bool), np.arange(40) < 10))
    assert fit_thresholds(sample, ["mugs"], 0.95).pooled < 0.3
    assert fit_thresholds(sample, ["mugs"], 0.95, marginal=0.8).pooled == pytest.approx(0.6)
