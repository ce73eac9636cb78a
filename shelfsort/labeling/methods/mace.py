"""MACE: a worker either knows the label or answers by a habit of his own.

Hovy, Berg-Kirkpatrick, Vaswani & Hovy, "Learning Whom to Trust with MACE", NAACL 2013: labels are
equally likely, a worker knows with probability t and else answers label l with probability h(l).
Fitted by the variational Bayes of the paper with its priors, Beta(0.5, 0.5) and Dirichlet(10 / K),
started from the votes instead of at random.
"""

import numpy as np
from scipy.special import digamma

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.methods.fit import (
    SMALLEST,
    Fit,
    alone_is_unknown,
    alternate,
    normalised,
    shares,
    without_own,
)

_KNOWS, _HABIT = 0.5, 10.0


def mace(answers: Answers) -> Fit:
    """Posteriors under knowledge and habits that are fitted together; the skill is P(knows)."""
    knows = np.full(len(answers), 0.5)

    def step(posteriors: np.ndarray) -> np.ndarray:
        nonlocal knows
        knows_log, habit_log = _parameters(answers, posteriors, knows)
        right = np.logaddexp(knows_log, habit_log)
        knows = np.exp(knows_log - right)
        gain = right - habit_log
        return normalised(answers.votes(gain))

    posteriors = alternate(shares(answers.votes()), step)
    knows_log, habit_log = _parameters(answers, posteriors, knows)
    own = posteriors[answers.task, answers.label]
    right = np.exp(np.logaddexp(knows_log, habit_log))
    others = without_own(own, right, np.exp(habit_log))
    known = answers.by_worker(own * knows)
    count = answers.by_worker(np.ones(len(answers)))
    skills = (known + _KNOWS) / (count + 2 * _KNOWS)
    return Fit(posteriors, alone_is_unknown(answers, others), skills)


def _parameters(
    answers: Answers, posteriors: np.ndarray, knows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(A,) logarithms of P(knows) and P(does not know and answers this by habit).

    Args:
        posteriors: (T, K).
        knows: (A,) probability that the worker knew, if the answer is right.
    """
    known = posteriors[answers.task, answers.label] * knows
    did = answers.by_worker(known)
    guessed = answers.by_worker_and_label(1 - known)
    count = guessed.sum(axis=1)
    total = digamma(did + count + 2 * _KNOWS)
    log_knows, log_guesses = digamma(did + _KNOWS) - total, digamma(count + _KNOWS) - total
    prior = _HABIT / len(answers.labels)
    habit = digamma(guessed + prior) - digamma(count + _HABIT)[:, None]
    log_habit = log_guesses[answers.worker] + habit[answers.worker, answers.label]
    return log_knows[answers.worker], np.maximum(log_habit, np.log(SMALLEST))
