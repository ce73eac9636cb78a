"""What more of something would bring: workers for each product, gold questions, a higher price."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.asking.gold_questions import LEAST
from shelfsort.labeling.evaluation import Share
from shelfsort.stats.binomial import upper_bound

_DRAWS = 10
_SMALL = 1.0
"""Answers that equal confusion counts for, in the crowd's."""


@dataclass(frozen=True)
class Workers:
    """What to expect of a number of workers for each product.

    Attributes:
        workers: for each product.
        measured: whether the job had as many; else further answers were simulated.
        consensus: expected share of products with consensus.
        right: expected share of products whose most frequent label is right, ties in equal parts.
    """

    workers: int
    measured: bool
    consensus: float
    right: float


@dataclass(frozen=True)
class GoldQuestions:
    """What a number of gold questions for each worker shows.

    Attributes:
        questions: for each worker.
        ban_below: the share of right answers below which a worker is banned; between the two below.
        caught: probability that a worker halfway between chance and the crowd's skill is banned.
        wronged: probability that a worker of the crowd's median skill is.
    """

    questions: int
    ban_below: float
    caught: float
    wronged: float


@dataclass(frozen=True)
class Difference:
    """By how much one share is above another.

    Attributes:
        points: difference of the shares, in [-1, 1].
        low, high: 95 % interval.
    """

    points: float
    low: float
    high: float


def more_workers(
    answers: Answers, posteriors: np.ndarray, most: int = 2, draws: int = _DRAWS
) -> list[Workers]:
    """Consensus and accuracy with 1 worker up to `most` more than the job had.

    The truth is drawn with the posteriors. Fewer workers are drawn from those who answered. A
    further one is right with the skill of a worker, drawn by the number of answers, and else errs
    as the crowd does.

    Args:
        answers: of the job.
        posteriors: (T, K) probability of each label.
        most: number of further workers.
        draws: of the simulation.
    """
    rng = np.random.default_rng(0)
    count = np.bincount(answers.task, minlength=len(answers.tasks))
    had = int(np.median(count[count > 0]))
    tasks = np.flatnonzero(count >= had)
    levels = had + max(most, 0)
    sums = np.zeros((levels, 2))
    confusion = _wrong_labels(answers, posteriors)
    skills = _skills(answers, posteriors)
    for _ in range(draws):
        truth = _by_share(posteriors[tasks], rng)
        labels = _drawn(answers, tasks, had, rng)
        labels = np.hstack([labels, _simulated(answers, truth, skills, confusion, most, rng)])
        for level in range(levels):
            sums[level] += _outcome(labels[:, : level + 1], truth)
    return [
        Workers(
            level + 1, level < had, float(sums[level, 0] / draws), float(sums[level, 1] / draws)
        )
        for level in range(levels)
    ]


def gold_outlook(questions: Sequence[int], skill: float, chance: float) -> list[GoldQuestions]:
    """How surely gold questions find bad workers, under the rule of `gold_questions`.

    Args:
        questions: numbers of questions for each worker.
        skill: median probability of a right answer of the crowd.
        chance: probability of a right answer of a worker who does not try.
    """
    bad = (skill + chance) / 2
    limit = (skill + bad) / 2
    found = []
    for n in questions:
        right = np.arange(n + 1)
        banned = np.asarray(upper_bound(right, np.full(n + 1, n), 0.95)) < limit
        banned &= n >= LEAST
        caught, wronged = (float(binom.pmf(right, n, each) @ banned) for each in (bad, skill))
        found.append(GoldQuestions(n, limit, caught, wronged))
    return found


def difference(one: Share, other: Share) -> Difference | None:
    """By how much `other` is above `one`; None where a share has no trials.

    The interval combines those of the two shares (Zou & Donner, "Construction of confidence limits
    about effect measures", Statistics in Medicine 27, 2008). It takes the samples as independent,
    so it is too wide where both jobs labelled the same products.
    """
    if one.share is None or other.share is None:
        return None
    (low1, high1), (low2, high2) = one.interval, other.interval
    points = other.share - one.share
    below = ((other.share - low2) ** 2 + (high1 - one.share) ** 2) ** 0.5
    above = ((high2 - other.share) ** 2 + (one.share - low1) ** 2) ** 0.5
    return Difference(points, points - below, points + above)


def _drawn(answers: Answers, tasks: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(T, n) labels of `n` of the answers about each of the tasks, in random order."""
    order = np.lexsort((rng.random(len(answers)), answers.task))
    first = np.searchsorted(answers.task[order], tasks)
    return np.asarray(answers.label[order][first[:, None] + np.arange(n)])


def _simulated(
    answers: Answers,
    truth: np.ndarray,
    skills: np.ndarray,
    confusion: np.ndarray,
    n: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(T, n) labels of further workers."""
    found = np.zeros((len(truth), n), np.int64)
    for place in range(n):
        skill = skills[rng.choice(answers.worker, len(truth))]
        wrong = _by_share(confusion[truth], rng)
        found[:, place] = np.where(rng.random(len(truth)) < skill, truth, wrong)
    return found


def _skills(answers: Answers, posteriors: np.ndarray) -> np.ndarray:
    own = posteriors[answers.task, answers.label]
    n = answers.by_worker(np.ones(len(answers)))
    return np.asarray(answers.by_worker(own) / np.maximum(n, 1))


def _wrong_labels(answers: Answers, posteriors: np.ndarray) -> np.ndarray:
    """(K, K) how often each wrong label is named where the row's label is true."""
    labels = len(answers.labels)
    named = np.full((labels, labels), _SMALL / labels)
    np.add.at(named.T, answers.label, posteriors[answers.task])
    if labels > 1:
        np.fill_diagonal(named, 0)
    return np.asarray(named / named.sum(axis=1, keepdims=True))


def _by_share(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A column of each row, drawn with the row's probabilities."""
    sums = np.cumsum(rows, axis=1)
    drawn = rng.random(len(rows))[:, None] * sums[:, -1:]
    return np.asarray((sums < drawn).sum(axis=1).clip(max=rows.shape[1] - 1))


def _outcome(labels: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Shares of rows with consensus, and of rows whose most frequent label is right."""
    votes = (labels[:, :, None] == labels[:, None, :]).sum(axis=2)
    top = votes.max(axis=1)
    best = votes == top[:, None]
    # A label that n workers name stands n times among the best.
    consensus = (best.sum(axis=1) == top) & (2 * top >= labels.shape[1])
    right = ((labels == truth[:, None]) & best).sum(axis=1) / best.sum(axis=1)
    return float(consensus.mean()), float(right.mean())
