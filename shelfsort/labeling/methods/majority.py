"""Majority vote: every answer counts the same."""

import numpy as np

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.methods.fit import Fit, shares


def majority(answers: Answers) -> Fit:
    """The share of the votes; a worker's skill is the mean share that the own answers have."""
    return weighted_vote(answers, np.ones(len(answers.workers)))


def weighted_vote(answers: Answers, weights: np.ndarray) -> Fit:
    """The share of the votes where each worker's vote has a weight, a (W,) array of at least 0."""
    own = weights[answers.worker]
    votes = answers.votes(own)
    posteriors = shares(votes)
    rest = votes.sum(axis=1)[answers.task] - own
    agreeing = votes[answers.task, answers.label] - own
    unknown = np.full(len(answers), np.nan)
    others = np.divide(agreeing, rest, out=unknown, where=rest > 1e-9)
    return Fit(posteriors, others, mean_by_worker(answers, posteriors))


def mean_by_worker(answers: Answers, posteriors: np.ndarray) -> np.ndarray:
    """(W,) mean probability of the labels that each worker gave; 0 without answers."""
    right = answers.by_worker(posteriors[answers.task, answers.label])
    count = answers.by_worker(np.ones(len(answers)))
    return right / np.maximum(count, 1)
