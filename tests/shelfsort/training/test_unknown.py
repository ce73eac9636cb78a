"""Measures of how strange products look, and their cross-fitted unknown scores."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from shelfsort.contract.modalities import ALONE, MODALITIES
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.evidence import Scored, modality_rows
from shelfsort.training.pooling import Fusion
from shelfsort.training.unknown import chosen_rows, fit_unknown
from shelfsort.training.unknown_graph import UnknownScores

WIDTH = 100
EVEN = Fusion.even(3)


def sample(n: int = 300, seed: int = 0) -> Products:
    """Three categories, each with a direction of images."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    features = np.zeros(n, feature_type(1, 1, WIDTH))
    features["embeddings"] = 4 * np.eye(3, WIDTH)[labels] + rng.normal(0, 0.02, (n, WIDTH))
    return Products(
        product_ids=ProductIds(np.arange(n).astype("S")),
        features=features,
        word_terms=1,
        piece_terms=1,
        has_text=np.ones(n, bool),
        has_image=np.ones(n, bool),
        labels=labels.astype(np.int32),
        label_weights=np.ones(n, np.float32),
        groups=np.arange(n),
        evidence=np.ones(n, bool),
    )


def cross_fitted(products: Products, seed: int = 0) -> Scored:
    rng = np.random.default_rng(seed + 50)
    own = np.eye(3, dtype=np.float32)[products.labels]
    logits = {name: 4 * own + rng.normal(0, 0.5, own.shape).astype(np.float32) for name in ALONE}
    folds = np.arange(len(products)) // 3 % 2
    return Scored(products, logits, folds, dict.fromkeys((0, 1), EVEN))


def measured(graph: UnknownScores, scored: Scored) -> tf.Tensor:
    towers = {name: tf.constant(each, tf.float32) for name, each in scored.logits.items()}
    sure = {name: tf.nn.log_softmax(each) for name, each in towers.items()}
    weighed, logits = (
        {"combined": each["text"] + each["image"], **each} for each in (towers, sure)
    )
    return graph.measures(weighed, logits, tf.constant(scored.products.features["embeddings"]))


def test_every_category_has_a_part_in_the_space():
    labels = np.array([0] * 900 + [1] * 90 + [2] * 10)
    chosen = chosen_rows(labels, np.arange(1000), 60)
    assert np.bincount(labels[chosen]).tolist() == [25, 25, 10]
    assert len(chosen_rows(np.arange(100), np.arange(100), 7)) == 7
    assert chosen_rows(labels, np.arange(5), 60).tolist() == [0, 1, 2, 3, 4]


def test_cross_fitted_scores_raise_the_stated_false_alarms_and_the_graph_gives_the_same():
    fitted = fit_unknown(cross_fitted(sample()))
    for modality in MODALITIES:
        assert (fitted.scores[modality] > 0.9).mean() == pytest.approx(0.1, abs=0.04)
    later = cross_fitted(sample(seed=9), seed=9)
    scores = fitted.check.scores(later)
    graph = UnknownScores(fitted.check)
    rows = np.arange(len(later.products))
    for place, modality in enumerate(MODALITIES):
        assert (scores[modality] > 0.9).mean() == pytest.approx(0.1, abs=0.06)
        served = graph.scores(measured(graph, later), tf.fill([len(rows)], place))
        np.testing.assert_allclose(served.numpy(), scores[modality], atol=2e-3)


def test_sure_answers_of_low_logits_are_unknown_where_there_are_words():
    fitted = fit_unknown(cross_fitted(sample()))
    usual, strange = cross_fitted(sample(3)), cross_fitted(sample(3))
    for logits in strange.logits.values():
        logits -= 4
    before, after = fitted.check.scores(usual), fitted.check.scores(strange)
    for modality in ("combined", "text"):
        assert after[modality].min() > 0.99 > before[modality].min()
    np.testing.assert_allclose(after["image"], before["image"], atol=1e-3)


def test_an_unsure_answer_is_unknown_where_there_is_nothing_but_the_image():
    fitted = fit_unknown(cross_fitted(sample()))
    unsure = cross_fitted(sample(3))
    unsure.logits["image"][:] = [4, 4, 0]
    assert fitted.check.scores(unsure)["image"].min() > 0.99


def test_a_strange_image_is_unknown_where_there_is_nothing_but_the_image():
    fitted = fit_unknown(cross_fitted(sample()))
    strange = cross_fitted(sample(3))
    strange.products.features["embeddings"] = 4 * np.eye(3, WIDTH, k=50)
    scores = fitted.check.scores(strange)
    assert scores["image"].min() > 0.99
    for modality in ("combined", "text"):
        usual = fitted.check.scores(cross_fitted(sample(3)))[modality]
        assert scores[modality].tolist() == usual.tolist()


def test_what_does_not_answer_in_a_modality_has_no_score_in_it():
    products = dataclasses.replace(
        sample(), has_text=np.arange(300) % 3 > 0, has_image=np.arange(300) % 4 > 0
    )
    products.features["embeddings"][~products.has_image] = 0
    fitted = fit_unknown(cross_fitted(products))
    for modality, rows in modality_rows(products).items():
        assert set(np.flatnonzero(fitted.scores[modality])) <= set(rows.tolist())
        assert (fitted.scores[modality][rows] > 0.9).mean() == pytest.approx(0.1, abs=0.05)


def test_nothing_is_unknown_beside_products_without_images():
    words = dataclasses.replace(sample(), has_image=np.zeros(300, bool))
    words.features["embeddings"] = 0
    fitted = fit_unknown(cross_fitted(words))
    later = fitted.check.scores(cross_fitted(sample(seed=4)))
    assert later["image"].max() == later["combined"].max() == 0


def test_as_many_later_products_are_withheld_as_stated_though_the_products_are_few():
    """In a space of their own choice the known products are nearer than later ones are."""

    n, width = 80, 200

    def drawn(rows: int, seed: int) -> Scored:
        rng, products = np.random.default_rng(seed), sample(rows)
        features = np.zeros(rows, feature_type(1, 1, width))
        features["embeddings"] = rng.normal(size=(rows, width))
        return cross_fitted(dataclasses.replace(products, features=features), seed)

    withheld = []
    for seed in range(3):
        check = fit_unknown(drawn(n, seed)).check
        withheld.append((check.scores(drawn(400, 100 + seed))["image"] > 0.9).mean())
    assert np.mean(withheld) == pytest.approx(0.1, abs=0.04)


def test_products_of_a_few_equal_kinds_are_not_unknown_to_the_served_graph():
    train = sample(200)
    train.features[:] = train.features[:3][train.labels]
    logits = 4.0 * np.eye(3, dtype=np.float32)[train.labels]
    held_out = dataclasses.replace(cross_fitted(train), logits=dict.fromkeys(ALONE, logits))
    fitted = fit_unknown(held_out)
    graph = UnknownScores(fitted.check)
    rows = np.arange(len(train))
    for place, modality in enumerate(MODALITIES):
        served = graph.scores(measured(graph, held_out), tf.fill([len(rows)], place)).numpy()
        assert (served > 0.95).mean() <= 0.06
        assert (fitted.scores[modality] > 0.95).mean() <= 0.06
