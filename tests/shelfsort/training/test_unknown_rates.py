"""Detection rates come from towers that never saw the products that are left out."""

import dataclasses

import numpy as np
import pytest

from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training import unknown_rates as measured
from shelfsort.training.dataset import Encoded, ProductIds, Products, feature_type
from shelfsort.training.fitting import CrossFit, VocabularySizes
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.unknown_rates import unknown_rates

BELOW = {"wear": ["boots", "clogs", "hats"], "home": ["mugs", "jugs", "pans"]}
LEAVES = [leaf for leaves in BELOW.values() for leaf in leaves]
TREE = Taxonomy.from_nodes(
    [
        {"id": "main", "name": "Main", "subcategories": list(BELOW)},
        *(
            {"id": top, "name": top.title(), "subcategories": leaves, "parent": "main"}
            for top, leaves in BELOW.items()
        ),
        *(
            {"id": leaf, "name": leaf.title(), "subcategories": [], "parent": top}
            for top, leaves in BELOW.items()
            for leaf in leaves
        ),
    ]
)
LABELS = LabelSpace(LEAVES, TREE)
SIZES = VocabularySizes(1, 1, 1, len(LEAVES))
N = 900
FOLDS = np.arange(N) // 6 % 5


@pytest.fixture
def train() -> Products:
    features = np.zeros(N, feature_type(1, 1, 8))
    features["embeddings"] = np.random.default_rng(0).normal(size=(N, 8))
    return Products(
        product_ids=ProductIds(np.arange(N).astype("S")),
        features=features,
        word_terms=1,
        piece_terms=1,
        has_text=np.ones(N, bool),
        has_image=np.ones(N, bool),
        labels=(np.arange(N) % 6).astype(np.int32),
        label_weights=np.ones(N, np.float32),
        groups=np.arange(N),
        evidence=np.ones(N, bool),
    )


@pytest.fixture
def fits(monkeypatch) -> list[np.ndarray]:
    """Rows of each fit. Unseen boots pass for clogs; other unseen products are like nothing."""
    seen = []

    def part_logits(train, sizes, config, inside, steps):
        seen.append(inside)
        kept, rng = np.unique(train.labels[inside]), np.random.default_rng(1)
        like = np.where(np.isin(0, kept) | (train.labels != 0), train.labels, 1)
        logits = rng.normal(0, 0.5, (len(train), len(LEAVES))).astype(np.float32)
        known = np.isin(like, kept)
        logits[np.flatnonzero(known), like[known]] += 9
        # What no product taught says nothing, whatever its logits are.
        logits[:, np.setdiff1d(np.arange(len(LEAVES)), kept)] = 50
        return {"text": logits, "image": logits}

    monkeypatch.setattr(measured, "part_logits", part_logits)
    return seen


def rates(train: Products, alarms: float = 0.05):
    config = TrainingConfig()
    config = dataclasses.replace(
        config, calibration=dataclasses.replace(config.calibration, unknown_alarms=alarms)
    )
    crossed = CrossFit({}, FOLDS, Fusion.even(len(LEAVES)), {})
    return unknown_rates(train, crossed, SIZES, LABELS, config)


def test_left_out_departments_are_noticed_and_a_category_like_its_sibling_is_not(train, fits):
    found = rates(train)
    assert set(found) == {"combined", "text", "image"}
    for own in found.values():
        departments = {each.node: (each.n, each.detected) for each in own.departments}
        leaves = {each.node: each.detected for each in own.leaves}
        assert departments == {"wear": (450, 1.0), "home": (450, 1.0)}
        assert leaves and all(rate == 1 for leaf, rate in leaves.items() if leaf != "boots")
        assert leaves.get("boots", 0) < 0.3
        assert own.false_alarms == 0.05


def test_no_fit_sees_what_it_leaves_out(train, fits):
    left_out = rates(train)["text"]
    assert len(fits) == 4
    gone = [set(LEAVES) - {LEAVES[label] for label in train.labels[inside]} for inside in fits]
    for department in left_out.departments:
        assert any(set(BELOW[department.node]) <= each for each in gone)
    assert {leaf.node for leaf in left_out.leaves} <= set().union(*gone)
    for inside in fits:
        assert len(np.unique(FOLDS[inside])) == 4


def test_products_that_prove_nothing_have_no_part_in_the_rates(train, fits):
    evidence = np.arange(N) % 6 != 3
    found = rates(dataclasses.replace(train, evidence=evidence))["text"]
    (home,) = [each for each in found.departments if each.node == "home"]
    assert home.n == 300
    assert "mugs" not in {leaf.node for leaf in found.leaves}


def test_images_of_a_tuned_backbone_have_no_rates(train, fits):
    tuned = dataclasses.replace(train, fold_embeddings={0: train.features["embeddings"]})
    assert set(rates(tuned)) == {"text"}


def test_titles_of_a_tuned_encoder_have_no_rates(train, fits):
    by = Encoded(train.features["embeddings"], np.zeros((1, 1)))
    assert set(rates(dataclasses.replace(train, fold_encoded={0: by}))) == {"image"}


def test_nothing_is_fitted_where_there_is_nothing_to_say(train, fits):
    few = dataclasses.replace(train, evidence=np.arange(N) < 30)
    assert rates(few) == {}
    assert rates(train, alarms=0) == {}
    assert not fits


@pytest.mark.parametrize("seed", range(6))
def test_a_department_is_left_out_alone_where_a_further_category_would_leave_too_few(seed):
    few = LabelSpace(["boots", "clogs", "mugs", "jugs"], TREE)
    parts = {part.department: part for part in measured._parts(few, seed)}
    assert parts["wear"].categories.tolist() == [0, 1]
    assert parts["home"].categories.tolist() == [2, 3]
