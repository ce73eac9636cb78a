import numpy as np
import pytest

from shelfsort.stats.temperature import TEMPERATURE_RANGE, fit_temperature, softmax


def overconfident_problem(sharpness: float, n: int = 4000, seed: int = 0):
    """Labels drawn from softmax(truth); the logits shown are `sharpness` times too large."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 2, (n, 6))
    labels = np.array([rng.choice(6, p=row) for row in softmax(truth)])
    return truth * sharpness, labels


def test_softmax_by_hand():
    # e^1 : e^0 = 2.71828 : 1 at temperature 2.
    expected = [[np.e / (1 + np.e), 1 / (1 + np.e)]]
    np.testing.assert_allclose(softmax([[2.0, 0.0]], 2.0), expected)


def test_softmax_of_huge_logits_does_not_overflow():
    np.testing.assert_allclose(softmax([[1e6, 0.0]]), [[1.0, 0.0]])


def test_softmax_refuses_a_temperature_of_zero():
    with pytest.raises(ValueError, match="above 0"):
        softmax([[1.0, 2.0]], 0.0)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_temperature_undoes_known_overconfidence(sharpness):
    logits, labels = overconfident_problem(sharpness)
    assert fit_temperature(logits, labels) == pytest.approx(sharpness, rel=0.06)


def test_products_of_weight_zero_do_not_count():
    logits, labels = overconfident_problem(2.0, n=500)
    other = np.vstack([logits, -5 * logits])
    weights = np.repeat([1.0, 0.0], len(labels))
    weighted = fit_temperature(other, np.tile(labels, 2), weights)
    assert weighted == pytest.approx(fit_temperature(logits, labels), rel=1e-3)


def test_nothing_to_fit_on_leaves_the_scores_alone():
    assert fit_temperature(np.empty((0, 3)), []) == 1.0


def test_a_perfect_model_stays_within_the_range():
    temperature = fit_temperature(np.eye(3) * 10, [0, 1, 2])
    assert TEMPERATURE_RANGE[0] <= temperature <= TEMPERATURE_RANGE[1]


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        ([[1.0, 2.0]], [2], "none of the 2 columns"),
        ([[1.0, np.nan]], [0], "finite"),
        ([[1.0, 2.0]], [0, 1], "one row of logits"),
    ],
)
def test_a_malformed_problem_is_refused(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        fit_temperature(logits, labels)
