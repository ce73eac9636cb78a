"""What to ask next, and what each product's label is so far.

A share of the catalogue, in an order that only its ids decide, is set aside: a strategy never picks
these products, they are drawn in that order. So those drawn are a random sample of the whole
catalogue at any time. People alone label them, so they may calibrate and evaluate; and they prove
what the model may label. All other products are asked about where an answer gains most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.asking.belief import AnsweredLabels, Belief, fit_skills
from shelfsort.labeling.asking.pac import Cut, whole_set_cut
from shelfsort.labeling.chance import chance_order
from shelfsort.labeling.methods.fit import class_shares, shares
from shelfsort.labeling.methods.one_coin import coin_posteriors
from shelfsort.products.product import ASSISTED, MACHINE, PEOPLE

RANDOM, GAIN, DOUBT, UNSURE_MODEL = "random", "expected-gain", "doubt", "unsure-model"
OPEN = ""
"""The source of a label that is not decided yet."""


@dataclass(frozen=True)
class Rules:
    """When a label is good enough.

    Attributes:
        target: accuracy of the whole labelled set, in (0, 1).
        confidence: with which the machine's labels keep to their share of the errors, in (0, 1).
        enough: posterior at which no further person is asked, in (0, 1).
        most: answers that a product gets at most.
        random_share: share of a batch's answers that goes to products drawn at random.
        reserve: share of the catalogue that is set aside for them.
        first: answers that such a product gets at once.
    """

    target: float = 0.98
    confidence: float = 0.95
    enough: float = 0.9
    most: int = 3
    random_share: float = 0.2
    reserve: float = 0.25
    first: int = 2


@dataclass(frozen=True)
class Labelling:
    """N products, as far as they are labelled.

    Attributes:
        answers: its tasks are the N products, with or without answers.
        asked: (N,) number of answers, "cannot tell" included.
        drawn: (N,) bool, whether chance chose the product.
        order: rows of the products that are set aside, in the order in which they are drawn.
    """

    answers: Answers
    asked: np.ndarray
    drawn: np.ndarray
    order: np.ndarray

    @property
    def waiting(self) -> np.ndarray:
        """Rows of the products that are set aside and not asked about yet, the next first."""
        return self.order[self.asked[self.order] == 0]


@dataclass(frozen=True)
class Labels:
    """The label of each product so far.

    Attributes:
        label: (N,) place of the most probable label.
        probability: (N,) of it.
        source: (N,) `PEOPLE`, `ASSISTED`, `MACHINE` or `OPEN`.
        cut: which labels of the model count.
        gain: (N,) expected number of right labels that one more answer adds.
    """

    label: np.ndarray
    probability: np.ndarray
    source: np.ndarray
    cut: Cut
    gain: np.ndarray

    @property
    def accuracy(self) -> float:
        """Expected share of right labels, in the whole set."""
        return float(self.probability.mean())


@dataclass(frozen=True)
class Batch:
    """What to ask next.

    Attributes:
        rows: (B,) products, the most urgent first.
        answers: (B,) number of answers to ask for.
        reasons: (B,) `RANDOM`, `GAIN`, `DOUBT` or `UNSURE_MODEL`.
        last: whether nothing is open once these are answered, unless an answer raises a doubt.
    """

    rows: np.ndarray
    answers: np.ndarray
    reasons: np.ndarray
    last: bool


def set_aside(ids: Sequence[str], share: float) -> np.ndarray:
    """Rows of a share of the products, in an order that only their ids decide."""
    return np.array(chance_order(ids)[: max(round(share * len(ids)), 1)], np.int64)


def labels_so_far(state: Labelling, belief: Belief, rules: Rules) -> Labels:
    """The labels that answers and model give.

    Args:
        state: with at least one answer.
        belief: of its answers.
        rules: of the labelling.
    """
    label, probability = most_probable(belief.posteriors)
    gain = expected_gain(belief.posteriors, belief.skill)
    answered = np.bincount(state.answers.task, minlength=len(label)) > 0
    drawn = np.flatnonzero(state.drawn & answered)
    model_label, model_probability = most_probable(belief.model)
    wrong = model_label[drawn] != label[drawn]
    if len(drawn):
        label[drawn], probability[drawn] = most_probable(_people_alone(state.answers, drawn))
    source = np.where(answered, np.where(state.drawn, PEOPLE, ASSISTED), OPEN).astype(object)
    people_wrong = float((1 - probability[answered]).sum()) / len(label)
    error = 1 - rules.target - people_wrong
    cut = whole_set_cut(model_probability[drawn], wrong, error, rules.confidence)
    source[~answered & (model_probability >= cut.least)] = MACHINE
    return Labels(label, probability, source, cut, gain)


def next_batch(state: Labelling, labels: Labels, rules: Rules, answers: int) -> Batch:
    """What to ask next.

    Args:
        state, labels, rules: of the labelling.
        answers: to ask for, at least 1; the last batch may have fewer.
    """
    doubted = _doubted(state, labels, rules)
    open_rows = np.flatnonzero((labels.source == OPEN) & (state.asked == 0))
    last = len(open_rows) + len(doubted) <= answers
    if last:
        parts = [(doubted, 1, DOUBT), (open_rows, 1, UNSURE_MODEL)]
        return _batch(parts, labels.gain, last)
    again = doubted[state.drawn[doubted]][:answers]
    left = answers - len(again)
    drawn = state.waiting[: int(left * rules.random_share / rules.first)]
    left -= len(drawn) * rules.first
    free = np.ones(len(state.asked), bool)
    free[state.drawn | (state.asked >= rules.most)] = False
    free[state.waiting] = False
    rows = np.flatnonzero(free)
    # Among products that an answer hardly moves, the least sure one is next.
    picked = rows[np.lexsort((labels.probability[rows], -labels.gain[rows].round(9)))][:left]
    seen = state.asked[picked] > 0
    parts = [
        (drawn, rules.first, RANDOM),
        (again, 1, DOUBT),
        (picked[seen], 1, DOUBT),
        (picked[~seen], 1, GAIN),
    ]
    return _batch(parts, labels.gain, last)


def first_batch(state: Labelling, rules: Rules, answers: int) -> Batch:
    """Products drawn at random, as there is no answer yet."""
    rows = state.waiting[: max(answers // rules.first, 1)]
    return _batch([(rows, rules.first, RANDOM)], np.zeros(len(state.asked)), False)


def expected_gain(posteriors: np.ndarray, skill: float) -> np.ndarray:
    """(N,) expected rise of the probability of the best label by one more answer.

    An answer that is right with probability `skill`, and else names any other label, moves the best
    label where it is another one with enough support: the value of information.
    """
    wrong = (1 - skill) / max(posteriors.shape[1] - 1, 1)
    best = posteriors.max(axis=1)
    after = np.maximum(posteriors * skill, best[:, None] * wrong).sum(axis=1)
    return np.asarray(np.maximum(after - best, 0.0))


def _people_alone(answers: Answers, rows: np.ndarray) -> np.ndarray:
    """(R, K) posteriors of some products by their own answers and nothing else."""
    place = np.full(len(answers.tasks), -1)
    place[rows] = np.arange(len(rows))
    inside = place[answers.task] >= 0
    names = tuple(answers.tasks[row] for row in rows)
    own = Answers(
        names,
        answers.workers,
        answers.labels,
        place[answers.task[inside]],
        answers.worker[inside],
        answers.label[inside],
    )
    common = class_shares(shares(own.votes()))
    _, skills = fit_skills(AnsweredLabels.among(own), common[own.label])
    return coin_posteriors(own, skills, np.log(common))


def _doubted(state: Labelling, labels: Labels, rules: Rules) -> np.ndarray:
    """Rows that have answers and need another one, the largest gain first."""
    asked = (state.asked > 0) & (state.asked < rules.most)
    rows = np.flatnonzero(asked & ((labels.probability < rules.enough) | (labels.source == OPEN)))
    return rows[np.argsort(-labels.gain[rows], kind="stable")]


def most_probable(posteriors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) places of the most probable labels of (N, K) posteriors, and their probabilities."""
    return posteriors.argmax(axis=1), posteriors.max(axis=1)


def _batch(parts: Sequence[tuple[np.ndarray, int, str]], gain: np.ndarray, last: bool) -> Batch:
    rows = np.concatenate([rows for rows, _, _ in parts]).astype(np.int64)
    answers = np.concatenate([np.full(len(rows), n) for rows, n, _ in parts])
    reasons = np.concatenate([np.full(len(rows), name, object) for rows, _, name in parts])
    return Batch(rows, answers, reasons, last)
