"""Batches: every product once a pass, in another order each, and terms as a sparse matrix."""

import numpy as np
import pytest

from shelfsort.training.batches import Batches, sparse_terms
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.rows import RowFile

N = 10


@pytest.fixture
def products() -> Products:
    features = np.zeros(N, feature_type(3, 2, 4))
    features["price_bucket"] = np.arange(N)
    features["word_ids"][:, 0] = 7
    features["word_weights"][:, 0] = 0.5
    features["piece_ids"][4] = [2, 3]
    features["piece_weights"][4] = [0.6, 0.8]
    stored = RowFile(features.dtype)
    stored.append(features)
    return Products(
        product_ids=ProductIds(np.array([f"é{n}".encode() for n in range(N)])),
        features=stored,
        word_terms=1,
        piece_terms=2,
        has_text=np.arange(N) % 2 == 0,
        has_image=np.arange(N) != 3,
        labels=np.arange(N, dtype=np.int32) * 10,
        label_weights=np.ones(N, np.float32),
        groups=np.arange(N) // 4,
        evidence=np.ones(N, bool),
    )


def test_every_product_comes_once_a_pass_and_in_another_order_each():
    batches = Batches(np.arange(N), 4, 2, seed=1)
    found = list(batches)
    assert [len(batch) for batch in found] == [4, 4, 2, 4, 4, 2]
    assert (len(batches), batches.a_pass) == (6, 3)
    first, second = (np.concatenate(found[part : part + 3]).tolist() for part in (0, 3))
    assert sorted(first) == sorted(second) == list(range(N))
    assert first != second


def test_one_seed_gives_one_order_and_only_the_rows_asked_for():
    rows = np.array([8, 2, 5])
    first, again = ([b.tolist() for b in Batches(rows, 2, 3, seed=4)] for _ in range(2))
    assert first == again
    assert {n for batch in first for n in batch} == {2, 5, 8}
    assert rows.tolist() == [8, 2, 5]


def test_terms_are_entries_of_a_sparse_matrix_and_no_term_is_no_entry(products):
    places, ids, weights = sparse_terms(products, np.array([4, 0]), (0, 100, 200))
    # Product 4 has a word, two pieces and a price; product 0 has a word alone.
    assert places.tolist() == [0, 0, 0, 0, 1]
    assert ids.tolist() == [7, 102, 103, 204, 7]
    np.testing.assert_allclose(weights, [0.5, 0.6, 0.8, 1, 0.5])
    assert (places.dtype, ids.dtype, weights.dtype) == (np.int32, np.int32, np.float32)
