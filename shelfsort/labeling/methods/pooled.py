"""Dawid-Skene with partial pooling: each worker's confusion matrix is drawn towards the crowd's.

The idea of hierarchical Dawid-Skene, which was the most robust of six models on nine sets (Paun,
Carpenter, Chamberlain, Hovy, Kruschwitz & Poesio, "Comparing Bayesian Models of Annotation", TACL
6, 2018), fitted by expectation maximisation instead of sampling: a worker without many answers is
taken to err as the crowd does, as often as the worker's own skill says.
"""

import numpy as np
from scipy.special import expit, logit

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.methods.dawid_skene import fit_confusions
from shelfsort.labeling.methods.fit import Fit

STRENGTH = 4.0
"""Answers for each true label that the expected matrix counts for in a worker's own."""
_EASE_ANSWERS = 4.0
_SKILL_ANSWERS = 2.0
_SPREAD_ANSWERS = 1.0


def pooled(answers: Answers, strength: float = STRENGTH) -> Fit:
    """Posteriors under class shares and partially pooled confusion matrices.

    Args:
        answers: to consolidate.
        strength: answers for each true label that the expected matrix counts for, above 0.
    """
    return fit_confusions(answers, lambda counts: counts + strength * _expected(counts))


def _expected(counts: np.ndarray) -> np.ndarray:
    """(W, K, K) matrices by each worker's skill and the crowd's errors, columns add up to 1."""
    labels = counts.shape[1]
    crowd = counts.sum(axis=0)
    mean = np.clip(np.trace(crowd) / max(crowd.sum(), 1e-9), 0.01, 0.99)
    diagonal = np.einsum("wkk->wk", counts)
    right, answers = diagonal.sum(axis=1), counts.sum(axis=(1, 2))
    skill = (right + _SKILL_ANSWERS * mean) / (answers + _SKILL_ANSWERS)
    easy = (np.diagonal(crowd) + _EASE_ANSWERS * mean) / (crowd.sum(axis=0) + _EASE_ANSWERS)
    own = expit(logit(np.clip(skill, 0.01, 0.99))[:, None] + logit(easy) - logit(mean))
    wrong = crowd + _SPREAD_ANSWERS / max(labels - 1, 1)
    np.fill_diagonal(wrong, 0)
    wrong = wrong / np.maximum(wrong.sum(axis=0), 1e-12)
    expected = wrong[None] * (1 - own)[:, None, :]
    at = np.arange(labels)
    expected[:, at, at] = own
    return expected
