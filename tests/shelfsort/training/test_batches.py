"""Batches from disk: every product once a pass, in another order each, and blind towers unpaid."""

import numpy as np
import pytest

from shelfsort.training.batches import Batches
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.rows import RowFile

N = 10


@pytest.fixture
def products() -> Products:
    features = np.zeros(N, feature_type(3, 2, 4))
    features["price_bucket"] = np.arange(N)
    features["word_ids"][:, 0] = 7
    stored = RowFile(features.dtype)
    stored.append(features)
    return Products(
        product_ids=ProductIds(np.array([f"é{n}".encode() for n in range(N)])),
        features=stored,
        word_terms=1,
        piece_terms=1,
        has_text=np.arange(N) % 2 == 0,
        has_image=np.arange(N) != 3,
        labels=np.arange(N, dtype=np.int32) * 10,
        label_weights=np.ones(N, np.float32),
        groups=np.arange(N) // 4,
    )


def order(batches: Batches) -> list[int]:
    return [int(n) for i in range(len(batches)) for n in batches[i][0]["price_bucket"]]


def test_every_product_comes_once_a_pass_and_in_another_order_each(products):
    batches = Batches(products, np.ones(N, np.float32), np.arange(N), 4, shuffled_by=1)
    first = order(batches)
    batches.on_epoch_end()
    second = order(batches)
    assert sorted(first) == sorted(second) == list(range(N))
    assert first != second
    again = Batches(products, np.ones(N, np.float32), np.arange(N), 4, shuffled_by=1)
    assert order(again) == first


def test_only_the_rows_asked_for_come_and_in_their_order_without_a_seed(products):
    rows = np.array([8, 2, 5])
    assert order(Batches(products, np.ones(N, np.float32), rows, 2)) == [8, 2, 5]
    assert rows.tolist() == [8, 2, 5]


def test_labels_and_weights_belong_to_their_products_and_a_blind_tower_learns_nothing(products):
    weights = np.arange(N, dtype=np.float32) + 1
    inputs, labels, given = Batches(products, weights, np.arange(N), N)[0]
    assert labels["text"].tolist() == labels["image"].tolist() == [10 * n for n in range(N)]
    assert given["text"].tolist() == [n + 1 if n % 2 == 0 else 0 for n in range(N)]
    assert given["image"].tolist() == [n + 1 if n != 3 else 0 for n in range(N)]
    assert inputs["word_ids"].shape == (N, 1)
    assert inputs["embeddings"].shape == (N, 4)


def test_ids_come_back_as_text_one_by_one_and_by_rows(products):
    assert products.product_ids[3] == "é3"
    assert list(products.product_ids[np.array([9, 1])]) == ["é9", "é1"]


def test_variants_of_one_product_share_a_fold(products):
    folds = [products.group_folds(3, seed) for seed in range(20)]
    for fold in folds:
        assert len(set(fold[:4])) == len(set(fold[4:8])) == len(set(fold[8:])) == 1
    assert len({tuple(fold) for fold in folds}) > 1
