"""How far sampling error alone moves the coverage of two models, through their thresholds.

Whether a product is accepted depends on a threshold fitted on a few hundred calibration products.
Another sample of them can move that threshold, and with it many eval products at once. A test of
eval products alone takes each of those for an independent observation, and sees a difference where
there is none. Therefore the calibration products are resampled by groups (a cluster bootstrap;
Davison & Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8), the same groups
for both models. Thresholds are fitted again as the Trainer fits them: on what reaches the floors of
the categories, with the effective sample size of variants. The floors come from the training split
and stay. One threshold stands for those of all modalities and for single categories' own.

For equally good models, simulated with 744 calibration and 883 eval products, the test alone found
a difference in coverage at 95 % in 71 % of 150 draws, and the bootstrap in 1 % (see
`tests/components/evaluator/test_live_coverage_guarantee.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from shelfsort.stats.thresholds import fit_threshold

DRAWS = 200
# At most this many groups are drawn per replicate, which bounds the time: 200 draws for two models
# took 0.7 s with 744 products and 10 s with 100,000. For a larger split this overestimates the
# sampling error.
MOST_GROUPS = 10_000
_SEED = 20


@dataclass(frozen=True)
class Answers:
    """One model's answers in one modality.

    Attributes:
        scores: float array of shape (N,), of the calibration products; -inf is never accepted.
        correct: bool array of shape (N,).
        groups: int array of shape (N,), equal for variants of one product.
        eval_scores: float array of shape (M,), M > 0, of the eval products; -inf likewise.
        correlation: of right and wrong within a group, 0 to 1.
    """

    scores: np.ndarray
    correct: np.ndarray
    groups: np.ndarray
    eval_scores: np.ndarray
    correlation: float = 0.0

    def coverage(self, rows: np.ndarray, groups: np.ndarray, target: float) -> float:
        """Share of eval products accepted by the threshold of the calibration products at `rows`.

        Args:
            rows: int array of shape (R,), a product as often as it was drawn.
            groups: int array of shape (R,), equal for variants of one product in one draw.
            target: accuracy that the threshold guarantees, in (0, 1).
        """
        eligible = np.isfinite(self.scores[rows])
        rows, groups = rows[eligible], groups[eligible]
        fitted = fit_threshold(
            self.scores[rows],
            self.correct[rows],
            target,
            groups=groups,
            correlation=self.correlation,
        )
        if fitted is None:
            return 0.0
        # The model computes in float32, and a threshold taken from a score accepts that score.
        return float((self.eval_scores.astype(np.float32) >= np.float32(fitted)).mean())


def eligible_scores(
    scores: np.ndarray, predicted: np.ndarray, floors: Mapping[str, float | None]
) -> np.ndarray:
    """The scores, -inf where the floor of the predicted category allows no acceptance.

    Args:
        scores: float array of shape (N,).
        predicted: N categories.
        floors: the lowest allowed score by category; None allows none, and a category without
            a floor allows all.
    """
    needed = [np.inf if (floor := floors.get(name, 0.0)) is None else floor for name in predicted]
    allowed = scores.astype(np.float32) >= np.array(needed, np.float32)
    return np.where(allowed, scores, -np.inf)


def coverage_change(a: Answers, b: Answers, target: float) -> tuple[float, float]:
    """The 95 % bootstrap interval of B's coverage less A's.

    Args:
        a, b: the two models' answers; calibration products may differ.
        target: accuracy that the thresholds guarantee, in (0, 1).
    """
    changes = [
        b.coverage(*of_b, target) - a.coverage(*of_a, target) for of_a, of_b in _replicates(a, b)
    ]
    low, high = np.percentile(changes, [2.5, 97.5])
    return float(low), float(high)


_Drawn = tuple[np.ndarray, np.ndarray]


def _replicates(a: Answers, b: Answers) -> Iterator[tuple[_Drawn, _Drawn]]:
    """Both models' calibration products, rows and groups, the same groups drawn for both."""
    groups, place = np.unique(np.concatenate([a.groups, b.groups]), return_inverse=True)
    place_a, place_b = place[: len(a.groups)], place[len(a.groups) :]
    rng = np.random.default_rng(_SEED)
    for _ in range(DRAWS):
        drawn = rng.integers(0, len(groups), min(len(groups), MOST_GROUPS))
        times = np.bincount(drawn, minlength=len(groups))
        yield _repeated(place_a, times), _repeated(place_b, times)


def _repeated(place: np.ndarray, times: np.ndarray) -> _Drawn:
    """Each product as often as its group was drawn; drawn twice, a group counts as two."""
    copies = times[place]
    rows = np.repeat(np.arange(len(place)), copies)
    copy = np.arange(len(rows)) - np.repeat(np.cumsum(copies) - copies, copies)
    return rows, place[rows] + len(times) * copy
