"""How accurate is a model whose labels are themselves uncertain?

A label that several people voted for is right with a probability that the votes tell. Under the
one-coin model of workers (Dawid & Skene 1979 with one skill for all) each answer is right with
probability s, and a wrong one names any of a confusable categories alike. For a label with k of m
answers that gives the odds against it: r^(2k - m) for the one category that all the others may
have named, and r^k for each that nobody named, with r = (1 - s) / (a s). Where a job kept no
answers, its own confidence is taken for the probability.

A vote share is no such probability: two of three people agreeing among dozens of categories are
right far more often than 67 % of the time.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shelfsort.stats.binomial import interval

_ITERATIONS = 100
_START_SKILL = 0.8


@dataclass(frozen=True)
class Stratum:
    """Products whose labels have the same evidence.

    Attributes:
        n: how many, at least 1.
        agree: share of them on which model and label agree.
        confidence: of the label: its share of the answers, or the job's own figure.
        workers: answers to each; 0 where the job kept none.
    """

    n: int
    agree: float
    confidence: float
    workers: int


@dataclass(frozen=True)
class ExpectedAccuracy:
    """Accuracy against the unknown true categories; all in [0, 1].

    Attributes:
        value: estimate, if model and label err independently of each other and never alike: then
            both agree where both are right, so that it is the share of agreement over the share
            of labels that are right. It is a little high where they err alike.
        lower, upper: its 95 % interval: the exact one of the share of agreement, scaled alike.
        least, most: what it can be at these two shares whatever errors have to do with each other
            (Fréchet's bounds by stratum); sampling error not included.
        labels: expected share of labels that are right.
    """

    value: float
    lower: float
    upper: float
    least: float
    most: float
    labels: float


def expected_accuracy(
    strata: list[Stratum], confusable: float, effective: float
) -> ExpectedAccuracy | None:
    """Estimates accuracy from agreement with uncertain labels; None for no products.

    Args:
        strata: all products.
        confusable: categories that a wrong answer may name, at least 1.
        effective: how many independent products they are worth.
    """
    if not strata:
        return None
    n = np.array([each.n for each in strata], float)
    weights, agree = n / n.sum(), np.array([each.agree for each in strata])
    right = label_probabilities(strata, confusable)
    labels, agreed = float(weights @ right), float(weights @ agree)
    low, high = interval(min(agreed, 1.0) * effective, effective)
    return ExpectedAccuracy(
        value=min(1.0, agreed / labels),
        lower=min(1.0, low / labels),
        upper=min(1.0, high / labels),
        least=float(weights @ np.maximum(0, agree + right - 1)),
        most=float(weights @ (1 - np.abs(agree - right))),
        labels=labels,
    )


def label_probabilities(strata: list[Stratum], confusable: float) -> np.ndarray:
    """Probability that the label of each stratum is right, float array of shape (strata,).

    The workers' common skill is fitted by expectation maximisation on these very answers, with one
    right and one wrong answer more, so that it stays short of 1. Products whose answers found no
    consensus are not among them, so that skill and labels come out a little too good (labels by
    0.01 to 0.02 where workers are right 80 % of the time).
    """
    n, confidence, workers = np.array(
        [(each.n, each.confidence, each.workers) for each in strata], float
    ).T
    votes = confidence * workers
    skill = _START_SKILL
    for _ in range(_ITERATIONS):
        right = _posterior(votes, workers, skill, confusable)
        # Where the label is wrong, all the others may have been right.
        good = n @ (right * votes + (1 - right) * (workers - votes))
        skill = (good + 1) / (n @ workers + 2)
    return np.where(workers > 0, _posterior(votes, workers, skill, confusable), confidence)


def mean_siblings(parents: Mapping[str, str]) -> float:
    """Mean number of siblings of a category; at least 1.

    Args:
        parents: parent of every category; itself where it stands directly below the root.
    """
    above = ["" if leaf == parent else parent for leaf, parent in parents.items()]
    children = Counter(above)
    return max(1.0, float(np.mean([children[parent] - 1 for parent in above])))


def _posterior(
    votes: np.ndarray, workers: np.ndarray, skill: float, confusable: float
) -> np.ndarray:
    ratio = (1 - skill) / (confusable * skill)
    dissent = workers > votes
    against = dissent * ratio ** (2 * votes - workers) + (confusable - dissent) * ratio**votes
    return 1 / (1 + against)
