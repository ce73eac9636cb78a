"""The index that a training leaves, against what the model it served makes of products."""

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.artifact import read_index
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.indexing import training_index
from shelfsort.training.neighbours import directions
from shelfsort.training.served_model import EXPLAIN, LOG_PROBABILITIES
from shelfsort.training.spaces import Space
from shelfsort.training.text_ops import load_text_ops
from shelfsort.training.towers import build_towers

WIDTH = 6


def labelled(labels: list[int]) -> Products:
    n, rng = len(labels), np.random.default_rng(0)
    features = np.zeros(n, feature_type(2, 1, WIDTH))
    features["word_ids"] = rng.integers(1, 9, (n, 2))
    features["word_weights"] = 0.7
    features["embeddings"] = rng.normal(size=(n, WIDTH))
    return Products(
        product_ids=ProductIds(np.array([f"p{i}" for i in range(n)], "S")),
        features=features,
        word_terms=2,
        piece_terms=1,
        has_text=np.arange(n) % 4 > 0,
        has_image=np.ones(n, bool),
        labels=np.array(labels, np.int32),
        label_weights=np.ones(n, np.float32),
        groups=np.arange(n),
        evidence=np.ones(n, bool),
    )


def towers():
    sizes = {"words": 9, "pieces": 3, "price_buckets": 4, "embedding_size": WIDTH}
    return build_towers(**sizes, categories=2, text_units=8, image_units=4, dropout=0.1)


@pytest.mark.slow
def test_products_that_are_labelled_with_a_category_of_the_model_are_indexed_up_to_a_bound():
    products = labelled([0, -1, 1, 0, 1, 1, -1, 0])
    images = Space.of(products.features["embeddings"])
    index = training_index(products, towers(), ["boots", "hats"], images, most=4)
    assert index.product_ids == ["p0", "p2", "p3", "p4"]
    assert [index.categories[label] for label in index.labels] == ["boots", "hats", "boots", "hats"]
    assert index.vectors["text"].any(axis=1).tolist() == [False, True, True, False]


def served(trained, split: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """Ids of the products of a split, and what the served model says of them."""
    files = [str(path) for path in (trained.raw / f"Split-{split}").glob("*.gz")]
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    load_text_ops(trained.model)
    model = tf.saved_model.load(str(trained.model))
    assert EXPLAIN not in model.signatures
    answer = getattr(model, EXPLAIN)(tf.constant(records))
    features = [tf.train.Example.FromString(each).features.feature for each in records]
    ids = [each["product_id"].bytes_list.value[0].decode() for each in features]
    return ids, {name: values.numpy() for name, values in answer.items()}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "parts"),
    [("training", {"image", "text"}), ("encoded_training", {"image", "text", "encoder"})],
)
def test_the_served_model_makes_of_training_products_what_the_index_holds(request, name, parts):
    trained = request.getfixturevalue(name)
    ids, answer = served(trained, "train")
    logs = answer.pop(LOG_PROBABILITIES)
    assert logs.shape == (len(ids), 3, 4)
    np.testing.assert_allclose(np.exp(logs).sum(axis=2), 1, atol=1e-5)
    assert set(answer) == parts
    index = read_index(trained.model_run)
    rows = [ids.index(product_id) for product_id in index.product_ids]
    for part, values in answer.items():
        again = directions(index.spaces[part], values[rows])
        np.testing.assert_allclose(index.vectors[part], again, atol=1e-3, err_msg=part)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_training_product_is_nearest_to_itself_and_no_other_split_is_indexed(training):
    ids, answer = served(training, "train")
    index = read_index(training.model_run)
    assert index.product_ids == ids
    assert set(ids).isdisjoint(served(training, "calibration")[0])
    del answer[LOG_PROBABILITIES]
    whole = [row for row in range(len(ids)) if all(each[row].any() for each in answer.values())]
    assert len(whole) > 100
    for row in whole[::10]:
        near = index.nearest({part: values[row] for part, values in answer.items()}, 3)
        assert near[0].product_id == ids[row]
