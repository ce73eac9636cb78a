"""Floors that keep a category's weak answers out of what is decided alone.

An overall promise can be kept while a category with much confusion breaks it. Calibration products
are too few to prove each category by itself, but the training split's cross-fitted answers, ten
times as many, show where each category goes wrong. Floors fitted there shape which answers may be
accepted at all; what is then promised is still proven on `calibration`, which they never saw.
"""

from collections.abc import Sequence

import numpy as np

# A category's accuracy is drawn towards the target as if so many products had shown just that.
_PRIOR_PRODUCTS = 10


def category_floors(
    scores: np.ndarray,
    predicted: np.ndarray,
    correct: np.ndarray,
    categories: Sequence[str],
    target: float,
) -> dict[str, float | None]:
    """The lowest score from which each category's answers reach the target accuracy.

    The accuracy above a score is the mean of a Beta posterior whose prior is worth
    `_PRIOR_PRODUCTS` products at the target, so that a few products neither ban nor free anything.

    Args:
        scores: (n,) floats, of cross-fitted answers.
        predicted: (n,) ids of the predicted categories.
        correct: (n,) bools.
        categories: all ids.
        target: accuracy, in (0, 1).

    Returns:
        By category: the floor, 0.0 where every answer may pass, None where none may.
    """
    floors: dict[str, float | None] = {}
    for category in categories:
        own = predicted == category
        order = np.argsort(-scores[own], kind="stable")
        floors[category] = _floor(scores[own][order], correct[own][order], target)
    return floors


def above_floors(
    scores: np.ndarray, predicted: np.ndarray, floors: dict[str, float | None]
) -> np.ndarray:
    """(n,) scores, 0.0 for those below the floor of their predicted category."""
    needed = np.array([np.inf if (f := floors[leaf]) is None else f for leaf in predicted])
    return np.where(scores >= needed, scores, 0.0) if len(scores) else scores


def _floor(ranked: np.ndarray, right: np.ndarray, target: float) -> float | None:
    """`ranked` scores fall; `right` says which answers were."""
    if not len(ranked):
        return 0.0
    answers = np.arange(1, len(ranked) + 1)
    posterior = (np.cumsum(right) + _PRIOR_PRODUCTS * target) / (answers + _PRIOR_PRODUCTS)
    # Tied scores pass together, so only the last of a tie can be the floor.
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    reach = np.flatnonzero((posterior >= target - 1e-9) & last_of_tie)
    if not len(reach):
        return None
    return 0.0 if reach[-1] == len(ranked) - 1 else float(ranked[reach[-1]])
