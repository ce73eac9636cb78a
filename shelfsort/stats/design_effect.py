"""How many independent products are products worth that come in groups?

Variants of one title, or copies of one picture, are right or wrong together, so that twenty of
them are less evidence than twenty products. In survey statistics the factor is the design effect
(Kish 1965): n products whose outcomes have an intra-group correlation r carry as much evidence as
n / (1 + r (m - 1)) independent ones, m being the size of the group that the mean product stands
in. Exact binomial tests are then asked with that effective size (Korn & Graubard 1998, "Confidence
intervals for proportions with small expected number of positive counts").
"""

import numpy as np
from numpy.typing import ArrayLike

# What stands for knowing nothing: ordered pairs of one pair of variants that is wrong together.
_PRIOR_PAIRS = 2.0


def sizes_by_correlation(groups: ArrayLike, correlation: float) -> np.ndarray:
    """Effective size of the first 1, 2, … N products, in the order given, before any outcome.

    Args:
        groups: int array of shape (N,), equal for products of one group.
        correlation: of outcomes within a group, 0 to 1.

    Returns:
        float array of shape (N,), each entry 1 to its rank.
    """
    groups = np.asarray(groups)
    ranks = np.arange(1, len(groups) + 1)
    members = _earlier_in_group(groups, np.ones(len(groups)))
    # A group of m adds 1 + 3 + … + (2 m - 1) = m².
    mean_size = np.cumsum(2 * members + 1) / ranks
    return ranks / (1 + correlation * (mean_size - 1))


def sizes_by_outcomes(outcomes: ArrayLike, groups: ArrayLike) -> np.ndarray:
    """Effective size of the first 1, 2, … N products by how much outcomes vary between groups.

    The ratio of binomial variance to the linearised variance of the share (Korn & Graubard 1998),
    within 1 to N. Where all outcomes are alike they say nothing about correlation: then each
    group counts as one product, weighed by its size (Kish 1965).

    Args:
        outcomes: bool array of shape (N,).
        groups: int array of shape (N,), equal for products of one group.

    Returns:
        float array of shape (N,), each entry 1 to its rank; the rank itself where every product
        is a group of its own.
    """
    outcomes, groups = np.asarray(outcomes, np.float64), np.asarray(groups)
    ranks = np.arange(1, len(groups) + 1)
    members = _earlier_in_group(groups, np.ones(len(groups)))
    hits = _earlier_in_group(groups, outcomes)
    # Running sums over groups of size², hits² and size * hits.
    sizes2 = np.cumsum(2 * members + 1)
    hits2 = np.cumsum(outcomes * (2 * hits + 1))
    products = np.cumsum(hits + outcomes * (members + 1))
    share = np.cumsum(outcomes) / ranks
    between = hits2 - 2 * share * products + share**2 * sizes2
    alike = (share == 0) | (share == 1)
    binomial = np.where(alike, 1.0, ranks * share * (1 - share))
    design_effect = np.where(alike, sizes2 / ranks, between / binomial)
    return ranks / np.clip(design_effect, 1, ranks)


def effective_size(outcomes: ArrayLike, groups: ArrayLike) -> float:
    """`sizes_by_outcomes` of all products; 0.0 for none."""
    sizes = sizes_by_outcomes(outcomes, groups)
    return float(sizes[-1]) if len(sizes) else 0.0


def intra_group_correlation(outcomes: ArrayLike, groups: ArrayLike) -> float:
    """How alike the outcomes of two products of one group are: 0 not at all, 1 always the same.

    The mean product of deviations over all pairs of a group, every pair of equal weight (Karlin,
    Cameron & Williams 1981): with pairs weighted so, 1 + r (m - 1) is exactly the design effect
    of the mean. It is drawn towards 1 with the weight of one pair wrong together, so that a sample
    which shows nothing lets each group count once.

    Args:
        outcomes: bool array of shape (N,), True being the rare one.
        groups: int array of shape (N,), equal for products of one group.

    Returns:
        0 to 1; 1.0 for no products.
    """
    outcomes = np.asarray(outcomes, np.float64)
    if not len(outcomes):
        return 1.0
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    sizes, hits = np.bincount(index), np.bincount(index, weights=outcomes)
    share = outcomes.mean()
    together = ((hits - share * sizes) ** 2).sum() - ((outcomes - share) ** 2).sum()
    expected = (sizes * (sizes - 1)).sum() * share * (1 - share)
    correlation = (together + _PRIOR_PAIRS) / (expected + _PRIOR_PAIRS)
    return float(np.clip(correlation, 0, 1))


def correlation_near(
    scores: ArrayLike, correct: ArrayLike, groups: ArrayLike, target: float
) -> float:
    """`intra_group_correlation` of errors among the answers that a threshold for `target` is about.

    Those are the most answers, best scores first, of which `target` is right; all of them where
    no rank reaches it.

    Args:
        scores: float array of shape (N,).
        correct: bool array of shape (N,).
        groups: int array of shape (N,), equal for products of one group.
        target: accuracy, in (0, 1).
    """
    order = np.argsort(-np.asarray(scores), kind="stable")
    wrong = ~np.asarray(correct, bool)[order]
    ranks = np.arange(1, len(order) + 1)
    reached = np.flatnonzero(np.cumsum(wrong) <= (1 - target) * ranks)
    about = order[: reached[-1] + 1] if len(reached) else order
    return intra_group_correlation(~np.asarray(correct, bool)[about], np.asarray(groups)[about])


def _earlier_in_group(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(N,) sum of the values of the same group that stand before each."""
    order = np.argsort(groups, kind="stable")
    ranked = groups[order]
    starts = np.append(True, ranked[1:] != ranked[:-1])[: len(ranked)]
    before = np.cumsum(values[order]) - values[order]
    earlier = np.empty(len(groups))
    earlier[order] = before - before[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    return earlier
