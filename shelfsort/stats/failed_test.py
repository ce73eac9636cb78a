"""Why no threshold could be proven: the test that came closest, and the answers that failed it."""

from dataclasses import dataclass

import numpy as np

from shelfsort.stats.binomial import errors_allowed
from shelfsort.stats.rank_tests import RankedTests
from shelfsort.stats.thresholds import Trials


@dataclass(frozen=True)
class FailedTest:
    """A test of the products with the highest scores that did not prove the target.

    Attributes:
        tested: number of products tested.
        allowed: most wrong answers with which they would have proven it, 0 or more.
        wrong: (m,) places of the wrong answers in the sample, highest score first.
    """

    tested: int
    allowed: int
    wrong: np.ndarray

    @property
    def missing(self) -> int:
        """Number of the wrong answers that would have to be right."""
        return len(self.wrong) - self.allowed


def closest_failure(
    trials: Trials, target: float, confidence: float, correlation: float = 0.0
) -> FailedTest | None:
    """The test that needs the fewest more right answers.

    Args:
        trials: that a threshold was fitted on.
        target: guaranteed accuracy, in (0, 1).
        confidence: of the guarantee, in (0, 1).
        correlation: of right and wrong within a group, 0 to 1.

    Returns:
        None where a test passed, or where there are too few products for any.
    """
    order = np.argsort(-trials.scores, kind="stable")
    correct = trials.correct[order]
    tests = RankedTests.of(trials.scores[order], correct, trials.groups[order], correlation, target)
    found = []
    for rank, share in tests.starts(target, 1 - confidence).items():
        index = int(np.searchsorted(tests.ends, rank))
        end, budget = int(tests.ends[index]), (1 - confidence) * share
        if tests.p_values[index] <= budget:
            return None
        size = tests.sizes[end - 1]
        allowed = float(errors_allowed(np.array([size]), target, 1 - budget)[0])
        # A group of variants counts for less than as many products.
        most = int(max(allowed, 0.0) * end / size)
        found.append(FailedTest(end, most, order[:end][~correct[:end]]))
    return min(found, key=lambda each: (each.missing, -each.tested), default=None)
