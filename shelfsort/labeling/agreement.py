"""How far workers agree: raw agreement, Cohen's and Fleiss' kappa, Krippendorff's alpha."""

from collections.abc import Callable
from itertools import combinations

import numpy as np

from shelfsort.labeling.answers import Answers

Distance = Callable[[str, str], float]
"""How far two labels are apart, from 0 for equal ones to 1."""


def raw_agreement(answers: Answers) -> float:
    """Mean share of a task's pairs of answers that are equal; NaN where no task has two."""
    pairs, equal = _pairs(answers.votes())
    some = pairs > 0
    return float((equal[some] / pairs[some]).mean()) if some.any() else float("nan")


def fleiss_kappa(answers: Answers) -> float:
    """Agreement beyond what the labels' overall shares would give by chance.

    Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76 (1971);
    tasks may have different numbers of answers, those with one are left out. NaN where nothing can
    disagree.
    """
    votes = answers.votes()
    votes = votes[votes.sum(axis=1) > 1]
    if not len(votes):
        return float("nan")
    pairs, equal = _pairs(votes)
    chance = float(((votes.sum(axis=0) / votes.sum()) ** 2).sum())
    return _beyond_chance(float((equal / pairs).mean()), chance)


def cohen_kappa(answers: Answers) -> float:
    """Mean kappa of all pairs of workers, weighted by the tasks that both answered.

    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    Measurement 20 (1960). A pair's chance is from the two workers' own shares of labels. Pairs that
    cannot disagree by chance are left out; NaN where there is no other.
    """
    by_worker = [
        dict(zip(answers.task[rows], answers.label[rows], strict=True))
        for rows in (answers.worker == worker for worker in range(len(answers.workers)))
    ]
    total, weight = 0.0, 0
    for one, other in combinations(by_worker, 2):
        both = sorted(set(one) & set(other))
        if not both:
            continue
        left, right = (np.array([each[task] for task in both]) for each in (one, other))
        shares = [
            np.bincount(each, minlength=len(answers.labels)) / len(both) for each in (left, right)
        ]
        kappa = _beyond_chance(float((left == right).mean()), float(shares[0] @ shares[1]))
        if not np.isnan(kappa):
            total, weight = total + kappa * len(both), weight + len(both)
    return total / weight if weight else float("nan")


def krippendorff_alpha(answers: Answers, distance: Distance | None = None) -> float:
    """Alpha: 1 less the observed disagreement over that of answers paired at random.

    Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), with the coincidence matrix
    of tasks that have two answers or more. NaN where nothing can disagree.

    Args:
        answers: of the workers.
        distance: of two labels; None counts every difference as 1.
    """
    votes = answers.votes()
    votes = votes[votes.sum(axis=1) > 1]
    if not len(votes):
        return float("nan")
    n = votes.sum(axis=1)
    per_task = votes / (n - 1)[:, None]
    coincidences = per_task.T @ votes - np.diag(per_task.sum(axis=0))
    apart = _distances(answers.labels, distance)
    totals = coincidences.sum(axis=0)
    observed = float((coincidences * apart).sum())
    expected = float((np.outer(totals, totals) * apart).sum()) / (totals.sum() - 1)
    return 1 - observed / expected if expected else float("nan")


def tree_distance(above: Callable[[str], list[str]]) -> Distance:
    """The share of two labels' levels that they do not have in common; partial credit for siblings.

    `A > B > C` and `A > B > D` are 1/3 apart: they share two of three levels.

    Args:
        above: the ancestors of a label, from the top down.
    """

    def distance(one: str, other: str) -> float:
        if one == other:
            return 0.0
        left, right = [*above(one), one], [*above(other), other]
        common = 0
        for mine, theirs in zip(left, right, strict=False):
            if mine != theirs:
                break
            common += 1
        return 1 - common / max(len(left), len(right))

    return distance


def _pairs(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T,) numbers of ordered pairs of answers to each task, and of equal pairs."""
    n = votes.sum(axis=1)
    return n * (n - 1), (votes * (votes - 1)).sum(axis=1)


def _beyond_chance(agreement: float, chance: float) -> float:
    return (agreement - chance) / (1 - chance) if chance < 1 else float("nan")


def _distances(labels: tuple[str, ...], distance: Distance | None) -> np.ndarray:
    if distance is None:
        return 1 - np.eye(len(labels))
    return np.array([[distance(one, other) for other in labels] for one in labels])
