import numpy as np
import pytest

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.asking.belief import Belief, believe, refit
from shelfsort.labeling.asking.pac import Cut
from shelfsort.labeling.asking.plan import (
    DOUBT,
    GAIN,
    OPEN,
    RANDOM,
    Labelling,
    Labels,
    Rules,
    expected_gain,
    first_batch,
    labels_so_far,
    next_batch,
    set_aside,
)
from shelfsort.labeling.asking.text_model import CrossFittedRidge
from shelfsort.products.product import ASSISTED, MACHINE, PEOPLE

N, K, WORKERS = 600, 5, 8
SKILL = 0.85


class Shop:
    """A catalogue whose features tell most categories, and workers who are mostly right."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.truth = rng.integers(0, K, N)
        features = np.eye(K)[self.truth] + rng.normal(scale=0.35, size=(N, K))
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        self.ridge = CrossFittedRidge(features.astype(np.float32), np.arange(N) % 5)
        self.worker = np.stack([rng.permutation(WORKERS)[:3] for _ in range(N)])
        wrong = (self.truth[:, None] + rng.integers(1, K, (N, 3))) % K
        self.label = np.where(rng.random((N, 3)) < SKILL, self.truth[:, None], wrong)
        self.order = set_aside([str(row) for row in range(N)], 0.5)

    def state(self, count, drawn):
        some = np.arange(3) < count[:, None]
        answers = Answers(
            tuple(map(str, range(N))),
            tuple(f"w{n}" for n in range(WORKERS)),
            tuple("abcde"),
            np.nonzero(some)[0],
            self.worker[some],
            self.label[some],
        )
        return Labelling(answers, count, drawn, self.order)


@pytest.fixture(scope="module")
def shop():
    return Shop()


RULES = Rules(target=0.93, reserve=0.5)


def replayed(shop, rules):
    """Every batch until nothing is asked, with the state and the labels after the last."""
    count, drawn = np.zeros(N, int), np.zeros(N, bool)
    batch, batches = first_batch(shop.state(count, drawn), rules, 300), []
    while len(batch.rows):
        batches.append((batch, count.copy()))
        drawn[batch.rows[batch.reasons == RANDOM]] = True
        count[batch.rows] += batch.answers
        state = shop.state(count, drawn)
        labels = labels_so_far(state, refit(state.answers, shop.ridge), rules)
        batch = next_batch(state, labels, rules, 60)
    return batches, state, labels


def test_products_set_aside_depend_on_their_ids_alone():
    ids = [f"p{n}" for n in range(100)]
    chosen = [ids[row] for row in set_aside(ids, 0.2)]
    backwards = ids[::-1]
    assert [backwards[row] for row in set_aside(backwards, 0.2)] == chosen
    assert len(chosen) == 20
    assert chosen[:10] == [ids[row] for row in set_aside(ids, 0.1)]


def test_a_replay_reaches_its_target_with_fewer_answers(shop):
    batches, state, labels = replayed(shop, RULES)
    assert np.mean(labels.label == shop.truth) >= RULES.target
    assert state.asked.sum() < 0.6 * 3 * N
    assert set(labels.source) == {PEOPLE, ASSISTED, MACHINE}
    assert batches[-1][0].last
    assert labels.accuracy == pytest.approx(np.mean(labels.label == shop.truth), abs=0.03)


def test_only_chance_picks_products_that_are_set_aside(shop):
    batches, state, _ = replayed(shop, RULES)
    for batch, before in batches:
        if batch.last:
            continue
        new = batch.rows[(before[batch.rows] == 0) & (batch.reasons != RANDOM)]
        assert not set(new) & set(shop.order)
    drawn = np.flatnonzero(state.drawn)
    assert set(drawn) == set(shop.order[: len(drawn)])


def test_a_share_of_each_batch_is_random_and_the_rest_goes_where_it_gains_most(shop):
    batch = replayed(shop, RULES)[0][1][0]
    assert (batch.reasons == RANDOM).sum() == int((60 - (batch.reasons == DOUBT).sum()) * 0.2 / 2)
    assert (batch.reasons == GAIN).any()
    assert batch.answers.sum() <= 60


def test_nobody_is_asked_more_often_than_allowed(shop):
    _, state, _ = replayed(shop, RULES)
    assert state.asked.max() <= RULES.most


def test_people_alone_label_what_chance_drew():
    """Two people say b, and a sure model a: the posterior is a's, the label is theirs."""
    state = Labelling(
        Answers(("p", "q"), ("v", "w"), ("a", "b"), *np.array([[0, 0], [0, 1], [1, 1]])),
        np.array([2, 0]),
        np.array([True, False]),
        np.array([0]),
    )
    sure = np.array([[0.999, 0.001], [0.999, 0.001]])
    labels = labels_so_far(state, Belief(sure, sure, np.array([0.6, 0.6]), 0.6), Rules())
    assert labels.label.tolist() == [1, 0]
    assert labels.source.tolist() == [PEOPLE, OPEN]


def test_the_gain_of_an_answer_is_the_value_of_information():
    posteriors = np.array([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]])
    # With skill .8: .5 → .8; .9 * .8 > .1 * .2 and .1 * .8 < .9 * .2, so nothing changes.
    np.testing.assert_allclose(expected_gain(posteriors, 0.8), [0.3, 0, 0], atol=1e-12)
    np.testing.assert_allclose(expected_gain(posteriors[1:2], 0.95), [0.05], atol=1e-12)


def test_a_product_that_nobody_can_tell_is_asked_about_again():
    labels = Labels(
        np.zeros(2, int),
        np.full(2, 0.95),
        np.array([OPEN, MACHINE], object),
        Cut(0, 9, 0, 0.0),
        np.zeros(2),
    )
    none = np.zeros(0, int)
    answers = Answers(("p", "q"), ("w",), ("a",), none, none, none)
    state = Labelling(answers, np.array([1, 0]), np.zeros(2, bool), none)
    batch = next_batch(state, labels, Rules(), 5)
    assert (batch.rows.tolist(), batch.reasons.tolist(), batch.last) == ([0], [DOUBT], True)


def test_a_useless_model_does_not_count(shop):
    count, drawn = np.full(N, 3), np.zeros(N, bool)
    answers = shop.state(count, drawn).answers
    noise = np.random.default_rng(1).normal(scale=4, size=(N, K))
    helped, alone = believe(answers, noise), believe(answers, np.zeros((N, K)))
    np.testing.assert_allclose(helped.posteriors, alone.posteriors, atol=1e-9)
    assert helped.skill == pytest.approx(SKILL, abs=0.02)
