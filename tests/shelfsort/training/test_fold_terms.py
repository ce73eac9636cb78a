"""What a fit without some products knows of their words."""

import numpy as np
import pytest

from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.fold_terms import with_terms_of

SEEN = np.arange(4)


def of(words, pieces) -> Products:
    """Products with these ids of words and of pieces, each as heavy as the next."""
    features = np.zeros(len(words), feature_type(3, 2, 1))
    for kind, ids in (("word", words), ("piece", pieces)):
        for row, own in enumerate(ids):
            features[f"{kind}_ids"][row, : len(own)] = own
            features[f"{kind}_weights"][row, : len(own)] = np.sqrt(1 / max(1, len(own)))
    n = len(words)
    return Products(
        product_ids=ProductIds(np.arange(n).astype("S")),
        features=features,
        word_terms=3,
        piece_terms=2,
        has_text=np.array([bool(own) for own in words]),
        has_image=np.zeros(n, bool),
        labels=np.zeros(n, np.int32),
        label_weights=np.ones(n, np.float32),
        groups=np.arange(n),
        evidence=np.ones(n, bool),
    )


@pytest.fixture
def products() -> Products:
    """Products 0 to 3 were seen: word 1 in three of them, word 2 in two, word 3 in one."""
    words = [[1, 2], [1, 2, 3], [1], [], [1, 3, 2], [3, 4, 9]]
    pieces = [[1], [1], [], [], [1, 2], [1]]
    return of(words, pieces)


def test_terms_of_fewer_than_two_seen_products_are_no_terms(products):
    read = with_terms_of(products, SEEN).tower_inputs(np.arange(6))
    assert read["word_ids"].tolist() == [
        [1, 2, 0],
        [1, 2, 0],
        [1, 0, 0],
        [0, 0, 0],
        [1, 0, 2],
        [0, 0, 0],
    ]
    assert read["piece_ids"].tolist() == [[1, 0], [1, 0], [0, 0], [0, 0], [1, 0], [1, 0]]


def test_weights_of_the_others_have_unit_length(products):
    read = with_terms_of(products, SEEN).tower_inputs(np.arange(6))
    half = 0.5**0.5
    np.testing.assert_allclose(
        read["word_weights"],
        [[half, half, 0], [half, half, 0], [1, 0, 0], [0, 0, 0], [half, 0, half], [0, 0, 0]],
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        read["piece_weights"], [[1, 0], [1, 0], [0, 0], [0, 0], [1, 0], [1, 0]], rtol=1e-6
    )


def test_words_that_only_an_unseen_product_has_change_nothing():
    seen = [[1, 2], [1, 2], [1, 2], [1, 2]]
    plain, rare = (of([*seen, last], [[1]] * 5) for last in ([1, 2], [1, 2, 3]))
    read = [with_terms_of(each, SEEN).tower_inputs(np.array([4])) for each in (plain, rare)]
    for name in read[0]:
        np.testing.assert_allclose(read[0][name], read[1][name], rtol=1e-6)


def test_the_products_themselves_stay_as_they_are(products):
    before = products.features.copy()
    with_terms_of(products, SEEN).tower_inputs(np.arange(6))
    assert (products.features == before).all()


def test_products_without_text_are_left_alone():
    pictures = of([[], []], [[], []])
    assert with_terms_of(pictures, np.arange(2)) is pictures
