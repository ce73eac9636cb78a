"""Which products a model may label so that the whole set stays right.

Probably approximately correct labelling (Candès, Ilyas & Zrnic, "Probably Approximately Correct
Labels", arXiv 2506.10908): the error counts over the whole set, in which people's labels have none.
So the model's labels may be wrong more often where it labels a small part. The search needs no
correction for its many looks: the error grows as the cut falls, so the search goes too far only if
the bound at one certain cut fails.
"""

from dataclasses import dataclass

import numpy as np

from shelfsort.stats.binomial import errors_allowed, upper_bound


@dataclass(frozen=True)
class Cut:
    """Which of a model's labels are kept.

    Attributes:
        least: the smallest probability that is enough; above 1 where none is.
        probe: number of products drawn at random that prove it.
        wrong: of them, those above `least` whose label differs from people's.
        bound: upper bound of the machine labels' errors as a share of all products.
    """

    least: float
    probe: int
    wrong: int
    bound: float


def whole_set_cut(
    probability: np.ndarray, wrong: np.ndarray, error: float, confidence: float = 0.95
) -> Cut:
    """The smallest probability at which the errors of the whole set stay below `error`.

    Args:
        probability: (M,) of the model's label, for products drawn at random from the whole set; the
            model was fitted without them.
        wrong: (M,) bool, whether the model's label differs from people's.
        error: largest share of all products that may be wrong.
        confidence: with which it is so.
    """
    order = np.argsort(-probability, kind="stable")
    count = np.cumsum(wrong[order])
    n = len(order)
    if not n or error <= 0:
        return Cut(np.inf, n, 0, 1.0)
    bounds = np.asarray(upper_bound(count, np.full(n, n), confidence))
    fails = np.flatnonzero(bounds > error)
    kept = int(fails[0]) if len(fails) else n
    # Equal probabilities stand or fall together.
    while 0 < kept < n and probability[order[kept - 1]] == probability[order[kept]]:
        kept -= 1
    if kept == 0:
        return Cut(np.inf, n, 0, float(upper_bound(0, n, confidence)))
    least = 0.0 if kept == n else float(probability[order[kept - 1]])
    return Cut(least, n, int(count[kept - 1]), float(bounds[kept - 1]))


def threshold_cut(
    probability: np.ndarray, wrong: np.ndarray, target: float, confidence: float = 0.95
) -> Cut:
    """The smallest probability above which the model's own labels reach an accuracy.

    What auto-labelling by thresholds does: the bound is on the kept labels alone. The search may
    look at as many cuts as it likes, so the bound holds for each cut and not for the search.

    Args:
        probability, wrong: as for `whole_set_cut`.
        target: accuracy of the labels that are kept.
        confidence: of the bound.
    """
    order = np.argsort(-probability, kind="stable")
    count = np.cumsum(wrong[order])
    n = np.arange(1, len(order) + 1)
    enough = np.flatnonzero(count <= errors_allowed(n, target, confidence)) if len(n) else n
    last = np.append(np.diff(probability[order]) < 0, True)
    enough = enough[last[enough]] if len(enough) else enough
    if not len(enough):
        return Cut(np.inf, len(order), 0, 1.0)
    kept = int(enough[-1])
    bound = float(upper_bound(int(count[kept]), kept + 1, confidence))
    return Cut(float(probability[order[kept]]), len(order), int(count[kept]), bound)
