"""What a consolidation method takes and gives, and the loop that most of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shelfsort.labeling.answers import Answers

SMALLEST = 1e-12
"""The smallest probability whose logarithm is taken."""
_ROUNDS = 200
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Fit:
    """What a method makes of the answers.

    Attributes:
        posteriors: (T, K) probability of each label, rows that add up to 1.
        others: (A,) probability of each answer's label by all the rest: the other answers about
            the task and, where there is one, the model. NaN where there is no rest.
        skills: (W,) the weight or the probability of a right answer that the method gives each
            worker, in [0, 1].
    """

    posteriors: np.ndarray
    others: np.ndarray
    skills: np.ndarray


class Method(Protocol):
    """Consolidates answers; the same answers give the same result."""

    def __call__(self, answers: Answers, /) -> Fit:
        """Fits the method to all answers."""


def normalised(log: np.ndarray) -> np.ndarray:
    """Rows of probabilities from their logarithms up to a constant for each row."""
    found = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def shares(votes: np.ndarray) -> np.ndarray:
    """Rows divided by their sums; equal shares where there are no votes."""
    total = votes.sum(axis=1, keepdims=True)
    equal = np.full(votes.shape, 1 / votes.shape[1])
    return np.divide(votes, total, out=equal, where=total > 0)


def class_shares(posteriors: np.ndarray) -> np.ndarray:
    """(K,) expected share of each label, with one task's worth of equal shares added."""
    tasks, labels = posteriors.shape
    return (posteriors.sum(axis=0) + 1 / labels) / (tasks + 1)


def alternate(posteriors: np.ndarray, step: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Expectation maximisation: repeats `step` until no posterior moves by 1e-6, 200 times at most.

    Args:
        posteriors: (T, K) to start from.
        step: fits the parameters to posteriors and returns the posteriors that they give.
    """
    for _ in range(_ROUNDS):
        before, posteriors = posteriors, step(posteriors)
        if np.abs(posteriors - before).max() < _TOLERANCE:
            break
    return posteriors


def without_own(own: np.ndarray, right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """The probability of an answer's label once its own evidence is taken away.

    Args:
        own: (A,) posterior probability of each answer's label.
        right: (A,) probability of the answer if its label is true.
        wrong: (A,) probability of the answer if another label is true.
    """
    odds = own / np.maximum(right, SMALLEST)
    against = (1 - own) / np.maximum(wrong, SMALLEST)
    return odds / np.maximum(odds + against, SMALLEST)


def alone_is_unknown(answers: Answers, others: np.ndarray) -> np.ndarray:
    """`others` with NaN for the answers that are the only ones about their task."""
    alone = answers.by_task(np.ones(len(answers)))[answers.task] < 2
    return np.where(alone, np.nan, others)
