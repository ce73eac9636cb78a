"""Temperature and thresholds of each modality, and the roll-up in the tree."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import binom

from shelfsort.contract.calibration import Calibration
from shelfsort.contract.modalities import ALONE, MODALITIES
from shelfsort.contract.targets import DEFAULT_TARGETS
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.novelty import Scale
from shelfsort.stats.temperature import softmax
from shelfsort.training.calibration import (
    Rules,
    calibrate,
    threshold_version,
)
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.evidence import Scored, modality_rows
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion, Pool
from shelfsort.training.spaces import Space
from shelfsort.training.unknown import UnknownCheck

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
LABELS = LabelSpace(["boots", "clogs", "hats", "mugs"], TREE)
EVEN = Fusion.even(4)
HALF = Fusion({"combined": Pool({"text": np.full(4, 0.5), "image": np.full(4, 0.5)}, np.zeros(4))})


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
        evidence=np.ones(n, bool),
    )


def scored(sample: Products, logits, pool: Pool = HALF, folds: int = 1) -> Scored:
    """The products in so many folds, whose pools are alike."""
    fold = np.arange(len(sample)) % folds
    return Scored(sample, logits, fold, dict.fromkeys(range(folds), pool))


def fit(sample: Scored, scope: str = "overall", **rules) -> Calibration:
    return calibrate(sample, LABELS, Rules(scope=scope, **rules)).calibration


def test_a_modality_holds_the_products_that_have_what_it_needs():
    rows = modality_rows(products([0, 0, 0], has_text=[1, 1, 0], has_image=[1, 0, 1]))
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
    return fit(scored(products(labels), both, folds=4))


def test_what_cannot_be_told_apart_is_not_decided_but_its_parent_is(fitted):
    combined = fitted.of("combined")
    assert combined.threshold("mugs", 0.95) is not None
    assert combined.at(0.95).overall > 0.6
    assert combined.at(0.95).levels[2] < 0.99
    assert combined.at(0.95).parent < 0.99
    assert combined.n == 800 == round(combined.n_effective)


def test_every_parent_has_a_threshold_and_the_number_of_predictions_below_it(fitted):
    combined = fitted.of("combined")
    below = combined.n_by_parent
    assert sorted(below) == ["mugs", "shoes", "wear"]
    assert below["wear"] == below["shoes"] + combined.n_by_category["hats"]
    assert combined.parent_threshold("shoes", 0.95) == combined.at(0.95).levels[2]
    assert combined.parent_threshold("wear", 0.98) == combined.at(0.98).levels[1]


def test_a_parent_that_breaks_the_guarantee_abstains_while_the_others_go_on():
    # One in four of the shoes is a hat: "wear" is right, "shoes" is not.
    rng = np.random.default_rng(6)
    predicted = rng.integers(4, size=4000)
    labels = np.where((predicted < 2) & (rng.random(4000) < 0.25), 2, predicted)
    logits = 6.0 * np.eye(4)[predicted] + rng.normal(scale=0.2, size=(4000, 4))
    sample = scored(products(labels), {"text": logits, "image": logits}, folds=2)
    text = fit(sample, "overall").of("text")
    assert text.parent_threshold("shoes", 0.95) is None
    assert text.parent_threshold("wear", 0.95) is not None
    assert text.parent_threshold("mugs", 0.95) is not None


def test_what_abstains_at_95_percent_abstains_at_98_too():
    # One clog in five is wrong: too many where its score passes. At 98 % it does not, so that
    # nothing is refuted there.
    predicted = np.repeat([3, 0, 1], [1000, 400, 300])
    labels = np.where((predicted == 1) & (np.arange(1700) % 5 == 0), 3, predicted)
    strength = np.where(predicted == 1, 3.0, 6.0)
    logits = strength[:, None] * np.eye(4)[predicted]
    sample = scored(products(labels), {"text": logits, "image": logits}, folds=2)
    text = fit(sample, "overall").of("text")
    assert text.at(0.95).overall < text.at(0.98).overall
    assert [text.threshold("clogs", target) for target in (0.95, 0.98)] == [None, None]
    assert text.n_by_category["clogs"] == 300
    assert text.threshold("boots", 0.98) == text.at(0.98).overall


def test_category_scope_asks_every_node_for_its_own_proof():
    labels = np.repeat([0, 2, 3], [100, 100, 20])
    logits = 9.0 * np.eye(4)[labels]
    sample = scored(products(labels), {"text": logits, "image": logits}, folds=2)
    text = fit(sample, "category").of("text")
    assert text.parent_threshold("wear", 0.95) is not None
    assert [text.parent_threshold("mugs", target) for target in (0.95, 0.98)] == [None, None]
    assert text.n_by_parent["mugs"] == 20


def test_variants_that_are_wrong_together_are_worth_fewer_products():
    labels = np.repeat(np.arange(400) % 4, 3)
    logits = (
        np.repeat(np.random.default_rng(7).normal(size=(400, 4)), 3, axis=0) + 2 * np.eye(4)[labels]
    )
    variants = products(labels, titles=np.arange(1200) // 3)
    sample = scored(variants, {"text": logits, "image": logits}, folds=2)
    text = fit(sample, "overall").of("text")
    assert text.at(0.95).correlation > 0.95
    assert text.n == 1200
    assert text.n_effective == pytest.approx(400, rel=0.05)


def test_a_modality_that_no_product_has_abstains():
    logits = {"text": np.eye(4)[:2], "image": np.zeros((2, 4))}
    calibration = fit(scored(products([0, 1], has_image=False), logits, EVEN), "guarded")
    assert calibration.of("combined").n == calibration.of("image").n == 0
    assert [calibration.of("image").at(target).overall for target in DEFAULT_TARGETS] == [
        None,
        None,
    ]
    assert calibration.of("image").temperature == 1.0


def test_a_category_unseen_in_training_counts_as_a_miss():
    logits = np.tile([9.0, 0, 0, 0], (100, 1))
    labels = np.where(np.arange(100) < 20, -1, 0)
    text = fit(scored(products(labels), {"text": logits, "image": logits}, EVEN)).of("text")
    assert text.at(0.95).overall is None
    assert text.at(0.95).parent is None


def check(knot: float = 1.0, centre: float = 0.5) -> UnknownCheck:
    scale = Scale(np.zeros(3), np.ones(3), np.linspace(0, knot, 1001))
    space = Space(np.full(2, centre, np.float32), np.eye(2, dtype=np.float32))
    return UnknownCheck(space, dict.fromkeys(MODALITIES, scale))


def test_the_version_changes_with_any_threshold_and_with_the_pool(fitted):
    version = threshold_version(fitted, EVEN, check())
    assert version == threshold_version(Calibration.from_json(fitted.to_json()), EVEN, check())
    assert version != threshold_version(fitted, HALF, check())
    text = dataclasses.replace(fitted.of("text"), temperature=1.5)
    changed = Calibration({**fitted.modalities, "text": text})
    assert version != threshold_version(changed, EVEN, check())


def test_the_version_changes_with_what_decides_that_a_product_is_unknown(fitted):
    version = threshold_version(fitted, EVEN, check())
    assert version != threshold_version(fitted, EVEN, check(knot=1.5))
    assert version != threshold_version(fitted, EVEN, check(centre=0.6))
    text = dataclasses.replace(fitted.of("text"), unknown_above=0.9)
    limited = Calibration({**fitted.modalities, "text": text})
    assert version != threshold_version(limited, EVEN, check())


def test_a_floor_keeps_a_weak_category_out_of_an_overall_guarantee():
    rng = np.random.default_rng(9)
    predicted = rng.integers(4, size=4000)
    weak = (predicted == 3) & (rng.random(4000) < 0.4)
    labels = np.where(weak, 2, predicted)
    logits = 6.0 * np.eye(4)[predicted] + rng.normal(scale=0.2, size=(4000, 4))
    both = {"text": logits, "image": logits}
    held_out = scored(products(labels[:3000]), {k: v[:3000] for k, v in both.items()}, folds=3)
    guarded = fit(held_out, "guarded").of("combined")
    thresholds = {leaf: guarded.threshold(leaf, 0.95) for leaf in LABELS.categories}
    floors = guarded.at(0.95).floors
    assert thresholds["mugs"] is None or thresholds["mugs"] >= floors["mugs"] > 0.5
    scores = softmax(
        HALF.logits_in("combined", {"text": logits, "image": logits})[3000:], guarded.temperature
    ).max(axis=1)
    decided = {
        leaf: np.mean(scores[predicted[3000:] == k] >= (1.0 if t is None else t))
        for k, (leaf, t) in enumerate(thresholds.items())
    }
    assert decided["mugs"] < 0.02
    assert min(decided["boots"], decided["clogs"], decided["hats"]) > 0.9


def test_each_fold_is_pooled_scored_and_floored_without_its_own_products():
    # In fold 1 every answer is wrong, so what is fitted without fold 0 distrusts every score.
    labels = np.arange(400) % 4
    fold = np.repeat([0, 1], 200)
    shown = np.where(fold == 0, labels, (labels + 1) % 4)
    logits = 6.0 * np.eye(4)[shown]
    sample = Scored(products(labels), {"text": logits, "image": logits}, fold, {0: HALF, 1: HALF})
    answers = calibrate(sample, LABELS, Rules(scope="overall")).answers["text"]
    scores = answers.leaves.scores
    assert scores[fold == 0] == pytest.approx(0.31, abs=0.001)  # at the highest temperature
    assert scores[fold == 1] == pytest.approx(1.0)


def test_each_fold_has_the_pool_that_was_fitted_without_it():
    labels = np.arange(400) % 4
    logits, fold = 6.0 * np.eye(4)[labels], np.repeat([0, 1], 200)
    deaf = Fusion({"combined": Pool({"text": np.zeros(4), "image": np.zeros(4)}, np.zeros(4))})
    sample = Scored(products(labels), {"text": logits, "image": logits}, fold, {0: HALF, 1: deaf})
    combined = calibrate(sample, LABELS, Rules(scope="overall")).answers["combined"].leaves
    assert combined.scores[fold == 1] == pytest.approx(0.25)
    assert combined.scores[fold == 0].min() > 0.25


def test_products_that_are_no_evidence_move_no_threshold_and_no_temperature():
    labels = np.arange(800) % 4
    logits = 6.0 * np.eye(4)[np.where(np.arange(800) < 400, labels, (labels + 1) % 4)]
    both = {"text": logits, "image": logits}
    mixed = dataclasses.replace(products(labels), evidence=np.arange(800) < 400)
    alone = Scored(products(labels[:400]), {k: v[:400] for k, v in both.items()}, *_one_fold(400))
    text = fit(Scored(mixed, both, *_one_fold(800))).of("text")
    assert text == fit(alone).of("text")
    assert (text.n, text.evidence) == (400, "cross_fitted")


def test_with_a_split_of_their_own_thresholds_rest_on_its_products_and_all_else_on_train():
    labels = np.arange(400) % 4
    sure, blurred = 6.0 * np.eye(4)[labels], 1.0 * np.eye(4)[labels]
    train = scored(products(labels), {"text": blurred, "image": blurred}, folds=4)
    apart = Scored.apart(products(labels[:100]), {"text": sure[:100], "image": sure[:100]}, HALF)
    text = calibrate(train, LABELS, Rules(scope="overall"), apart).calibration.of("text")
    assert (text.n, text.evidence) == (100, "calibration")
    assert text.temperature == fit(train).of("text").temperature


def test_the_least_sure_accepted_answers_are_right_as_often_as_the_marginal_accuracy_asks():
    # Of the surest 940 all are right, of the other 60 half: together 97 %.
    labels = np.arange(1000) % 4
    doubtful = np.arange(1000) >= 940
    predicted = np.where(doubtful & (np.arange(1000) % 8 < 4), (labels + 1) % 4, labels)
    logits = np.where(doubtful, 2.0, 6.0)[:, None] * np.eye(4)[predicted]
    sample = scored(products(labels), {"text": logits, "image": logits})
    sample = dataclasses.replace(
        sample, folds=np.arange(1000) // 4 % 5, fusions=dict.fromkeys(range(5), HALF)
    )
    shares = [
        np.mean(
            found.answers["text"].leaves.scores >= found.calibration.of("text").at(0.95).overall
        )
        for found in (
            calibrate(sample, LABELS, Rules(scope="overall", marginal_accuracy=least))
            for least in (0.0, 0.8)
        )
    ]
    assert shares == [1.0, 0.94]


def _one_fold(n: int) -> tuple[np.ndarray, dict[int, Pool]]:
    return np.zeros(n, int), {0: HALF}


def test_products_that_the_check_withholds_are_no_evidence_for_thresholds():
    labels, logits = np.arange(600) % 4, np.zeros((600, 4), np.float32)
    logits[np.arange(600), labels] = 6
    strange = np.arange(600) % 10 == 0
    # All that are strange are wrong: with them the target cannot be proven.
    logits[strange] = np.roll(logits[strange], 1, axis=1)
    sample = scored(products(labels), {"text": logits, "image": logits}, folds=3)
    unknown = dict.fromkeys(MODALITIES, np.where(strange, 0.99, 0.5))
    checked = dataclasses.replace(sample, unknown=unknown)
    without = calibrate(checked, LABELS, Rules(scope="overall"))
    with_check = calibrate(checked, LABELS, Rules(scope="overall", unknown_alarms=0.05))
    text = with_check.calibration.of("text")
    assert without.calibration.of("text").at(0.95).overall is None
    assert text.at(0.95).overall is not None
    assert (text.unknown_above, text.n, round(text.n_effective)) == (0.95, 540, 540)
    assert text.n_by_category == {"boots": 120, "clogs": 150, "hats": 120, "mugs": 150}
    assert text.n_by_parent == {"shoes": 270, "wear": 390, "mugs": 150}
    held_out = with_check.held_out(sample.products, LABELS).answers["text"]
    assert (held_out.unknown > 0.95).tolist() == strange.tolist()
    read = Calibration.from_json(with_check.calibration.to_json())
    assert read == with_check.calibration


@pytest.mark.slow
def test_the_guarantee_is_about_the_products_that_the_check_lets_pass():
    # Half look strange and are right; of the others, which alone can be accepted, 94.5 % are. To
    # accept any at 95 % is to break the promise, in at most one of twenty samples.
    drawn, n, kept, broken = 60, 800, 0, 0
    unknown = np.where(np.arange(n) % 2, 0.99, 0.5)
    for seed in range(drawn):
        rng = np.random.default_rng(seed)
        labels = rng.integers(4, size=n)
        wrong = (unknown < 0.95) & (rng.random(n) < 0.055)
        logits = rng.uniform(3, 6, (n, 1)) * np.eye(4)[np.where(wrong, (labels + 1) % 4, labels)]
        sample = scored(products(labels, has_image=False), dict.fromkeys(ALONE, logits), folds=5)
        sample = dataclasses.replace(sample, unknown={"text": unknown})
        rules = Rules(scope="overall", targets=(0.95,), unknown_alarms=0.05)
        with_check, without = (
            calibrate(sample, LABELS, each).calibration.of("text").at(0.95).overall is not None
            for each in (rules, dataclasses.replace(rules, unknown_alarms=None))
        )
        broken += with_check
        kept += without
    assert broken <= binom.ppf(0.999, drawn, 0.05)
    assert kept > 40


def test_what_failed_a_proof_is_named_among_all_products():
    labels, logits = np.arange(200) % 4, np.zeros((200, 4), np.float32)
    logits[np.arange(200), labels] = 6
    wrong = np.arange(20, 200, 10)
    logits[wrong] = np.roll(logits[wrong], 1, axis=1)
    sample = scored(products(labels), {"text": logits, "image": logits})
    unknown = dict.fromkeys(MODALITIES, np.where(np.arange(200) < 15, 0.99, 0.5))
    found = calibrate(
        dataclasses.replace(sample, unknown=unknown),
        LABELS,
        Rules(scope="overall", unknown_alarms=0.05),
    )
    failed = found.failures["text"][0.95]
    assert len(failed.wrong)
    assert set(found.answers["text"].rows[failed.wrong]) <= set(wrong.tolist())
