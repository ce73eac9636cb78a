"""Dawid-Skene: a confusion matrix for each worker.

Dawid & Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm",
Applied Statistics 28 (1979), with 0.01 answers added to each cell.
"""

from collections.abc import Callable

import numpy as np

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.methods.fit import (
    SMALLEST,
    Fit,
    alone_is_unknown,
    alternate,
    class_shares,
    normalised,
    shares,
)

_ADDED = 0.01


def dawid_skene(answers: Answers) -> Fit:
    """Posteriors under class shares and confusion matrices that are fitted together."""
    return fit_confusions(answers, lambda counts: counts + _ADDED)


def fit_confusions(answers: Answers, smoothed: Callable[[np.ndarray], np.ndarray]) -> Fit:
    """Posteriors under confusion matrices.

    Args:
        answers: to consolidate.
        smoothed: adds what is known in advance to (W, K, K) expected counts of each worker's
            answers: [w, l, k] of label l where k is true.
    """

    def step(posteriors: np.ndarray) -> np.ndarray:
        log_prior = np.log(class_shares(posteriors))
        evidence = _evidence(answers, posteriors, smoothed)
        return normalised(log_prior + answers.of_task @ evidence)

    posteriors = alternate(shares(answers.votes()), step)
    evidence = _evidence(answers, posteriors, smoothed)
    others = normalised(np.log(np.maximum(posteriors, SMALLEST))[answers.task] - evidence)
    own = others[np.arange(len(answers)), answers.label]
    right = answers.by_worker(posteriors[answers.task, answers.label])
    skills = right / np.maximum(answers.by_worker(np.ones(len(answers))), 1)
    return Fit(posteriors, alone_is_unknown(answers, own), skills)


def _evidence(
    answers: Answers, posteriors: np.ndarray, smoothed: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """(A, K) logarithm of the probability of each answer under each true label."""
    labels = len(answers.labels)
    counts = answers.of_worker_and_label @ posteriors[answers.task]
    confusion = smoothed(counts.reshape(len(answers.workers), labels, labels))
    confusion = confusion / confusion.sum(axis=1, keepdims=True)
    return np.log(np.maximum(confusion[answers.worker, answers.label], SMALLEST))
