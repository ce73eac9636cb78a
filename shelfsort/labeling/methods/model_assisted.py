"""Model-assisted consolidation: a model's held-out scores, times what the workers say.

The scores are the prior of a one-coin model in place of class shares: Bayes' rule as in Branson,
Van Horn & Perona, "Lean Crowdsourcing: Combining Humans and Machines in an Online System" (CVPR
2017). A model may be too sure of itself, so its logarithms are multiplied by the trust under which
the workers' answers are most likely; a trust of 0 ignores the model.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.methods.fit import Fit, alternate, class_shares, normalised, shares
from shelfsort.labeling.methods.one_coin import coin_fit, coin_posteriors, coin_skills, likelihood

TRUSTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
_MIXED = 1e-3
"""Share of equal probabilities mixed into the scores: a model is never certain."""


@dataclass(frozen=True)
class ModelAssisted:
    """A method that knows a model's scores.

    Attributes:
        scores: (T, K) probabilities from a model that did not train on the task, rows in the order
            of the answers' tasks; a row of NaN where there are none.
    """

    scores: np.ndarray

    def __call__(self, answers: Answers) -> Fit:
        """Posteriors under skills and the trust that are fitted together.

        Raises:
            ValueError: the scores have another shape than the answers.
        """
        if self.scores.shape != answers.shape:
            raise ValueError(f"scores of shape {self.scores.shape}, answers of {answers.shape}")
        votes = shares(answers.votes())
        known = np.isfinite(self.scores).all(axis=1)
        model = np.where(known[:, None], np.nan_to_num(self.scores), class_shares(votes))
        log_model = np.log((1 - _MIXED) * shares(model) + _MIXED / answers.shape[1])
        log_shares = np.log(class_shares(votes))
        fits = []
        for trust in TRUSTS:
            log_prior = np.where(known[:, None], trust * log_model, log_shares)
            log_prior = log_prior - logsumexp(log_prior, axis=1, keepdims=True)
            fits.append(_fitted(answers, log_prior))
        _, posteriors = max(fits, key=lambda fit: fit[0])
        return coin_fit(answers, posteriors, has_prior=True)


def _fitted(answers: Answers, log_prior: np.ndarray) -> tuple[float, np.ndarray]:
    """The logarithm of the answers' likelihood under a (T, K) prior, and the posteriors."""

    def step(posteriors: np.ndarray) -> np.ndarray:
        return coin_posteriors(answers, coin_skills(answers, posteriors), log_prior)

    start = normalised(log_prior + np.log(shares(answers.votes()) + 0.1))
    posteriors = alternate(start, step)
    return likelihood(answers, coin_skills(answers, posteriors), log_prior), posteriors
