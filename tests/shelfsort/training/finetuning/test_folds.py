"""No answer that thresholds rest on comes from a backbone that saw the product or a variant."""

import numpy as np
import pytest

from shelfsort.training.finetuning.folds import tune_folds
from shelfsort.training.fitting import VocabularySizes, cross_fit
from shelfsort.training.settings import FitConfig, ImageConfig, TrainingConfig
from shelfsort.training.unknown import fit_unknown
from tests.fixtures.tuning import CATEGORIES, Shop, products, shop_pictures, tiny_backbone

pytestmark = pytest.mark.slow

N = 48
CONFIG = TrainingConfig(image=ImageConfig(units=4), fit=FitConfig(epochs=5, folds=2))
SIZES = VocabularySizes(words=1, pieces=1, price_buckets=1, categories=CATEGORIES)


def variants() -> np.ndarray:
    """Every two neighbours are variants of one product."""
    return np.arange(N) // 2 * 1_000_003


def embedded_folds(shop: Shop) -> dict[int, np.ndarray]:
    train = products(shop.labels, shop.embedded(tiny_backbone()), variants())
    tuner = shop.tuner(layers="last_blocks", epochs=3)
    return folds_of(train, lambda rows: tuner.tune(rows).backbone, shop.embedded)


def folds_of(train, tune, embedded):
    pretrained = train.features["embeddings"]
    return tune_folds(train, train.has_leaf, CONFIG, tune, embedded, pretrained)


def test_a_fold_is_tuned_without_its_products_and_their_variants():
    shop, seen = Shop.of(N), []
    train = products(shop.labels, shop.embedded(tiny_backbone()), variants())
    folds = train.group_folds(2, CONFIG.fit.seed)

    def tune(rows):
        seen.append(rows)
        return tiny_backbone()

    found = folds_of(train, tune, lambda _: np.full((N, 2), len(seen)))
    assert sorted(found) == [0, 1]
    for fold, rows in enumerate(seen):
        assert sorted(rows) == np.flatnonzero(folds != fold).tolist()
        assert not set(train.groups[rows]) & set(train.groups[folds == fold])
        assert (found[fold] == fold + 1).all()


def test_labels_and_pictures_of_a_fold_have_no_part_in_its_own_embeddings():
    shop = Shop.of(N)
    folds = products(shop.labels, np.zeros((N, 1)), variants()).group_folds(2, CONFIG.fit.seed)
    own = np.flatnonzero(folds == 0)
    labels, pictures = shop.labels.copy(), list(shop.pictures)
    labels[own] = (labels[own] + 1) % CATEGORIES
    for row, picture in zip(own, shop_pictures(labels[own], seed=9), strict=True):
        pictures[row] = picture
    before, after = embedded_folds(shop), embedded_folds(Shop(labels, pictures))
    others = np.flatnonzero(folds != 0)
    assert np.abs(before[0] - shop.embedded(tiny_backbone())).max() > 1e-3
    np.testing.assert_array_equal(before[0][others], after[0][others])
    assert np.abs(before[1][others] - after[1][others]).max() > 0


def test_held_out_answers_rest_on_the_embeddings_of_their_own_fold():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CATEGORIES, 300)
    telling = 4 * np.eye(CATEGORIES, 6, dtype=np.float32)[labels]
    silent = rng.random((300, 6)).astype(np.float32)
    leaking = products(labels, telling).embedded(telling, {0: silent, 1: silent})
    crossed = cross_fit(leaking, SIZES, CONFIG, np.ones(300, np.float32))
    right = crossed.held_out["image"][np.arange(300)].argmax(axis=1) == labels
    assert right.mean() < 0.5
    plain = cross_fit(products(labels, telling), SIZES, CONFIG, np.ones(300, np.float32))
    assert (plain.held_out["image"][np.arange(300)].argmax(axis=1) == labels).mean() > 0.95


def test_unknown_scores_rest_on_the_embeddings_of_their_own_fold():
    from shelfsort.training.evidence import Scored
    from shelfsort.training.pooling import Fusion

    rng = np.random.default_rng(0)
    labels = rng.integers(0, CATEGORIES, 200)
    close = np.eye(CATEGORIES, 80, dtype=np.float32)[labels] + rng.normal(0, 0.002, (200, 80))
    folds = np.arange(200) % 2
    logits = np.eye(CATEGORIES, dtype=np.float32)[labels] * 3
    # In fold 0 one product stands far off, for the backbone that never saw it.
    far = close.copy()
    far[0] = np.arange(80) == 79

    def scores(by_fold):
        train = products(labels, close).embedded(close, by_fold)
        even = Fusion.even(CATEGORIES)
        held_out = {"text": logits, "image": logits}
        return fit_unknown(Scored(train, held_out, folds, {0: even, 1: even})).scores["image"]

    assert scores({0: close, 1: close})[0] < 0.95
    assert scores({0: far, 1: close})[0] > 0.98


def test_pictures_labelled_with_an_inner_category_tune_nothing():
    shop, seen = Shop.of(N), []
    labels = np.where(np.arange(N) % 4 == 0, -1, shop.labels)
    train = products(labels, shop.embedded(tiny_backbone()), variants())

    def tune(rows):
        seen.extend(rows)
        return tiny_backbone()

    folds_of(train, tune, lambda _: np.zeros((N, 2)))
    assert sorted(seen) == np.flatnonzero(labels >= 0).tolist()
