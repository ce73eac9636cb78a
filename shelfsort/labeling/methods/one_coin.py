"""One-coin model: a worker is right with one probability, whatever the label.

The model of Dawid & Skene (1979) with one parameter for each worker (Zhang, Chen, Zhou & Jordan,
"Spectral Methods Meet EM", JMLR 17, 2016, section 2), fitted by expectation maximisation.
"""

import numpy as np
from scipy.special import logsumexp

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.methods.fit import (
    SMALLEST,
    Fit,
    alone_is_unknown,
    alternate,
    class_shares,
    normalised,
    shares,
    without_own,
)

_PRIOR_ANSWERS = 2.0
"""Answers that the crowd's mean skill counts for in each worker's."""


def one_coin(answers: Answers) -> Fit:
    """Posteriors under class shares and skills that are fitted together."""

    def step(posteriors: np.ndarray) -> np.ndarray:
        log_prior = np.log(class_shares(posteriors))
        return coin_posteriors(answers, coin_skills(answers, posteriors), log_prior)

    posteriors = alternate(shares(answers.votes()), step)
    return coin_fit(answers, posteriors, has_prior=False)


def coin_skills(answers: Answers, posteriors: np.ndarray) -> np.ndarray:
    """(W,) expected share of right answers, drawn towards the mean of all workers."""
    return drawn_skills(answers, posteriors[answers.task, answers.label])


def drawn_skills(answers: Answers, own: np.ndarray) -> np.ndarray:
    """(W,) as `coin_skills`, by the probability of each answer's label, (A,)."""
    mean = own.sum() / max(len(answers), 1)
    count = answers.by_worker(np.ones(len(answers)))
    return (answers.by_worker(own) + _PRIOR_ANSWERS * mean) / (count + _PRIOR_ANSWERS)


def coin_posteriors(answers: Answers, skills: np.ndarray, log_prior: np.ndarray) -> np.ndarray:
    """(T, K) posteriors by skills (W,) and the logarithm of a prior, (K,) or (T, K)."""
    right, wrong = _chances(skills, len(answers.labels))
    gain = np.log(right) - np.log(wrong)
    return normalised(log_prior + answers.votes(gain[answers.worker]))


def likelihood(answers: Answers, skills: np.ndarray, log_prior: np.ndarray) -> float:
    """Logarithm of the probability of all answers under skills (W,) and a prior (T, K)."""
    right, wrong = _chances(skills, len(answers.labels))
    gain = np.log(right) - np.log(wrong)
    rows = logsumexp(log_prior + answers.votes(gain[answers.worker]), axis=1)
    return float(rows.sum() + np.log(wrong)[answers.worker].sum())


def coin_fit(answers: Answers, posteriors: np.ndarray, *, has_prior: bool) -> Fit:
    """The fit of converged posteriors; `has_prior` where a task has evidence besides answers."""
    skills = coin_skills(answers, posteriors)
    right, wrong = _chances(skills, len(answers.labels))
    own = posteriors[answers.task, answers.label]
    others = without_own(own, right[answers.worker], wrong[answers.worker])
    return Fit(posteriors, others if has_prior else alone_is_unknown(answers, others), skills)


def _chances(skills: np.ndarray, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """(W,) probabilities of naming the true label, and of naming a certain other one."""
    right = np.clip(skills, SMALLEST, 1 - 1e-6)
    return right, (1 - right) / max(labels - 1, 1)
