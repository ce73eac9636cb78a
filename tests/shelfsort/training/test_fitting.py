"""Fits of the towers on a few products whose words and images tell their category."""

from dataclasses import replace

import numpy as np
import pytest

from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.settings import FitConfig, ImageConfig, TextConfig, TrainingConfig

pytestmark = pytest.mark.slow

N, IMAGE = 60, 6
CONFIG = TrainingConfig(
    image=ImageConfig(units=4),
    text=TextConfig(units=5),
    fit=FitConfig(epochs=40, batch_size=16, learning_rate=2e-2, folds=2),
)


@pytest.fixture(scope="module")
def fitting():
    from shelfsort.training import fitting

    return fitting


@pytest.fixture(scope="module")
def products() -> Products:
    """Three categories; word k + 1, pieces k + 1 and 4, and a bright spot at k say which."""
    rng = np.random.default_rng(0)
    labels = np.arange(N, dtype=np.int32) % 3
    features = np.zeros(N, feature_type(1, 2, IMAGE))
    features["word_ids"][:, 0] = labels + 1
    features["word_weights"][:, 0] = 1
    features["piece_ids"] = np.stack([labels + 1, np.full(N, 4)], axis=1)
    features["piece_weights"] = np.sqrt(0.5)
    features["price_bucket"] = labels
    features["embeddings"] = rng.random((N, IMAGE)) + 3 * np.eye(3, IMAGE)[labels]
    return Products(
        product_ids=ProductIds(np.array([f"{n}".encode() for n in range(N)])),
        features=features,
        word_terms=1,
        piece_terms=2,
        has_text=np.ones(N, bool),
        has_image=np.ones(N, bool),
        labels=labels,
        label_weights=np.ones(N, np.float32),
        groups=np.arange(N),
        evidence=np.ones(N, bool),
    )


def sizes(fitting):
    return fitting.VocabularySizes(words=5, pieces=4, price_buckets=3, categories=3)


def fitted(fitting, products, config=CONFIG, **options):
    return fitting.fit_all(products, sizes(fitting), config, np.ones(N, np.float32), **options)


def accuracy(logits, labels) -> float:
    return float((logits[np.arange(len(labels))].argmax(axis=1) == labels).mean())


def test_both_towers_learn_and_held_out_products_are_answered(fitting, products):
    crossed = fitting.cross_fit(products, sizes(fitting), CONFIG, np.ones(N, np.float32))
    towers = fitted(fitting, products)
    for logits in (crossed.held_out, fitting.tower_logits(towers, products)):
        assert accuracy(logits["text"], products.labels) == 1
        assert accuracy(logits["image"], products.labels) > 0.9


@pytest.fixture(scope="module")
def encoded(products) -> Products:
    """The same with embeddings of the texts, the greatest number at k."""
    plain = products.features
    features = np.zeros(N, feature_type(1, 2, IMAGE, 5))
    for name in plain.dtype.names:
        features[name] = plain[name]
    rng = np.random.default_rng(1)
    features["text_embeddings"] = rng.random((N, 5)) + 2 * np.eye(3, 5)[products.labels]
    return replace(products, features=features)


def test_an_encoder_has_a_tower_of_its_own_in_the_pool(fitting, products, encoded):
    crossed = fitting.cross_fit(encoded, sizes(fitting), CONFIG, np.ones(N, np.float32))
    logits = fitting.tower_logits(fitted(fitting, encoded), encoded)
    for found in (crossed.held_out, logits):
        assert accuracy(found["encoder"], products.labels) > 0.9
    assert list(crossed.fusion.pools["text"].exponents) == ["text", "encoder"]
    assert list(crossed.fusion.pools["combined"].exponents) == ["text", "image", "encoder"]
    assert sorted(crossed.fusions) == [0, 1]


