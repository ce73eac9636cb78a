"""Wawa, "worker agreement with aggregate": a vote weighted by agreement with the majority.

As in crowd-kit (Ustalov, Pavlichenko & Tseitlin, "Learning from Crowds with Crowd-Kit", JOSS 9(96),
2024).
"""

import numpy as np

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.methods.fit import Fit, shares
from shelfsort.labeling.methods.majority import weighted_vote


def wawa(answers: Answers) -> Fit:
    """Each vote weighs its worker's share of answers that equal the majority's.

    A tie counts in equal parts for the labels that share it.
    """
    votes = answers.votes()
    winners = shares((votes == votes.max(axis=1, keepdims=True)).astype(float))
    agreeing = answers.by_worker(winners[answers.task, answers.label])
    skills = agreeing / np.maximum(answers.by_worker(np.ones(len(answers))), 1)
    fit = weighted_vote(answers, skills)
    return Fit(fit.posteriors, fit.others, skills)
