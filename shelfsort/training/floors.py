"""Minimum scores of categories, which keep weak predictions from being accepted.

An overall accuracy guarantee can hold while a category with much confusion breaks it. A category
has too few products to prove the guarantee by itself, but its cross-fitted predictions show where
it goes wrong. Floors fitted on them decide which predictions may be accepted at all. Where a
threshold is fitted, no prediction is held to a floor that its own fold had a part in.
"""

from collections.abc import Sequence

import numpy as np

from shelfsort.stats.binomial import shortfall_p_value
from shelfsort.stats.design_effect import sizes_by_correlation
from shelfsort.stats.thresholds import Trials


def category_floors(
    shown: Trials,
    categories: Sequence[str],
    target: float,
    confidence: float,
    correlation: float = 0.0,
) -> dict[str, float | None]:
    """The lowest score from which it is not refuted that each category's answers reach the target.

    Refuted: were the target true, so few right answers would come by chance with a probability of
    at most 1 - confidence (exact binomial test; the upper Clopper-Pearson bound misses the target).

    Args:
        shown: cross-fitted answers.
        categories: all ids.
        target: accuracy, in (0, 1).
        confidence: in (0, 1); the higher, the more it takes to raise a floor.
        correlation: of right and wrong within a group of variants, 0 to 1.

    Returns:
        By category: the floor, 0.0 where every answer may pass, None where none may.
    """
    floors: dict[str, float | None] = {}
    for category in categories:
        own = shown.rows(shown.named == category)
        ranked = own.rows(np.argsort(-own.scores, kind="stable"))
        floors[category] = _floor(ranked, target, confidence, correlation)
    return floors


def above_floors(answered: Trials, floors: dict[str, float | None]) -> np.ndarray:
    """(N,) bools: whether each score reaches the floor of its category."""
    needed = [np.inf if (floor := floors[leaf]) is None else floor for leaf in answered.named]
    return answered.scores >= np.array(needed, float)


def _floor(ranked: Trials, target: float, confidence: float, correlation: float) -> float | None:
    """Of one category, whose scores fall."""
    scores, n = ranked.scores, len(ranked)
    if not n:
        return 0.0
    sizes = sizes_by_correlation(ranked.groups, correlation)
    right = np.cumsum(ranked.correct) / np.arange(1, n + 1) * sizes
    chance = shortfall_p_value(right, sizes, target)
    # Tied scores pass together, so only the last of a tie can be the floor.
    last_of_tie = np.append(scores[1:] != scores[:-1], True)
    stand = np.flatnonzero((chance > 1 - confidence) & last_of_tie)
    if not len(stand):
        return None
    return 0.0 if stand[-1] == n - 1 else float(scores[stand[-1]])
