"""How far workers agree: raw agreement, Cohen's and Fleiss' kappa, Krippendorff's alpha."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from shelfsort.labeling.answers import Answers

Distance = Callable[[str, str], float]
"""How far two labels are apart, from 0 for equal ones to 1."""


_DRAWS, _FEWEST_DRAWS, _WORK = 100, 20, 20_000_000
_MOST_PAIRS = 200_000
"""Pairs of workers times answers above which Cohen's kappa has no interval: it takes too long."""
_TWO_SIDED = 1.96


def agreement_figures(
    answers: Answers, distance: Distance
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """All figures of this module by name, and their 95 % intervals.

    An interval is the figure with 1.96 standard errors on both sides, at most 1, of products drawn
    with replacement (bootstrap). NaN where there is none.
    """
    apart = _distances(answers.labels, distance)
    kinds: dict[str, Callable[[Answers], float]] = {
        "raw": raw_agreement,
        "cohen": cohen_kappa,
        "fleiss": fleiss_kappa,
        "alpha": krippendorff_alpha,
        "alpha_tree": lambda each: _alpha(each, apart),
    }
    figures = {name: kind(answers) for name, kind in kinds.items()}
    pairs = len(answers.workers) * (len(answers.workers) - 1) // 2
    if pairs * len(answers) > _MOST_PAIRS:
        del kinds["cohen"]
    rng = np.random.default_rng(0)
    tasks, labels = answers.shape
    draws = int(np.clip(_WORK / (tasks * labels), _FEWEST_DRAWS, _DRAWS))
    drawn: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(draws):
        some = _redrawn(answers, rng)
        for name, kind in kinds.items():
            drawn[name].append(kind(some))
    return figures, _intervals(figures, drawn)


def _redrawn(answers: Answers, rng: np.random.Generator) -> Answers:
    """The answers about as many tasks, drawn with replacement; each draw is a task of its own."""
    n = len(answers.tasks)
    starts = np.searchsorted(answers.task, np.arange(n + 1))
    chosen = rng.integers(0, n, n)
    sizes = (starts[1:] - starts[:-1])[chosen]
    task = np.repeat(np.arange(n), sizes)
    first = np.repeat(starts[chosen] - np.cumsum(sizes) + sizes, sizes)
    rows = first + np.arange(len(task))
    return replace(answers, task=task, worker=answers.worker[rows], label=answers.label[rows])


def _intervals(
    figures: Mapping[str, float], drawn: Mapping[str, list[float]]
) -> dict[str, tuple[float, float]]:
    found = dict.fromkeys(figures, (float("nan"), float("nan")))
    for name, values in drawn.items():
        some = np.array(values)[np.isfinite(values)]
        if len(some) >= _FEWEST_DRAWS and np.isfinite(figures[name]):
            half = _TWO_SIDED * float(some.std(ddof=1))
            found[name] = figures[name] - half, min(figures[name] + half, 1.0)
    return found


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
    by_worker = [_answers_of(answers, worker) for worker in range(len(answers.workers))]
    total, weight = 0.0, 0
    for (one, given), (other, also) in combinations(by_worker, 2):
        both, mine, theirs = np.intersect1d(one, other, assume_unique=True, return_indices=True)
        if not len(both):
            continue
        left, right = given[mine], also[theirs]
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
    return _alpha(answers, _distances(answers.labels, distance))


def _alpha(answers: Answers, apart: np.ndarray) -> float:
    """Alpha by (K, K) distances of the labels."""
    votes = answers.votes()
    votes = votes[votes.sum(axis=1) > 1]
    if not len(votes):
        return float("nan")
    n = votes.sum(axis=1)
    per_task = votes / (n - 1)[:, None]
    coincidences = per_task.T @ votes - np.diag(per_task.sum(axis=0))
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


def _answers_of(answers: Answers, worker: int) -> tuple[np.ndarray, np.ndarray]:
    """A worker's tasks and labels; of several answers about a task the last counts."""
    rows = np.flatnonzero(answers.worker == worker)
    tasks, last = np.unique(answers.task[rows][::-1], return_index=True)
    return tasks, answers.label[rows][::-1][last]


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
