"""The benchmark of labels with inner categories: whose leaf is known, and what then trains."""

from pathlib import Path

import numpy as np
import pytest

from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.label_space import LabelSpace
from tests.fixtures.training import NODES

LABELS = LabelSpace(("boots", "clogs", "hats", "mugs"), Taxonomy.from_nodes(NODES))


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))


def test_a_share_is_not_known_and_every_leaf_keeps_a_product():
    from inner_labels import opened

    labels = np.repeat([0, 1, 2], [10, 9, 1])
    found = opened(labels, 0.5, np.random.default_rng(0))
    assert found.sum() == 10
    assert sorted(set(labels[~found])) == [0, 1, 2]


@pytest.mark.parametrize(
    ("way", "targets", "evidence"),
    [
        ("leaves", [0, 1, 2], [True, True, True]),
        ("dropped", [1], [True]),
        ("parent", [4, 1, 5], [False, True, False]),
        ("department", [4, 1, 4], [False, True, False]),
    ],
)
def test_products_whose_leaf_is_not_known_train_at_their_level_or_not_at_all(
    way, targets, evidence
):
    from inner_labels import taught

    train = Products(
        product_ids=ProductIds(np.array([b"a", b"b", b"c"])),
        features=np.zeros(3, feature_type(1, 1, 2)),
        word_terms=1,
        piece_terms=1,
        has_text=np.ones(3, bool),
        has_image=np.ones(3, bool),
        labels=np.array([0, 1, 2], np.int32),
        label_weights=np.ones(3, np.float32),
        groups=np.arange(3),
        evidence=np.ones(3, bool),
    )
    found = taught(train, np.array([True, False, True]), LABELS, way)
    assert found.targets(np.arange(len(found))).tolist() == targets
    assert found.evidence.tolist() == evidence
