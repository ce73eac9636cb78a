"""How probable each label of each product is: the workers' skills times what a model says.

The rule of `methods.model_assisted` for products with and without answers. The factor of the
model's log-odds is the one under which the answers are most likely.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.asking.text_model import CrossFittedRidge
from shelfsort.labeling.methods.fit import class_shares, normalised, shares
from shelfsort.labeling.methods.one_coin import coin_posteriors, coin_skills, likelihood

FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
_STARTS = (0, 2, 4, 7)
_MIXED = 0.01
"""Share of equal probabilities in what the model says. 0.001 let confident errors look certain."""
_STEPS, _PASSES = 4, 2


@dataclass(frozen=True)
class Belief:
    """Probabilities of N products and K labels.

    Attributes:
        posteriors: (N, K) by answers and model, rows that add up to 1.
        model: (N, K) by a model that was fitted without the product.
        skills: (W,) probability of a right answer of each worker.
        skill: mean probability of a right answer.
    """

    posteriors: np.ndarray
    model: np.ndarray
    skills: np.ndarray
    skill: float


def refit(answers: Answers, ridge: CrossFittedRidge) -> Belief:
    """Fits the model to the answers, twice: first to their shares, then to what they became.

    Args:
        answers: about some of N products; its tasks are all of them, in the order of the features.
        ridge: the model.
    """
    rows = np.unique(answers.task)
    targets = shares(answers.votes())[rows]
    for _ in range(_PASSES):
        belief = believe(answers, ridge.logits(rows, targets))
        targets = belief.posteriors[rows]
    return belief


def believe(answers: Answers, logits: np.ndarray) -> Belief:
    """Posteriors of all products.

    Args:
        answers: at least one; its tasks are all N products.
        logits: (N, K) log-odds of a model that was fitted without the product, up to one factor;
            a row of NaN for a product without.
    """
    rows, place = np.unique(answers.task, return_inverse=True)
    few = Answers(
        tuple(answers.tasks[row] for row in rows),
        answers.workers,
        answers.labels,
        place,
        answers.worker,
        answers.label,
    )
    common = np.log(class_shares(shares(few.votes())))
    tried: dict[int, tuple[float, np.ndarray]] = {}

    def at(step: int) -> float:
        if step not in tried:
            tried[step] = _fitted(few, _log_prior(logits[rows], FACTORS[step], common))
        return tried[step][0]

    # The likelihood is flat where a model is far too sure: climb from the best of a few starts.
    best = max(_STARTS, key=at)
    for direction in (1, -1):
        while 0 <= best + direction < len(FACTORS) and at(best + direction) > at(best):
            best += direction
    skills = tried[best][1]
    log_prior = _log_prior(logits, FACTORS[best], common)
    posteriors = coin_posteriors(answers, skills, log_prior)
    count = answers.by_worker(np.ones(len(answers)))
    return Belief(posteriors, np.exp(log_prior), skills, float(count @ skills / count.sum()))


def _log_prior(logits: np.ndarray, factor: float, common: np.ndarray) -> np.ndarray:
    known = np.isfinite(logits).all(axis=1)
    log = np.where(known[:, None], factor * np.nan_to_num(logits), common)
    log = log - logsumexp(log, axis=1, keepdims=True)
    return np.asarray(np.log((1 - _MIXED) * np.exp(log) + _MIXED / logits.shape[1]))


def _fitted(answers: Answers, log_prior: np.ndarray) -> tuple[float, np.ndarray]:
    """The logarithm of the answers' likelihood, and the skills."""
    posteriors = normalised(log_prior + np.log(shares(answers.votes()) + 0.1))
    for _ in range(_STEPS):
        skills = coin_skills(answers, posteriors)
        posteriors = coin_posteriors(answers, skills, log_prior)
    skills = coin_skills(answers, posteriors)
    return likelihood(answers, skills, log_prior), skills
