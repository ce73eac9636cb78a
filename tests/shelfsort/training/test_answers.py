"""Promises of each mode, and the roll-up in the tree."""

import numpy as np
import pytest

from shelfsort.contract.modalities import MODALITIES
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.temperature import softmax
from shelfsort.training.answers import (
    Scored,
    Shelves,
    fit_answers,
    mode_rows,
    node_index,
    threshold_version,
)
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.pooling import Pool

TREE = Taxonomy.from_nodes(
    [
        {"id": "main", "name": "Main", "subcategories": ["wear", "mugs"]},
        {"id": "wear", "name": "Wear", "subcategories": ["shoes", "hats"], "parent": "main"},
        {"id": "shoes", "name": "Shoes", "subcategories": ["boots", "clogs"], "parent": "wear"},
        {"id": "boots", "name": "Boots", "subcategories": [], "parent": "shoes"},
        {"id": "clogs", "name": "Clogs", "subcategories": [], "parent": "shoes"},
        {"id": "hats", "name": "Hats", "subcategories": [], "parent": "wear"},
        {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "main"},
    ]
)
SHELVES = Shelves(["boots", "clogs", "hats", "mugs"], TREE)
EVEN = Pool.even(4)
HALF = Pool(np.full(4, 0.5), np.full(4, 0.5), np.zeros(4))


def products(labels, has_text=True, has_image=True, titles=None) -> Products:
    n = len(labels)
    features = np.zeros(n, feature_type(1, 1, 1))
    features["word_ids"] = np.reshape(np.arange(n) if titles is None else titles, (n, 1))
    return Products(
        product_ids=ProductIds(np.arange(n).astype("S")),
        features=features,
        word_terms=1,
        piece_terms=1,
        has_text=np.broadcast_to(np.asarray(has_text), (n,)),
        has_image=np.broadcast_to(np.asarray(has_image), (n,)),
        labels=np.asarray(labels, np.int32),
        label_weights=np.ones(n, np.float32),
        groups=np.arange(n) if titles is None else np.asarray(titles),
    )


def test_shelves_know_parents_and_the_shelves_at_each_depth():
    assert SHELVES.parents == ["shoes", "shoes", "wear", "mugs"]
    assert SHELVES.parent_levels == [2, 2, 1, 1]
    assert SHELVES.shelves_at(1) == ["wear", "wear", "wear", "mugs"]
    assert SHELVES.shelves_at(2) == ["shoes", "shoes", None, None]


def test_node_index_groups_equal_nodes_and_leaves_out_none():
    assert node_index(["a", "b", "a", None]).tolist() == [0, 1, 0, -1]


def test_a_mode_holds_the_products_that_have_what_it_needs():
    rows = mode_rows(products([0, 0, 0], has_text=[1, 1, 0], has_image=[1, 0, 1]))
    assert {mode: list(rows[mode]) for mode in MODALITIES} == {
        "combined": [0],
        "text": [0, 1],
        "image": [0, 2],
    }


@pytest.fixture(scope="module")
def fitted():
    """Siblings boots and clogs cannot be told apart; all else is certain."""
    rng = np.random.default_rng(5)
    labels = rng.integers(4, size=800)
    logits = 8.0 * np.eye(4)[labels]
    blurred = labels < 2
    logits[blurred] = rng.normal([4.0, 4.0, 0.0, 0.0], 0.3, size=(blurred.sum(), 4))
    both = {"text": logits, "image": logits}
    scored = Scored(products(labels), both)
    return fit_answers(scored, scored, HALF, SHELVES, 0.95, "overall")


def test_what_cannot_be_told_apart_is_not_decided_but_its_parent_is(fitted):
    combined = fitted["combined"]
    assert combined["by_category"]["mugs"]["95"] is not None
    assert combined["overall"]["95"] > 0.6
    assert combined["levels"]["2"]["95"] < 0.99
    assert combined["parent"]["95"] < 0.99
    assert combined["n"] == 800 == round(combined["n_effective"])


def test_every_shelf_has_a_threshold_and_says_how_many_answers_lie_below_it(fitted):
    by_parent = fitted["combined"]["by_parent"]
    assert sorted(by_parent) == ["mugs", "shoes", "wear"]
    assert (
        by_parent["wear"]["n"]
        == by_parent["shoes"]["n"] + fitted["combined"]["by_category"]["hats"]["n"]
    )
    assert by_parent["shoes"]["95"] == fitted["combined"]["levels"]["2"]["95"]
    assert by_parent["wear"]["98"] == fitted["combined"]["levels"]["1"]["98"]


def test_a_shelf_that_breaks_the_promise_abstains_while_the_others_go_on():
    # One in four of the shoes is a hat: "wear" is right, "shoes" is not.
    rng = np.random.default_rng(6)
    predicted = rng.integers(4, size=4000)
    labels = np.where((predicted < 2) & (rng.random(4000) < 0.25), 2, predicted)
    logits = 6.0 * np.eye(4)[predicted] + rng.normal(scale=0.2, size=(4000, 4))
    sample = Scored(products(labels), {"text": logits, "image": logits})
    by_parent = fit_answers(sample, sample, HALF, SHELVES, 0.95, "overall")["text"]["by_parent"]
    assert by_parent["shoes"]["95"] is None
    assert by_parent["wear"]["95"] is not None
    assert by_parent["mugs"]["95"] is not None


