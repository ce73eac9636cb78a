"""The log-linear pool."""

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from shelfsort.training.pooling import Fusion, Pool, fit_fusion, fit_pool

RNG = np.random.default_rng(3)
N, K = 4000, 3
ONES = np.ones(N // 2)


def _tower(labels: np.ndarray, signal: float, boast: float) -> np.ndarray:
    """Logits with an evidence of `signal` for the label, claimed `boast` times too strongly."""
    noise = RNG.normal(size=(N, K))
    return boast * signal * (noise + signal * np.eye(K)[labels])


def _fit(
    text: np.ndarray, image: np.ndarray, labels: np.ndarray, weights: np.ndarray, **prior: float
) -> Pool:
    return fit_pool({"text": text, "image": image}, labels, weights, **prior)


def test_each_tower_is_believed_as_far_as_it_deserves():
    labels = RNG.integers(K, size=N)
    text, image = _tower(labels, 1.5, boast=4.0), _tower(labels, 1.0, boast=1.0)
    pool = _fit(text, image, labels, np.ones(N))
    np.testing.assert_allclose(pool.exponents["text"], 1 / 4, atol=0.05)
    np.testing.assert_allclose(pool.exponents["image"], 1.0, atol=0.2)


def test_a_tower_that_is_blind_to_a_category_counts_less_there():
    labels = RNG.integers(K, size=N)
    text, image = _tower(labels, 1.0, boast=1.0), _tower(labels, 2.0, boast=1.0)
    seen_as_other = (labels == 0) & (RNG.random(N) < 0.5)
    image[seen_as_other] = _tower(np.ones(N, int), 2.0, boast=1.0)[seen_as_other]
    pool = _fit(text, image, labels, np.ones(N))
    honest = _fit(text, _tower(labels, 2.0, boast=1.0), labels, np.ones(N))
    assert pool.exponents["image"][:2].mean() < 0.7 * honest.exponents["image"][:2].mean()


def test_a_category_without_products_stays_near_the_common_exponents():
    labels = RNG.integers(K - 1, size=N)
    text, image = _tower(labels, 1.5, boast=1.0), _tower(labels, 1.5, boast=1.0)
    few = slice(0, 5)
    pool = _fit(text[few], image[few], labels[few], np.ones(5))
    assert np.ptp(pool.exponents["text"]) < 0.6


def test_a_tower_that_knows_nothing_takes_nothing_from_one_that_does():
    labels = RNG.integers(K, size=N)
    text, image = _tower(labels, 1.5, boast=1.0), 3 * RNG.normal(size=(N, K))
    few, rest = slice(0, 60), slice(60, None)
    pool = _fit(text[few], image[few], labels[few], np.ones(60))
    pooled = pool.logits({"text": text[rest], "image": image[rest]}).argmax(axis=1)
    alone = text[rest].argmax(axis=1)
    assert np.mean(pooled == labels[rest]) > np.mean(alone == labels[rest]) - 0.02


def test_for_two_categories_and_a_wide_prior_it_is_logistic_regression():
    labels = RNG.integers(2, size=N)
    text = RNG.normal(size=(N, 2)) + np.eye(2)[labels]
    image = RNG.normal(size=(N, 2)) + 0.5 * np.eye(2)[labels]
    pool = _fit(text, image, labels, np.ones(N), deviation=10.0)
    log_text, log_image = log_softmax(text, axis=1), log_softmax(image, axis=1)
    features = np.stack([log_text[:, 0], log_text[:, 1], log_image[:, 0], log_image[:, 1]], axis=1)
    reference = LogisticRegression(C=1e6, max_iter=1000).fit(features, labels)
    ours = softmax(pool.logits({"text": text, "image": image}), axis=1)[:, 1]
    np.testing.assert_allclose(ours, reference.predict_proba(features)[:, 1], atol=0.02)


def test_products_without_weight_do_not_count():
    labels = RNG.integers(K, size=N)
    text, image = _tower(labels, 1.5, boast=1.0), _tower(labels, 1.0, boast=1.0)
    wrong = np.arange(N) < N // 2
    spoilt = np.where(wrong, (labels + 1) % K, labels)
    pool = _fit(text, image, spoilt, (~wrong).astype(float))
    clean = _fit(text[~wrong], image[~wrong], labels[~wrong], np.ones((~wrong).sum()))
    np.testing.assert_allclose(pool.exponents["text"], clean.exponents["text"], atol=0.02)
    np.testing.assert_allclose(pool.exponents["image"], clean.exponents["image"], atol=0.02)


def test_nothing_to_fit_on_leaves_the_towers_as_they_are():
    empty = np.zeros((0, K))
    pool = _fit(empty, empty, np.zeros(0, int), np.zeros(0))
    assert pool.to_lists() == Pool.even(K).to_lists()


def test_pooled_logits_are_the_weighted_log_probabilities():
    text, image = np.array([[2.0, 0.0]]), np.array([[0.0, 1.0]])
    pool = Pool({"text": np.array([0.5, 1.0]), "image": np.array([2.0, 1.0])}, np.array([0.0, 3.0]))
    log_text, log_image = log_softmax(text, axis=1), log_softmax(image, axis=1)
    expected = [0.5, 1.0] * log_text + [2.0, 1.0] * log_image + [0.0, 3.0]
    np.testing.assert_allclose(pool.logits({"text": text, "image": image}), expected)


def test_a_third_tower_is_used_for_what_it_knows_and_costs_nothing_where_it_knows_nothing():
    labels = RNG.integers(K, size=N)
    fitted_on, rest = np.arange(N) < N // 2, np.arange(N) >= N // 2
    towers = {name: _tower(labels, 1.0, boast=1.0) for name in ("text", "image", "encoder")}
    blind = towers | {"encoder": RNG.normal(size=(N, K))}

    def loss(logits):
        pool = fit_pool({k: v[fitted_on] for k, v in logits.items()}, labels[fitted_on], ONES)
        pooled = pool.logits({k: v[rest] for k, v in logits.items()})
        return -log_softmax(pooled, axis=1)[np.arange(rest.sum()), labels[rest]].mean()

    two = loss({name: towers[name] for name in ("text", "image")})
    assert loss(towers) < 0.9 * two
    assert loss(blind) < two + 0.01
    assert two < min(loss({name: towers[name]}) for name in ("text", "image"))


def test_a_fusion_pools_the_towers_of_each_modality():
    labels = RNG.integers(K, size=N)
    logits = {name: _tower(labels, 1.0, boast=1.0) for name in ("text", "image", "encoder")}
    rows = {"combined": np.arange(100), "text": np.arange(200), "image": np.arange(100)}
    both = {name: logits[name] for name in ("text", "image")}
    plain = fit_fusion(both, rows, labels, np.ones(N))
    encoded = fit_fusion(logits, rows, labels, np.ones(N))
    assert {name: list(pool.exponents) for name, pool in plain.pools.items()} == {
        "combined": ["text", "image"]
    }
    assert {name: list(pool.exponents) for name, pool in encoded.pools.items()} == {
        "combined": ["text", "image", "encoder"],
        "text": ["text", "encoder"],
    }
    np.testing.assert_array_equal(plain.logits(both)["text"], logits["text"])
    np.testing.assert_array_equal(encoded.logits(logits)["image"], logits["image"])
    expected = encoded.pools["text"].logits(logits)
    np.testing.assert_array_equal(encoded.logits_in("text", logits), expected)
    again = Fusion.from_lists(encoded.to_lists())
    np.testing.assert_allclose(
        again.logits(logits)["combined"], encoded.logits(logits)["combined"], atol=1e-4
    )


def test_energies_are_those_of_the_towers_as_they_are_and_of_the_chosen_categories_alone():
    rng = np.random.default_rng(6)
    text, image = rng.normal(size=(2, 5, K))
    pool = Pool({"text": np.array([1, 2, 3]), "image": np.array([3, 1, 1])}, np.array([0, 1, 0]))
    fusion, towers = Fusion({"combined": pool}), {"text": text, "image": image}
    pooled = np.array([1, 2, 3]) * text + np.array([3, 1, 1]) * image + np.array([0, 1, 0])
    np.testing.assert_allclose(
        fusion.energies_in("combined", towers), -np.log(np.exp(pooled).sum(axis=1))
    )
    np.testing.assert_allclose(
        fusion.energies_in("image", towers), -np.log(np.exp(image).sum(axis=1))
    )
    kept = {name: each[:, [0, 2]] for name, each in towers.items()}
    np.testing.assert_allclose(
        fusion.only(np.array([0, 2])).energies_in("combined", kept),
        -np.log(np.exp(pooled[:, [0, 2]]).sum(axis=1)),
    )
