"""How probable each label of each product is: the workers' skills times what a model says.

The rule of `methods.model_assisted` for products with and without answers. The factor of the
model's log-odds is the one under which the answers are most likely.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.asking.text_model import CrossFittedRidge
from shelfsort.labeling.methods.fit import SMALLEST, class_shares, shares
from shelfsort.labeling.methods.one_coin import coin_posteriors, drawn_skills

FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
_STARTS = (0, 2, 4, 7)
_MIXED = 0.01
"""Share of equal probabilities in what the model says. 0.001 let confident errors look certain."""
_LEAST_LOG = -50.0
_START_SKILL = 0.7
_STEPS = 30
_ENOUGH = 0.01
"""Gain of log-likelihood at which expectation maximisation ends."""


@dataclass(frozen=True)
class Belief:
    """Probabilities of N products and K labels.

    Attributes:
        posteriors: (N, K) by answers and model, rows that add up to 1.
        model: (N, K) by a model that was fitted without the product.
        skills: (W,) probability of a right answer of each worker.
        skill: mean probability of a right answer.
        factor: place in `FACTORS` of the factor of the model's log-odds.
    """

    posteriors: np.ndarray
    model: np.ndarray
    skills: np.ndarray
    skill: float
    factor: int = FACTORS.index(1.0)


def refit(answers: Answers, ridge: CrossFittedRidge) -> Belief:
    """Fits the model to the answers, twice: first to their shares, then to what they became.

    Args:
        answers: about some of N products; its tasks are all of them, in the order of the features.
        ridge: the model.
    """
    rows, place = np.unique(answers.task, return_inverse=True)
    asked = replace(answers, tasks=tuple(answers.tasks[row] for row in rows), task=place)
    targets = shares(asked.votes())
    first = believe(asked, ridge.held_out_logits(rows, targets))
    return believe(answers, ridge.logits(rows, first.posteriors), [first.factor])


def believe(answers: Answers, logits: np.ndarray, starts: Sequence[int] = _STARTS) -> Belief:
    """Posteriors of all products.

    Args:
        answers: at least one; its tasks are all N products.
        logits: (N, K) log-odds of a model that was fitted without the product, up to one factor;
            a row of NaN for a product without.
        starts: places in `FACTORS` from which the best factor is searched.
    """
    rows, place = np.unique(answers.task, return_inverse=True)
    common = class_shares(shares(answers.votes()[rows]))
    known_logits, given = logits[rows], AnsweredLabels.among(answers)
    tried: dict[int, tuple[float, np.ndarray]] = {}

    def at(step: int) -> float:
        if step not in tried:
            prior = _prior(known_logits, FACTORS[step], common)
            tried[step] = fit_skills(given, prior[place, answers.label])
        return tried[step][0]

    # The likelihood is flat where a model is far too sure: climb from the best of a few starts.
    best = max(starts, key=at)
    for direction in (1, -1):
        while 0 <= best + direction < len(FACTORS) and at(best + direction) > at(best):
            best += direction
    skills = tried[best][1]
    model = _prior(logits, FACTORS[best], common)
    posteriors = coin_posteriors(answers, skills, np.log(model))
    count = answers.by_worker(np.ones(len(answers)))
    return Belief(posteriors, model, skills, float(count @ skills / count.sum()), best)


def _prior(logits: np.ndarray, factor: float, common: np.ndarray) -> np.ndarray:
    """(N, K) probabilities by the model, by the common shares (K,) where there is no model."""
    with np.errstate(invalid="ignore"):
        scaled = factor * (logits - logits.max(axis=1, keepdims=True))
    found = np.exp(np.maximum(scaled, _LEAST_LOG))
    found /= found.sum(axis=1, keepdims=True)
    known = np.isfinite(logits).all(axis=1, keepdims=True)
    return np.where(known, (1 - _MIXED) * found + _MIXED / logits.shape[1], common)


@dataclass(frozen=True)
class AnsweredLabels:
    """The P distinct pairs of a task and a label that was answered.

    Attributes:
        answers: A of them.
        first: (P,) an answer of each pair.
        of: (A,) pair of each answer.
        task: (P,) place of each pair's task among those with answers.
    """

    answers: Answers
    first: np.ndarray
    of: np.ndarray
    task: np.ndarray

    @classmethod
    def among(cls, answers: Answers) -> "AnsweredLabels":
        """The pairs of the answers, at least one."""
        pairs, first, of = np.unique(
            answers.task * len(answers.labels) + answers.label,
            return_index=True,
            return_inverse=True,
        )
        task = np.unique(pairs // len(answers.labels), return_inverse=True)[1]
        return cls(answers, first, of, task)


def fit_skills(given: AnsweredLabels, prior: np.ndarray) -> tuple[float, np.ndarray]:
    """Skills under a fixed prior, by expectation maximisation.

    A task's posterior only has to be known for the labels that were answered: with odds o of the
    answers for a label of prior p, the task's evidence is 1 plus the sum of p (o - 1).

    Args:
        given: the answers.
        prior: (A,) prior of each answer's label at its task.

    Returns:
        The logarithm of the answers' likelihood, and (W,) skills.
    """
    answers, of_pair = given.answers, prior[given.first]
    labels = len(answers.labels)
    likely, skills = -np.inf, np.full(len(answers.workers), _START_SKILL)
    for _ in range(_STEPS):
        right = np.clip(skills, SMALLEST, 1 - 1e-6)
        wrong = (1 - right) / max(labels - 1, 1)
        gain = np.log(right) - np.log(wrong)
        odds = np.exp(np.bincount(given.of, gain[answers.worker]))
        evidence = 1 + np.bincount(given.task, of_pair * (odds - 1))
        own = (of_pair * odds / evidence[given.task])[given.of]
        before, skills = likely, drawn_skills(answers, own)
        likely = float(np.log(evidence).sum() + np.log(wrong)[answers.worker].sum())
        if likely - before < _ENOUGH:
            break
    return likely, skills
