"""Distances to training products, cross-fitted unknown scores, and the rates at which they help."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from shelfsort.contract.modalities import ALONE, MODALITIES
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.evidence import Evidence, Scored
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.spaces import NEIGHBOURS, CrossedSpaces, Space
from shelfsort.training.unknown import (
    Neighbourhood,
    crossed_spaces,
    fit_unknown,
    reference_rows,
    text_features,
)
from shelfsort.training.unknown_graph import UnknownScores
from shelfsort.training.unknown_rates import unknown_rates

TREE = Taxonomy.from_nodes(
    [
        {"id": "main", "name": "Main", "subcategories": ["wear", "home"]},
        {"id": "wear", "name": "Wear", "subcategories": ["boots", "clogs"], "parent": "main"},
        {"id": "home", "name": "Home", "subcategories": ["mugs"], "parent": "main"},
        {"id": "boots", "name": "Boots", "subcategories": [], "parent": "wear"},
        {"id": "clogs", "name": "Clogs", "subcategories": [], "parent": "wear"},
        {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "home"},
    ]
)
LABELS = LabelSpace(["boots", "clogs", "mugs"], TREE)
DIRECTIONS = np.array([[4, 4, 0.2, 0], [4, 4, 0.4, 0], [0, 0, 0, 4]], np.float32)


def sample(n: int = 300, seed: int = 0) -> Products:
    """Three categories: boots and clogs look nearly alike, mugs are elsewhere."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    features = np.zeros(n, feature_type(2, 1, 4))
    features["embeddings"] = DIRECTIONS[labels] + rng.normal(0, 0.3, (n, 4))
    features["word_ids"] = np.stack([1 + labels, 10 + rng.integers(0, 5, n)], axis=1)
    features["word_weights"] = np.sqrt(0.5)
    return Products(
        product_ids=ProductIds(np.arange(n).astype("S")),
        features=features,
        word_terms=2,
        piece_terms=1,
        has_text=np.ones(n, bool),
        has_image=np.ones(n, bool),
        labels=labels.astype(np.int32),
        label_weights=np.ones(n, np.float32),
        groups=np.arange(n),
        evidence=np.ones(n, bool),
    )


def cross_fitted(products: Products) -> Scored:
    logits = 4.0 * np.eye(3, dtype=np.float32)[products.labels]
    logits[:, 0] += np.linspace(0, 0.1, len(products))
    folds = np.arange(len(products)) // 3 % 2
    return Scored(products, {"text": logits, "image": logits}, folds, dict.fromkeys((0, 1), EVEN))


EVEN = Fusion.even(3)


def test_distances_are_those_of_an_independent_search():
    rng = np.random.default_rng(1)
    references, points = rng.normal(size=(200, 6)), rng.normal(size=(40, 6))
    space = Space(np.zeros(6, np.float32), np.eye(6, dtype=np.float32))
    found = Neighbourhood(space, references).distance(tf.constant(points, tf.float32)).numpy()
    nearest = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(references).kneighbors(points)[0]
    np.testing.assert_allclose(found, (nearest**2).mean(axis=1), rtol=1e-4)


def test_a_space_keeps_the_directions_of_a_principal_component_analysis():
    features = np.random.default_rng(2).normal(size=(500, 80)) * np.linspace(3, 0.1, 80)
    reduced = Space.of(features).reduced(features)
    expected = PCA(64, svd_solver="full").fit_transform(features)
    np.testing.assert_allclose(np.abs(reduced), np.abs(expected), atol=1e-3)


def test_hashed_texts_keep_what_two_texts_have_in_common():
    rng = np.random.default_rng(5)
    ids = rng.integers(1, 40_000, (60, 100))
    ids[30:, :50] = ids[:30, :50]
    weights = np.full(ids.shape, 0.1, np.float32)
    none = {"piece_ids": np.zeros((60, 1)), "piece_weights": np.zeros((60, 1), np.float32)}
    found = text_features({"word_ids": ids, "word_weights": weights, **none}).numpy()
    similar = (found[:30] * found[30:]).sum(axis=1)
    alike = (found**2).sum(axis=1)
    assert (similar.mean(), alike.mean()) == (
        pytest.approx(0.25, abs=0.03),
        pytest.approx(0.5, abs=0.03),
    )


