"""What the best settings gain over those configured, and whether that is more than chance.

The best of many trials looks better on the answers that chose it than on others. Therefore groups
are drawn with replacement. Each draw chooses its best trial on the drawn groups, and both that
trial and the first one are judged on the groups that were not drawn: the bootstrap bias correction
of Tsamardinos, Greasidou & Borboudakis, "Bootstrapping the out-of-sample predictions for efficient
and accurate cross-validation", Machine Learning 2018. Variants share a group and are drawn
together.

Coverage here is the largest share of answers that are right as often as the target. Fitting a
proven threshold in every draw of every trial would take hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfsort.training.tuning.trial import Answers

DRAWS = 400
_SEED = 20


@dataclass(frozen=True)
class Gain:
    """Difference in coverage of the settings that a search finds and of those configured.

    Attributes:
        mean: expected difference on products that did not choose, as a share.
        low, high: ends of the 95 % bootstrap interval of the difference.
    """

    mean: float
    low: float
    high: float

    @property
    def within_sampling_error(self) -> bool:
        """Whether the interval does not exclude that nothing was gained."""
        return self.low <= 0


def gain(trials: Sequence[Answers], target: float, draws: int = DRAWS) -> Gain:
    """The gain of choosing among trials over keeping to the first.

    Args:
        trials: answers of the same n products; the first are of the settings as configured.
        target: accuracy, in (0, 1).
        draws: of groups.
    """
    groups, place = np.unique(trials[0].groups, return_inverse=True)
    if len(groups) < 2:
        return Gain(0.0, 0.0, 0.0)
    ranked = [_Ranked.of(each, place) for each in trials]
    chance = np.random.default_rng(_SEED)
    gains = []
    for _ in range(draws):
        times = np.bincount(
            chance.integers(0, len(groups), len(groups)), minlength=len(groups)
        ).astype(np.float64)
        unseen = (times == 0).astype(np.float64)
        if not unseen.any():
            continue
        best = max(ranked, key=lambda each: each.coverage(times, target))
        gains.append(best.coverage(unseen, target) - ranked[0].coverage(unseen, target))
    low, high = np.percentile(gains, [2.5, 97.5])
    return Gain(float(np.mean(gains)), float(low), float(high))


@dataclass(frozen=True)
class _Ranked:
    """Answers from the highest score to the lowest: (n,) places of their groups, and outcomes."""

    place: np.ndarray
    correct: np.ndarray

    @classmethod
    def of(cls, answers: Answers, place: np.ndarray) -> "_Ranked":
        order = np.argsort(-answers.scores, kind="stable")
        return cls(place[order], answers.correct[order])

    def coverage(self, times: np.ndarray, target: float) -> float:
        """The largest accepted share, each group counted so many `times`, (groups,) floats."""
        weights = times[self.place]
        total = np.cumsum(weights)
        enough = np.flatnonzero(np.cumsum(weights * self.correct) >= target * total - 1e-9)
        return float(total[enough[-1]] / total[-1]) if len(enough) else 0.0