def test_what_abstains_at_95_percent_abstains_at_98_too():
    # One clog in five is wrong: too many where its score passes. At 98 % it does not, so that
    # nothing is refuted there.
    predicted = np.repeat([3, 0, 1], [1000, 400, 300])
    labels = np.where((predicted == 1) & (np.arange(1700) % 5 == 0), 3, predicted)
    strength = np.where(predicted == 1, 3.0, 6.0)
    logits = strength[:, None] * np.eye(4)[predicted]
    sample = Scored(products(labels), {"text": logits, "image": logits})
    fitted = fit_answers(sample, sample, HALF, SHELVES, 0.95, "overall")["text"]
    assert fitted["overall"]["95"] < fitted["overall"]["98"]
    assert fitted["by_category"]["clogs"] == {"95": None, "98": None, "n": 300}
    assert fitted["by_category"]["boots"]["98"] == fitted["overall"]["98"]


def test_category_scope_asks_every_shelf_for_its_own_proof():
    labels = np.repeat([0, 2, 3], [100, 100, 20])
    logits = 9.0 * np.eye(4)[labels]
    sample = Scored(products(labels), {"text": logits, "image": logits})
    by_parent = fit_answers(sample, sample, HALF, SHELVES, 0.95, "category")["text"]["by_parent"]
    assert by_parent["wear"]["95"] is not None
    assert by_parent["mugs"] == {"95": None, "98": None, "n": 20}


def test_variants_that_are_wrong_together_are_worth_fewer_products():
    labels = np.repeat(np.arange(400) % 4, 3)
    logits = (
        np.repeat(np.random.default_rng(7).normal(size=(400, 4)), 3, axis=0) + 2 * np.eye(4)[labels]
    )
    variants = products(labels, titles=np.arange(1200) // 3)
    sample = Scored(variants, {"text": logits, "image": logits})
    text = fit_answers(sample, sample, HALF, SHELVES, 0.95, "overall")["text"]
    assert text["correlation"]["95"] > 0.95
    assert text["n"] == 1200
    assert text["n_effective"] == pytest.approx(400, rel=0.05)


def test_a_mode_that_no_product_has_abstains():
    scored = Scored(
        products([0, 1], has_image=False), {"text": np.eye(4)[:2], "image": np.zeros((2, 4))}
    )
    answers = fit_answers(scored, scored, EVEN, SHELVES, 0.95, "guarded")
    assert answers["combined"]["n"] == answers["image"]["n"] == 0
    assert answers["image"]["overall"] == {"95": None, "98": None}
    assert answers["image"]["temperature"] == 1.0


def test_a_category_unseen_in_training_counts_as_a_miss():
    logits = np.tile([9.0, 0, 0, 0], (100, 1))
    labels = np.where(np.arange(100) < 20, -1, 0)
    scored = Scored(products(labels), {"text": logits, "image": logits})
    answers = fit_answers(scored, scored, EVEN, SHELVES, 0.95, "overall")
    assert answers["text"]["overall"]["95"] is None
    assert answers["text"]["parent"]["95"] is None


def test_the_version_changes_with_any_threshold_and_with_the_pool(fitted):
    version = threshold_version(fitted, EVEN)
    assert version == threshold_version(fitted, EVEN)
    assert version != threshold_version(fitted, HALF)
    assert version != threshold_version({**fitted, "text": {}}, EVEN)


def test_a_floor_keeps_a_weak_category_out_of_an_overall_promise():
    rng = np.random.default_rng(9)
    predicted = rng.integers(4, size=4000)
    weak = (predicted == 3) & (rng.random(4000) < 0.4)
    labels = np.where(weak, 2, predicted)
    logits = 6.0 * np.eye(4)[predicted] + rng.normal(scale=0.2, size=(4000, 4))
    both = {"text": logits, "image": logits}
    held_out = Scored(products(labels[:3000]), {k: v[:3000] for k, v in both.items()})
    calibration = Scored(products(labels[3000:]), {k: v[3000:] for k, v in both.items()})
    guarded = fit_answers(calibration, held_out, HALF, SHELVES, 0.95, "guarded")["combined"]
    thresholds = {leaf: guarded["by_category"][leaf]["95"] for leaf in SHELVES.categories}
    scores = softmax(HALF.logits(logits, logits)[3000:], guarded["temperature"]).max(axis=1)
    decided = {
        leaf: np.mean(scores[predicted[3000:] == k] >= (1.0 if t is None else t))
        for k, (leaf, t) in enumerate(thresholds.items())
    }
    assert decided["mugs"] < 0.02
    assert min(decided["boots"], decided["clogs"], decided["hats"]) > 0.9