def test_every_category_is_among_the_references():
    labels = np.array([0] * 900 + [1] * 90 + [2] * 10)
    chosen = reference_rows(labels, np.arange(1000), 60)
    assert np.bincount(labels[chosen]).tolist() == [25, 25, 10]
    assert len(reference_rows(np.arange(100), np.arange(100), 7)) == 7
    assert reference_rows(labels, np.arange(5), 60).tolist() == [0, 1, 2, 3, 4]


def test_cross_fitted_scores_raise_the_stated_false_alarms_and_the_graph_gives_the_same():
    train, later = sample(), sample(seed=9)
    fitted = fit_unknown(cross_fitted(train))
    for modality in MODALITIES:
        assert (fitted.scores[modality] > 0.9).mean() == pytest.approx(0.1, abs=0.04)
    apart = dataclasses.replace(cross_fitted(later), unknown={})
    scores = fitted.check.scores(apart)
    graph = UnknownScores(fitted.check)
    inputs = {k: tf.constant(v) for k, v in later.tower_inputs(np.arange(len(later))).items()}
    for place, modality in enumerate(MODALITIES):
        logits = tf.constant(apart.logits["text"])
        logits = tf.nn.log_softmax(logits) * (2 if modality == "combined" else 1)
        served = graph.scores(graph.distances(inputs), logits, tf.fill([len(later)], place))
        np.testing.assert_allclose(served.numpy(), scores[modality], atol=2e-3)


def test_a_product_unlike_all_others_is_unknown_in_every_modality():
    train = sample()
    check = fit_unknown(cross_fitted(train)).check
    strange = sample(3)
    strange.features["embeddings"] = [[-4, 4, -4, 0], [0, -4, 4, 0], [0, 0, -4, -4]]
    strange.features["word_ids"] = [[20, 21], [22, 23], [24, 25]]
    scores = check.scores(cross_fitted(strange))
    assert {modality: each.min() for modality, each in scores.items()} == dict.fromkeys(
        MODALITIES, pytest.approx(1, abs=1e-6)
    )


def test_left_out_departments_are_noticed_and_a_category_like_its_sibling_is_not():
    train = cross_fitted(sample(600))
    shoes = np.flatnonzero(train.products.labels < 2)
    train.logits["image"][shoes, 1 - train.products.labels[shoes]] = 3.9
    rates = unknown_rates(train, LABELS, 0.05)["image"]
    departments = {each.node: each.detected for each in rates.departments}
    leaves = {each.node: each.detected for each in rates.leaves}
    assert departments == {"wear": 1.0, "home": 1.0}
    assert leaves["mugs"] == 1.0
    assert leaves["boots"] < 0.5
    assert rates.of_leaves == pytest.approx(np.mean(list(leaves.values())))


def test_known_products_without_any_other_to_compare_with_do_not_count_as_near():
    # All of home are variants of one product: with wear left out, nothing is left to compare with.
    train = cross_fitted(sample(600))
    groups = np.where(train.products.labels == 2, 600, np.arange(600))
    apart = dataclasses.replace(train, products=dataclasses.replace(train.products, groups=groups))
    departments = {
        each.node: each.detected for each in unknown_rates(apart, LABELS, 0.05)["image"].departments
    }
    assert departments == {"wear": 0.0, "home": 1.0}


