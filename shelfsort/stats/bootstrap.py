"""How far chance alone moves what two models decide: thresholds hang on the calibration split.

Whether a product is decided depends on a threshold fitted on a few hundred calibration products.
Drawn anew, they can move that threshold, and with it many eval products at once; a test of eval
products alone takes each of them for a witness and sees a difference where there is none. So the
calibration products are redrawn by groups (a cluster bootstrap; Davison & Hinkley, "Bootstrap
Methods and their Application", 1997, section 3.8), the same groups for both models, and thresholds
are fitted anew as the Trainer fits them: on what reaches the floors of the categories, variants of
one product counted as what they are worth. The floors themselves come from the training split and
stay. One threshold stands for those of all modes and for single categories' own.

Of equally good models, simulated with 744 calibration and 883 eval products, the test alone found
a difference of what is decided at 95 % in 71 % of 150 draws, and after redrawing in 1 % (see
`tests/components/evaluator/test_redraws.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from shelfsort.stats.thresholds import fit_threshold

DRAWS = 200
# Of more groups so many are drawn, which bounds the time: 200 draws for two models took 0.7 s with
# 744 products and 10 s with 100,000. It overstates chance, to that of a split of this size.
MOST_GROUPS = 10_000
_SEED = 20


@dataclass(frozen=True)
class Answers:
    """One model's answers in one mode.

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
        """Share of eval products decided by the threshold of the calibration products at `rows`.

        Args:
            rows: int array of shape (R,), a product as often as it was drawn.
            groups: int array of shape (R,), equal for variants of one product in one draw.
            target: accuracy that the threshold promises, in (0, 1).
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


def above_floors(
    scores: np.ndarray, predicted: np.ndarray, fitted: Mapping, key: str
) -> np.ndarray:
    """The scores, -inf where the floor of the predicted category keeps an answer from being sure.

    A floor shows in a model's thresholds where it lies above the overall threshold; one below had
    no say.

    Args:
        scores: float array of shape (N,).
        predicted: N categories.
        fitted: thresholds of the mode, as `shelfsort.training.answers.fit_answers` gives them.
        key: of the target in them.
    """
    overall = fitted.get("overall", {}).get(key)
    if fitted.get("scope") != "guarded" or overall is None:
        return scores
    in_force = {name: each.get(key) for name, each in fitted["by_category"].items()}
    floors = {
        name: np.inf if value is None else value
        for name, value in in_force.items()
        if value != overall
    }
    needed = np.array([floors.get(name, -np.inf) for name in predicted], np.float32)
    return np.where(scores.astype(np.float32) >= needed, scores, -np.inf)


def coverage_change(a: Answers, b: Answers, target: float) -> tuple[float, float]:
    """Where B's coverage less A's lies in the middle 95 % of redraws.

    Args:
        a, b: the two models' answers; calibration products may differ.
        target: accuracy that the thresholds promise, in (0, 1).
    """
    changes = [
        b.coverage(*of_b, target) - a.coverage(*of_a, target) for of_a, of_b in _redraws(a, b)
    ]
    low, high = np.percentile(changes, [2.5, 97.5])
    return float(low), float(high)


_Drawn = tuple[np.ndarray, np.ndarray]


def _redraws(a: Answers, b: Answers) -> Iterator[tuple[_Drawn, _Drawn]]:
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
