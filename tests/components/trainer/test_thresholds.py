import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.trainer.thresholds import fit_all, fit_threshold

samples = st.lists(
    st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.5000001, 0.9, 1.0]), st.booleans()), max_size=300
)


def graded_sample(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated scores, most of them high: accuracy about 0.91."""
    rng = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-rng.normal(4.2, 2.6, n)))
    return scores, rng.random(n) < scores


def test_59_flawless_products_prove_95_percent_and_58_do_not():
    scores = np.linspace(0.5, 1, 59)
    proven = fit_threshold(scores, np.ones(59, bool), 0.95)
    assert proven.value <= 0.5
    assert (proven.n_accepted, proven.n_correct) == (59, 59)
    assert proven.lower_bound == pytest.approx(0.05 ** (1 / 59))
    assert fit_threshold(scores[1:], np.ones(58, bool), 0.95).value is None


def test_threshold_lies_between_the_last_accepted_score_and_the_next():
    # 200 right at 0.9, then 200 wrong at 0.3: only the first group can be accepted.
    scores = np.repeat([0.9, 0.3], 200)
    fitted = fit_threshold(scores, scores > 0.5, 0.95)
    assert fitted.value == pytest.approx(0.6)
    assert fitted.n_accepted == 200


def test_tied_scores_are_accepted_or_refused_together():
    scores = np.full(100, 0.8)
    correct = np.arange(100) < 70
    assert fit_threshold(scores, correct, 0.95).value is None


@pytest.mark.parametrize("method", ["fixed_sequence", "sgr"])
@settings(deadline=None)  # a busy machine is no failure
@given(sample=samples)
def test_counts_describe_what_the_threshold_accepts(method, sample):
    scores = np.array([score for score, _ in sample])
    correct = np.array([right for _, right in sample], dtype=bool)
    fitted = fit_threshold(scores, correct, 0.6, method=method)
    accepted = scores >= (np.inf if fitted.value is None else fitted.value)
    assert fitted.n_accepted == accepted.sum()
    assert fitted.n_correct == correct[accepted].sum()
    assert fitted.value is None or fitted.lower_bound >= 0.6


def test_fixed_sequence_takes_the_lowest_rank_its_walk_reaches():
    # 100 products, one start at rank 59 (59 > 50), budget 0.05 at every rank. Two errors at ranks
    # 61 and 62: P(Bin(60,.95)>=60)=.046 passes, P(Bin(61,.95)>=60)=.184 stops the walk.
    scores = np.linspace(1, 0.01, 100)
    correct = np.ones(100, bool)
    correct[[60, 61]] = False
    assert fit_threshold(scores, correct, 0.95).n_accepted == 60


def test_later_starts_survive_an_unlucky_error_high_up():
    scores = np.linspace(1, 0.01, 1000)
    correct = np.ones(1000, bool)
    correct[240:250] = False
    assert fit_threshold(scores, correct, 0.95).n_accepted == 1000


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="score 1 is not finite"):
        fit_threshold([0.5, np.nan], [True, True], 0.95)


def test_a_refuted_category_gets_its_own_higher_threshold_or_abstains():
    rng = np.random.default_rng(1)
    predicted = np.repeat(["mugs", "bowls", "lids"], [5000, 600, 100])
    scores = rng.random(5700)
    correct = np.ones(5700, bool)
    correct[predicted == "bowls"] = scores[predicted == "bowls"] > 0.3
    correct[predicted == "lids"] = rng.random(100) < 0.7
    fitted = fit_all(scores, predicted, correct, scores, predicted, correct)
    overall, in_force = fitted["overall"]["95"], fitted["by_category"]
    assert overall < 0.01
    assert in_force["mugs"]["95"] == overall
    assert in_force["bowls"]["95"] == pytest.approx(0.27, abs=0.03)
    assert in_force["lids"]["95"] is None


def test_category_scope_lets_only_categories_with_proof_decide():
    predicted = np.repeat(["mugs", "bowls"], [100, 30])
    correct = np.ones(130, bool)
    scores = np.linspace(1, 0.5, 130)
    fitted = fit_all(scores, predicted, correct, scores, predicted, correct, scope="category")
    assert fitted["by_category"]["mugs"]["95"] is not None
    assert fitted["by_category"]["bowls"] == {"95": None, "98": None, "n": 30}


def test_fit_all_names_every_category_even_those_never_predicted():
    scores = np.linspace(1, 0.5, 300)
    predicted = ["mugs"] * 300
    right = np.ones(300, bool)
    fitted = fit_all(
        scores, predicted, right, scores, predicted, right, categories=["lids", "mugs"]
    )
    assert fitted["by_category"]["lids"] == {**fitted["overall"], "n": 0}
    assert fitted["n"] == 300


def test_without_products_everything_abstains():
    fitted = fit_all([], [], [], [], [], [], categories=["mugs"])
    assert fitted["overall"] == fitted["parent"] == {"95": None, "98": None}
    assert fitted["by_category"] == {"mugs": {"95": None, "98": None, "n": 0}}


def test_an_unknown_scope_is_refused():
    with pytest.raises(ValueError, match="overall or category"):
        fit_all([], [], [], [], [], [], scope="parent")