def test_names_of_categories_are_compared_with_texts_and_learn_nothing(fitting, encoded):
    named = replace(encoded, category_embeddings=np.eye(3, 5, dtype=np.float32))
    config = replace(CONFIG, fit=replace(CONFIG.fit, epochs=2))
    crossed = fitting.cross_fit(named, sizes(fitting), config, np.ones(N, np.float32))
    everything, texts = np.arange(N), named.features["text_embeddings"]
    final = fitting.tower_logits(fitted(fitting, named, config), named)["names"][everything]
    np.testing.assert_allclose(final, 15 * texts[:, :3], rtol=1e-5)
    np.testing.assert_allclose(crossed.held_out["names"][everything], final, rtol=1e-5)
    parts = list(crossed.fusion.pools["combined"].exponents)
    assert parts == ["text", "image", "encoder", "names"]


def test_one_seed_gives_one_fit_and_another_seed_another(fitting, products, tmp_path):
    def weights(seed):
        config = replace(CONFIG, fit=replace(CONFIG.fit, seed=seed, epochs=2))
        towers = fitted(fitting, products, config, log_dir=tmp_path)
        return [variable.numpy() for variable in towers.variables]

    first, again, other = weights(1), weights(1), weights(2)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(first, other, strict=True))
    assert list(tmp_path.glob("events*"))


def test_steps_of_an_earlier_fit_fit_as_fresh_ones(fitting, products):
    from shelfsort.training.steps import CompiledSteps

    used, sized = CompiledSteps(CONFIG, IMAGE), fitting.VocabularySizes(9, 7, 3, 4)
    fitting.fit_all(products, sized, CONFIG, np.ones(N, np.float32), used)
    again = fitting.fit_all(products, sizes(fitting), CONFIG, np.ones(N, np.float32), used)
    for one, other in zip(again.variables, fitted(fitting, products).variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_term_that_no_product_had_says_nothing(fitting, products):
    table = fitted(fitting, products).get_layer("word_bag").table.embeddings.numpy()
    assert table[[1, 2, 3]].any(axis=1).all()
    assert not table[[0, 4, 5]].any()


def test_a_tower_without_products_is_left_alone(fitting, products):
    blind = replace(products, has_image=np.zeros(N, bool))
    first, second = (
        fitted(fitting, blind, replace(CONFIG, fit=f))
        for f in (replace(CONFIG.fit, epochs=1), replace(CONFIG.fit, epochs=2))
    )
    for name, same in (("image_relu", True), ("text", False)):
        kernels = [towers.get_layer(name).kernel.numpy() for towers in (first, second)]
        assert np.array_equal(*kernels) == same


@pytest.mark.parametrize("name", ["text", "image"])
def test_steps_without_a_rate_leave_the_answers_as_they_were(fitting, products, name):
    towers = fitted(fitting, products)
    before = fitting.tower_logits(towers, products)[name][np.arange(N)]
    still = replace(CONFIG.fit, learning_rate=1e-12, epochs=1)
    fitting._fit_once(
        towers, products, np.ones(N, np.float32), replace(CONFIG, fit=still), None, seed=1
    )
    after = fitting.tower_logits(towers, products)[name][np.arange(N)]
    np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("products", "size"), [(5, 16), (740, 30), (6_000, 250), (90_000, 256)])
def test_few_products_are_cut_into_smaller_batches(fitting, products, size):
    assert fitting._batch_size(products, 256) == size
    assert fitting._batch_size(products, 8) == 8


@pytest.mark.parametrize(("products", "passes"), [(5, 20), (1_500, 13), (2_000, 10), (90_000, 10)])
def test_few_products_are_seen_more_often(fitting, products, passes):
    assert fitting.passes(products, 10) == passes


def test_products_of_unlikely_choice_weigh_more_where_that_is_set(fitting, products):
    chosen = np.where(np.arange(N) < N // 2, 0.25, 1).astype(np.float32)
    given = replace(products, selection_probabilities=chosen)
    trust = np.ones(N, np.float32)
    plain = fitting.sample_weights(products, 3, CONFIG, trust)
    np.testing.assert_array_equal(fitting.sample_weights(given, 3, CONFIG, trust), plain)
    weighing = replace(CONFIG, fit=replace(CONFIG.fit, max_selection_weight=3.0))
    weights = fitting.sample_weights(given, 3, weighing, trust)
    np.testing.assert_allclose(weights, np.where(chosen < 1, 1.5, 0.5), rtol=1e-6)