def test_as_many_later_products_are_withheld_as_stated_though_the_products_are_few():
    """In a space of their own choice the known products are farther apart than later ones are."""

    n, width = 80, 200

    def drawn(rows: int, seed: int) -> Products:
        rng, products = np.random.default_rng(seed), sample(rows)
        features = np.zeros(rows, feature_type(2, 1, width))
        features["embeddings"] = rng.normal(size=(rows, width))
        return dataclasses.replace(products, features=features)

    withheld = []
    for seed in range(3):
        check = fit_unknown(cross_fitted(drawn(n, seed))).check
        later = cross_fitted(drawn(400, 100 + seed))
        withheld.append((check.scores(later)["image"] > 0.9).mean())
    assert np.mean(withheld) == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize(("n", "width"), [(90, 300), (300, 90)])
def test_crossed_spaces_are_those_of_the_other_parts_and_know_no_variant(n, width):
    rng = np.random.default_rng(7)
    features = rng.normal(size=(n, width)) * np.linspace(3, 0.1, width)
    groups, rows = rng.integers(0, n // 2, n), np.arange(n)
    seen = []
    for places, apart, references in CrossedSpaces(lambda r: features[r], groups, rows).apart(rows):
        assert not set(groups[places]) & set(groups[references])
        seen += places.tolist()
        if len(seen) > n // 5:
            continue
        analysis = PCA(min(64, n // 2), svd_solver="full").fit(features[references])
        points, others = (analysis.transform(features[r]) for r in (places, references))
        nearest = NearestNeighbors(n_neighbors=3).fit(others).kneighbors(points)[0]
        np.testing.assert_allclose(np.sqrt(np.sort(apart, axis=1)[:, :3]), nearest, rtol=2e-3)
    assert sorted(seen) == list(range(n))


def test_where_each_fold_has_a_backbone_of_its_own_all_it_embeds_is_compared_alone():
    rng, rows = np.random.default_rng(8), np.arange(120)
    tuned = {fold: rng.normal(size=(120, 30)) for fold in (0, 1, 2)}
    train = dataclasses.replace(sample(120), fold_embeddings=tuned)
    folds = rng.integers(0, 3, 120)
    held_out = dataclasses.replace(cross_fitted(train), folds=folds)
    seen = []
    for places, apart, references in crossed_spaces(held_out, "image", rows).apart(rows):
        (fold,) = set(folds[places])
        assert set(references) == set(np.flatnonzero(folds != fold))
        vectors = np.sign(tuned[fold]) * np.sqrt(np.abs(tuned[fold]))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        analysis = PCA(30, svd_solver="full").fit(vectors[references])
        points, others = (analysis.transform(vectors[r]) for r in (places, references))
        expected = NearestNeighbors(n_neighbors=3).fit(others).kneighbors(points)[0]
        np.testing.assert_allclose(np.sqrt(np.sort(apart, axis=1)[:, :3]), expected, rtol=1e-2)
        seen += places.tolist()
    assert sorted(seen) == rows.tolist()


def test_a_space_of_equal_products_has_one_direction():
    space = Space.of(np.ones((5, 8), np.float32))
    assert space.basis.shape == (8, 1)
    assert np.abs(space.reduced(np.ones((2, 8)))).max() == 0


def test_products_of_a_few_equal_kinds_are_not_unknown_to_the_served_graph():
    train = sample(200)
    train.features[:] = train.features[:3][train.labels]
    logits = 4.0 * np.eye(3, dtype=np.float32)[train.labels]
    held_out = dataclasses.replace(cross_fitted(train), logits=dict.fromkeys(ALONE, logits))
    fitted = fit_unknown(held_out)
    graph = UnknownScores(fitted.check)
    rows = np.arange(len(train))
    distances = graph.distances({k: tf.constant(v) for k, v in train.tower_inputs(rows).items()})
    for place, modality in enumerate(MODALITIES):
        sure = tf.constant(Evidence(held_out, rows, modality).logits(rows), tf.float32)
        served = graph.scores(distances, sure, tf.fill([len(train)], place)).numpy()
        assert (served > 0.95).mean() <= 0.06
        assert (fitted.scores[modality] > 0.95).mean() <= 0.06
