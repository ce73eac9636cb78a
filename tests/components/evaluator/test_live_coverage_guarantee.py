"""Refused by `live_coverage`: equal models seldom, worse ones mostly. Drawn many times."""

import numpy as np
import pytest

from components.evaluator.comparison import Comparison, Judged, Outcomes, compare
from components.evaluator.live_checks import live_checks
from components.evaluator.settings import GateConfig
from shelfsort.stats.thresholds import fit_threshold

CALIBRATION, EVAL = 744, 883
# The live model was calibrated on what there was of the calibration products in its day.
EARLIER = 600


class Draw:
    """Products of some difficulty, and models that see it through noise of their own."""

    def __init__(self, rng: np.random.Generator):
        self._rng = rng
        self._difficulty = rng.beta(8, 0.4, CALIBRATION + EVAL)
        self._right = rng.random(CALIBRATION + EVAL) < self._difficulty

    def model(self, fitted_on: int, misled: float = 0.0) -> Judged:
        """Calibrated on the first products; answers a share of all wrongly with scores like any."""
        n = len(self._right)
        agrees = self._rng.random(n) < 0.9
        right = np.where(agrees, self._right, self._rng.random(n) < self._difficulty)
        scores = np.clip(self._difficulty + self._rng.normal(0, 0.03, n), 0, 1)
        wrong = self._rng.random(n) < misled
        right, scores = right & ~wrong, np.where(wrong, self._rng.permutation(scores), scores)
        value = fit_threshold(scores[:fitted_on], right[:fitted_on], 0.95)
        accepted = scores >= (np.inf if value is None else value)
        ids = np.arange(n)
        whole = Outcomes(ids, np.full(n, "mugs", object), right, accepted, ids, scores)
        return Judged(whole.rows(ids[CALIBRATION:]), whole.rows(ids[:CALIBRATION]))


def comparisons(draws: int, misled: float) -> list[Comparison]:
    rng = np.random.default_rng(5)
    products = (Draw(rng) for _ in range(draws))
    return [compare(each.model(CALIBRATION, misled), each.model(EARLIER)) for each in products]


def refused(found: list[Comparison], **settings: float) -> int:
    asked = ({check.name: check for check in live_checks(x, GateConfig(**settings))} for x in found)
    return sum(not checks["live_coverage"].passed for checks in asked)


@pytest.mark.slow
def test_equal_models_are_seldom_refused_where_the_eval_products_alone_would_refuse_many():
    found = comparisons(30, misled=0.0)
    assert refused(found, max_coverage_loss_by_chance=0.0) >= 4
    assert refused(found) <= 1


@pytest.mark.slow
def test_a_model_that_is_misled_about_few_products_is_mostly_refused():
    assert refused(comparisons(15, misled=0.03)) >= 13
