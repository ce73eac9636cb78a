"""Products labelled with inner categories: what they teach, and what they have no part in."""

import dataclasses

import numpy as np
import pytest

from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.evidence import Scored, by_modality
from shelfsort.training.fitting import VocabularySizes, cross_fit, sample_weights
from shelfsort.training.inner_labels import InnerLabels
from shelfsort.training.label_noise import find_label_errors, label_trust
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.settings import FitConfig, ImageConfig, TextConfig, TrainingConfig
from shelfsort.training.tuning.groups import part
from shelfsort.training.tuning.trial import judge
from tests.fixtures.training import NODES

LABELS = LabelSpace(("boots", "clogs", "hats", "mugs"), Taxonomy.from_nodes(NODES))
WIDTH = 8


def products(labels, named, embeddings=None, **changes) -> Products:
    """Products that have pictures alone; `named` are the inner categories, "" for none."""
    n, inner = len(labels), InnerLabels.of(np.array([n.encode() for n in named], "S"), LABELS)
    features = np.zeros(n, feature_type(1, 1, WIDTH))
    if embeddings is not None:
        features["embeddings"] = embeddings
    given = {
        "product_ids": ProductIds(np.array([f"p{row}" for row in range(n)], "S")),
        "features": features,
        "word_terms": 1,
        "piece_terms": 1,
        "has_text": np.zeros(n, bool),
        "has_image": np.ones(n, bool),
        "labels": np.array(labels, np.int32),
        "label_weights": np.ones(n, np.float32),
        "groups": np.arange(n),
        "evidence": np.array([not name for name in named]),
        "inner": inner,
    }
    return Products(**given | changes)


def test_an_inner_category_leaves_open_the_leaves_below_it():
    inner = InnerLabels.of(np.array([b"", b"wear", b"shoes", b"wear"]), LABELS)
    assert inner.nodes.tolist() == [-1, 1, 0, 1]
    assert inner.below.tolist() == [[True, True, False, False], [True, True, True, False]]
    assert inner[np.array([3, 0])].nodes.tolist() == [1, -1]


@pytest.mark.parametrize("named", [[b"", b""], [b"none", b""]])
def test_without_an_inner_category_that_the_tree_has_there_are_none(named):
    assert InnerLabels.of(np.array(named), LABELS) is None


def test_a_category_without_a_leaf_of_the_model_below_teaches_nothing():
    apart = LabelSpace(("hats", "mugs"), LABELS.taxonomy)
    inner = InnerLabels.of(np.array([b"shoes", b"wear", b""]), apart)
    assert inner.nodes.tolist() == [-1, 0, -1]
    train = products([-1, -1, 1], ["shoes", "wear", ""], inner=inner)
    assert train.teaches.tolist() == [False, True, True]


def test_targets_number_inner_categories_after_the_leaves():
    train = products([2, -1, -1, 3], ["", "wear", "shoes", ""])
    assert train.targets(np.array([3, 2, 1, 0])).tolist() == [3, 4, 5, 2]
    assert train.has_leaf.tolist() == [True, False, False, True]


def test_an_inner_category_weighs_as_a_category_of_the_mean_size_below_it():
    train = products([0, 0, 0, 1, -1, 3], ["", "", "", "", "shoes", ""])
    config = TrainingConfig(fit=FitConfig(class_weight_power=1.0))
    weights = sample_weights(train, 4, config, np.ones(6, np.float32))
    # Boots have three products and clogs one: two on average.
    expected = np.array([1 / 3, 1 / 3, 1 / 3, 1, 1 / 2, 1])
    np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-6)


def test_products_that_teach_nothing_have_no_part_in_the_mean_weight():
    train = products([0, 1, -1], ["", "", ""], label_weights=np.array([1, 3, 50], np.float32))
    weights = sample_weights(train, 4, TrainingConfig(), np.ones(3, np.float32))
    assert weights[:2].tolist() == [0.5, 1.5]


