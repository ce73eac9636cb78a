"""Makes the index of training products, of what the served model makes of them."""

from collections.abc import Sequence

import keras
import numpy as np

from shelfsort.training.dataset import Products
from shelfsort.training.neighbours import IMAGE_PART, MOST_INDEXED, TrainingIndex, directions
from shelfsort.training.representation import HIDDEN_WORDS, representation, with_hidden_words
from shelfsort.training.rows import chunks
from shelfsort.training.spaces import Space
from shelfsort.training.unknown import chosen_rows


def training_index(
    train: Products,
    towers: keras.Model,
    categories: Sequence[str],
    images: Space,
    most: int = MOST_INDEXED,
) -> TrainingIndex:
    """Indexes the first products of a split that are labelled with a category of the model.

    Args:
        train: the split.
        towers: as they are served.
        categories: K ids, in the order of the labels.
        images: the directions in which the products' images differ most.
        most: products in the index.
    """
    rows = np.flatnonzero(train.has_leaf)[:most]
    seer = with_hidden_words(towers)
    spaces = {
        part: images if part == IMAGE_PART else Space.of(vectors[vectors.any(axis=1)])
        for part, vectors in represented(train, seer, chosen_rows(train.labels, rows)).items()
    }
    vectors = {
        part: np.zeros((len(rows), space.basis.shape[1]), np.float16)
        for part, space in spaces.items()
    }
    for places in chunks(np.arange(len(rows))):
        for part, seen in represented(train, seer, rows[places]).items():
            vectors[part][places] = directions(spaces[part], seen)
    return TrainingIndex(
        categories=list(categories),
        product_ids=[train.product_ids[row] for row in rows.tolist()],
        labels=train.labels[rows],
        groups=train.groups[rows],
        spaces=spaces,
        vectors=vectors,
    )


def represented(products: Products, towers: keras.Model, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The representation of the products at (m,) rows, by part.

    Args:
        products: of one split.
        towers: see `representation.with_hidden_words`.
        rows: numbers of the products.
    """
    inputs = products.tower_inputs(rows)
    hidden = towers(inputs, training=False)[HIDDEN_WORDS]
    parts = representation(hidden, products.has_text[rows], inputs)
    return {part: np.asarray(values) for part, values in parts.items()}
