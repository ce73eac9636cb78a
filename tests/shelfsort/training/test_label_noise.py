"""Suspected label errors in training: who is judged, and what becomes of a suspect's weight."""

import dataclasses

import numpy as np
import pytest

from shelfsort.labeling.label_issues import Suspect
from shelfsort.stats.temperature import softmax
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.label_noise import HeldOutProbabilities, find_label_errors, label_trust
from shelfsort.training.pooling import Fusion
from tests.fixtures.training import CATEGORIES

NAMES = list(CATEGORIES)


def _products(labels: np.ndarray, has_text: np.ndarray, has_image: np.ndarray) -> Products:
    n = len(labels)
    return Products(
        product_ids=ProductIds(np.array([f"p{row}" for row in range(n)], "S")),
        features=np.zeros(n, feature_type(1, 1, 8)),
        word_terms=1,
        piece_terms=1,
        has_text=has_text,
        has_image=has_image,
        labels=labels.astype(np.int32),
        label_weights=np.ones(n, np.float32),
        groups=np.arange(n),
        evidence=np.ones(n, bool),
    )


def _split(n: int = 400, wrong: int = 20, seed: int = 0):
    """Products of which the first `wrong` carry the next category; logits that know better."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, n)
    labels = truth.copy()
    labels[:wrong] = (labels[:wrong] + 1) % 4
    logits = rng.normal(0, 0.5, (n, 4)).astype(np.float32)
    logits[np.arange(n), truth] += 6
    held_out = {"text": logits, "image": logits + rng.normal(0, 0.5, (n, 4)).astype(np.float32)}
    everything = np.ones(n, bool)
    return _products(labels, everything, everything), held_out, rng.integers(0, 3, n)


def test_wrong_labels_are_found_in_cross_fitted_scores():
    train, held_out, folds = _split()
    suspects = find_label_errors(train, held_out, Fusion.even(4), folds, NAMES)
    found = {suspect.product_id for suspect in suspects}
    assert len(found) >= 15
    assert found <= {f"p{row}" for row in range(20)}


def test_a_category_that_the_scoring_towers_never_saw_is_not_accused():
    train, held_out, folds = _split(wrong=0)
    held_out = {name: logits.copy() for name, logits in held_out.items()}
    lonely = train.labels == 3
    for logits in held_out.values():
        logits[lonely, 3] = -20
        logits[lonely, 0] = 6
    assert find_label_errors(train, held_out, Fusion.even(4), folds, NAMES)
    folds[lonely] = 0  # one title fills the category, so one fold holds all of it
    assert find_label_errors(train, held_out, Fusion.even(4), folds, NAMES) == []


def test_a_product_is_judged_by_what_it_has():
    labels = np.arange(300) % 4
    has_text, has_image = np.arange(300) % 3 != 0, np.arange(300) % 3 != 1
    train = _products(labels, has_text, has_image)
    sure, misled = np.eye(4, dtype=np.float32)[labels] * 8, np.eye(4, dtype=np.float32)[labels - 1]
    held_out = {
        "text": np.where(has_text[:, None], sure, misled),
        "image": np.where(has_image[:, None], sure, misled),
    }
    probabilities = HeldOutProbabilities(train, held_out, Fusion.even(4))[np.arange(300)]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == labels).all()


def test_a_product_with_nothing_is_no_suspect():
    train, held_out, folds = _split(wrong=4)
    blank = np.arange(400) < 2
    train = dataclasses.replace(train, has_text=~blank, has_image=~blank)
    suspects = find_label_errors(train, held_out, Fusion.even(4), folds, NAMES)
    assert {suspect.product_id for suspect in suspects} == {"p2", "p3"}


@pytest.mark.parametrize(
    ("choice", "weight"), [("keep", 1.0), ("downweight", 0.125), ("drop", 0.0)]
)
def test_a_suspect_is_trusted_as_configured(choice, weight):
    train, _, _ = _split()
    trust = label_trust(train, [Suspect("p5", "boots", "hats", 0.125)], choice)
    assert trust[5] == weight
    assert (np.delete(trust, 5) == 1).all()


def test_a_category_of_suspects_keeps_half_of_its_products():
    train, _, _ = _split()
    of_hats = np.flatnonzero(train.labels == 2)
    suspects = [Suspect(f"p{row}", "hats", "mugs", 0.001 * i) for i, row in enumerate(of_hats)]
    trust = label_trust(train, suspects, "drop")
    dropped = len(of_hats) // 2
    assert (trust[of_hats[:dropped]] == 0).all()
    assert (trust[of_hats[dropped:]] == 1).all()


@pytest.mark.slow
def test_a_run_leaves_its_suspects_beside_the_held_out_scores(training):
    from components.trainer.artifact import read_suspects

    suspects = list(read_suspects(training.model_run))
    for each in suspects:
        assert each.label != each.likely
        assert {each.label, each.likely} <= set(NAMES)
    assert len(suspects) < 16


def _pictures_with_wrong_labels(n: int = 320, wrong: int = 24) -> Products:
    """Pictures whose embeddings tell their category; the first `wrong` carry the next one."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, n)
    labels = truth.copy()
    labels[:wrong] = (labels[:wrong] + 1) % 4
    train = _products(labels, np.zeros(n, bool), np.ones(n, bool))
    noise = rng.normal(0, 0.15, (n, 8)).astype(np.float32)
    train.features["embeddings"] = np.eye(8, dtype=np.float32)[truth] + noise
    return train


@pytest.mark.slow
def test_towers_that_drop_suspects_believe_wrong_labels_less():
    from shelfsort.training.fitting import VocabularySizes, fit, tower_logits
    from shelfsort.training.settings import (
        FitConfig,
        ImageConfig,
        LabelIssuesConfig,
        TextConfig,
        TrainingConfig,
    )

    train = _pictures_with_wrong_labels()
    config = TrainingConfig(
        image=ImageConfig(units=32),
        text=TextConfig(units=2),
        fit=FitConfig(epochs=12, folds=2, batch_size=16, learning_rate=0.01),
    )
    believed = {}
    for choice in ("keep", "drop"):
        chosen = dataclasses.replace(config, label_issues=LabelIssuesConfig(choice))
        fitted = fit(train, VocabularySizes(1, 1, 1, 4), chosen, NAMES)
        found = {suspect.product_id for suspect in fitted.suspects}
        right = found & {f"p{row}" for row in range(24)}
        assert len(right) >= 12
        assert len(right) > 0.8 * len(found)
        logits = tower_logits(fitted.towers, train)["image"][np.arange(24)]
        believed[choice] = softmax(logits)[np.arange(24), train.labels[:24]].mean()
    assert believed["drop"] < 0.8 * believed["keep"]
