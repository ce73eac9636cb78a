"""Floors that keep a category's weak answers out of what is decided alone.

An overall promise can be kept while a category with much confusion breaks it. Calibration products
are too few to prove each category by itself, but the training split's cross-fitted answers, ten
times as many, show where each category goes wrong. Floors fitted there say which answers may be
accepted at all; what is promised of those is still proven on `calibration`, which the floors never
saw.
"""

from collections.abc import Sequence

import numpy as np

from components.binomial import shortfall_p_value


def category_floors(
    scores: np.ndarray,
    predicted: np.ndarray,
    correct: np.ndarray,
    categories: Sequence[str],
    target: float,
    confidence: float,
) -> dict[str, float | None]:
    """The lowest score from which it is not refuted that each category's answers reach the target.

    Refuted: were the target true, so few right answers would come by chance with a probability of
    at most 1 - confidence (exact binomial test; the upper Clopper-Pearson bound misses the target).

    Args:
        scores: (n,) floats, of cross-fitted answers.
        predicted: (n,) ids of the predicted categories.
        correct: (n,) bools.
        categories: all ids.
        target: accuracy, in (0, 1).
        confidence: in (0, 1); the higher, the more it takes to raise a floor.

    Returns:
        By category: the floor, 0.0 where every answer may pass, None where none may.
    """
    floors: dict[str, float | None] = {}
    for category in categories:
        own = predicted == category
        order = np.argsort(-scores[own], kind="stable")
        floors[category] = _floor(scores[own][order], correct[own][order], target, confidence)
    return floors


def above_floors(
    scores: np.ndarray, predicted: np.ndarray, floors: dict[str, float | None]
) -> np.ndarray:
    """(n,) bools: whether each score reaches the floor of its predicted category."""
    needed = [np.inf if (floor := floors[leaf]) is None else floor for leaf in predicted]
    return scores >= np.array(needed, float)


def _floor(ranked: np.ndarray, right: np.ndarray, target: float, confidence: float) -> float | None:
    """`ranked` scores fall; `right` says which answers were."""
    if not len(ranked):
        return 0.0
    chance = shortfall_p_value(np.cumsum(right), np.arange(1, len(ranked) + 1), target)
    # Tied scores pass together, so only the last of a tie can be the floor.
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    stand = np.flatnonzero((chance > 1 - confidence) & last_of_tie)
    if not len(stand):
        return None
    return 0.0 if stand[-1] == len(ranked) - 1 else float(ranked[stand[-1]])