def noisy(n=300):
    """Products whose logits know the truth; every third is labelled with the department alone."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, n)
    open_ = (np.arange(n) % 3 == 0) & (truth < 2)
    train = products(
        np.where(open_, -1, truth), np.where(open_, "shoes", ""), has_text=np.ones(n, bool)
    )
    logits = rng.normal(0, 0.5, (n, 4)).astype(np.float32)
    logits[np.arange(n), truth] += 6
    return train, {"text": logits, "image": logits + 0.1}, rng.integers(0, 3, n), truth


def test_they_are_never_suspects():
    train, logits, folds, truth = noisy()
    labels = train.labels.copy()
    wrong = np.flatnonzero(train.has_leaf)[:8]
    labels[wrong] = (truth[wrong] + 1) % 4
    train = dataclasses.replace(train, labels=labels)
    suspects = find_label_errors(train, logits, Fusion.even(4), folds, LABELS.categories)
    found = [int(each.product_id[1:]) for each in suspects]
    assert len(found) > 4
    assert set(found) <= set(wrong)
    assert set(np.flatnonzero(label_trust(train, suspects, "drop") < 1)) == set(found)


def test_they_are_no_evidence():
    train, logits, folds, _ = noisy()
    fusions = dict.fromkeys(range(3), Fusion.even(4))
    for evidence in by_modality(Scored(train, logits, folds, fusions)).values():
        assert (evidence.labels >= 0).all()
        assert len(evidence.rows) == train.has_leaf.sum()


def test_a_part_of_the_products_keeps_its_inner_categories():
    train = products([2, -1, -1, 3], ["", "wear", "shoes", ""])
    taken = part(train, np.array([1, 3]))
    assert taken.targets(np.arange(2)).tolist() == [5, 3]


CONFIG = TrainingConfig(
    image=ImageConfig(units=8),
    text=TextConfig(units=4),
    fit=FitConfig(epochs=20, batch_size=16, learning_rate=1e-2, folds=2),
)
SIZES = VocabularySizes(words=1, pieces=1, price_buckets=1, categories=4)


def drawn(n, seed):
    """Noisy pictures of the four categories, of which the first two and the last two look alike."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, n)
    centres = np.random.default_rng(7).normal(size=(4, WIDTH))
    centres[[1, 3]] = centres[[0, 2]] + 0.3 * centres[[1, 3]]
    return truth, np.abs(centres[truth] + rng.normal(0, 1.2, (n, WIDTH))).astype(np.float32)


@pytest.mark.slow
def test_few_labels_of_leaves_and_many_of_departments_find_the_department():
    from shelfsort.training.fitting import fit_all, tower_logits

    truth, embeddings = drawn(400, 0)
    inner = np.arange(400) > 16
    below = np.array([[True, True, False, False], [False, False, True, True]])
    nodes = np.where(inner, truth // 2, -1).astype(np.int32)
    labels = np.where(inner, -1, truth)
    taught = products(labels, [""] * 400, embeddings, inner=InnerLabels(nodes, below))
    alone = dataclasses.replace(part(taught, np.flatnonzero(~inner)), inner=None)
    unseen, pictures = drawn(2000, 1)
    test = products(unseen, [""] * 2000, pictures)
    right = []
    for train in (alone, taught):
        towers = fit_all(train, SIZES, CONFIG, np.ones(len(train), np.float32))
        answers = tower_logits(towers, test)["image"][np.arange(2000)].argmax(axis=1)
        right.append(float((answers // 2 == unseen // 2).mean()))
    assert right[1] > right[0] + 0.05


@pytest.mark.slow
def test_their_answers_prove_nothing_in_a_cross_fit():
    truth, embeddings = drawn(120, 0)
    inner = (np.arange(120) % 2 == 0) & (truth < 2)
    train = products(np.where(inner, -1, truth), np.where(inner, "shoes", ""), embeddings)
    crossed = cross_fit(train, SIZES, CONFIG, np.ones(120, np.float32))
    assert crossed.held_out["image"][np.flatnonzero(inner)].any(axis=1).all()
    answers = judge(train, crossed, LABELS, CONFIG, 0.95)
    assert len(answers.groups) == train.has_leaf.sum()
    assert not set(answers.groups) & set(train.groups[inner])
