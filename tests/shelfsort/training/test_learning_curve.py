"""Which models get a learning curve, and what it is made of."""

import dataclasses

import numpy as np
import pytest

from shelfsort.contract.calibration import Calibration
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training import learning_curve as measured
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.fitting import CrossFit, VocabularySizes
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.settings import TrainingConfig

TREE = Taxonomy.from_nodes(
    [
        {"id": "main", "name": "Main", "subcategories": ["boots", "hats", "mugs"]},
        *(
            {"id": leaf, "name": leaf.title(), "subcategories": [], "parent": "main"}
            for leaf in ("boots", "hats", "mugs")
        ),
    ]
)
LABELS = LabelSpace(["boots", "hats", "mugs"], TREE)
N = 900
SPLITS = {"train": 90, "eval": 10}
SIZES = VocabularySizes(1, 1, 1, 3)
CONFIG = TrainingConfig()


def products() -> Products:
    return Products(
        product_ids=ProductIds(np.arange(N).astype("S")),
        features=np.zeros(N, feature_type(1, 1, 1)),
        word_terms=1,
        piece_terms=1,
        has_text=np.ones(N, bool),
        has_image=np.arange(N) % 2 == 0,
        labels=np.arange(N, dtype=np.int32) % 3,
        label_weights=np.ones(N, np.float32),
        groups=np.arange(N),
        evidence=np.ones(N, bool),
    )


def logits(error: float, seed: int) -> dict[str, np.ndarray]:
    """Answers that are surer where they are right; mugs are wrong twice as often as the rest."""
    rng, labels = np.random.default_rng(seed), np.arange(N) % 3
    wrong = rng.random(N) < error * np.where(labels == 2, 1.5, 0.75)
    said = np.where(wrong, (labels + 1) % 3, labels)
    sure = np.where(wrong, rng.uniform(1, 3, N), rng.uniform(2, 8, N))
    values = np.eye(3)[said] * sure[:, None]
    return {"text": values, "image": values}


CROSSED = CrossFit(logits(0.1, 1), np.arange(N) % 5, Fusion.even(3), {})


def calibration(at_98: float | None) -> Calibration:
    fitted = {"95": 0.6, "98": at_98}
    each = {"n": 400, "n_effective": 400.0, "overall": fitted, "by_category": {"mugs": fitted}}
    return Calibration.from_json(dict.fromkeys(("combined", "text", "image"), each))


@pytest.fixture
def fitted_on(monkeypatch):
    """Sizes of the parts that towers are fitted on; the error falls with their square root."""
    sizes = []

    def part_logits(train, vocabulary, config, inside):
        sizes.append(len(inside))
        return logits(0.1 * np.sqrt(720 / len(inside)), len(sizes) + 1)

    monkeypatch.setattr(measured, "part_logits", part_logits)
    return sizes


def test_a_model_that_certifies_every_target_costs_no_further_fit(fitted_on):
    found = measured.learning_curve(
        products(), CROSSED, SIZES, LABELS, calibration(0.9), CONFIG, SPLITS
    )
    assert found is None
    assert fitted_on == []


def test_modalities_that_no_product_has_cost_no_further_fit(fitted_on):
    own = dataclasses.replace(products(), has_image=np.zeros(N, bool))
    proven, unproven = calibration(0.9), calibration(None)
    text_alone = dataclasses.replace(
        unproven, modalities={**unproven.modalities, "text": proven.of("text")}
    )
    found = measured.learning_curve(own, CROSSED, SIZES, LABELS, text_alone, CONFIG, SPLITS)
    assert found is None
    assert fitted_on == []


def test_a_target_that_falls_short_is_projected_from_a_quarter_a_half_and_all(fitted_on):
    found = measured.learning_curve(
        products(), CROSSED, SIZES, LABELS, calibration(None), CONFIG, SPLITS
    )
    quarter, half = fitted_on
    assert (quarter, half) == (pytest.approx(225, abs=30), pytest.approx(450, abs=30))
    # 900 products are trained on of 1,000; cross-fitted models see four of five folds.
    assert found.products == 1000
    curve = found.modalities["combined"]
    assert [point.products for point in curve.points] == [
        round(quarter / 720 * 1000),
        round(half / 720 * 1000),
        1000,
    ]
    first, second, last = (point.accuracy for point in curve.points)
    assert first < second < last == pytest.approx(0.9, abs=0.03)
    (short,) = curve.shortfalls
    assert short.target == 0.98
    assert short.low <= short.products <= short.high
    assert short.products > 1000
    assert short.lower_target < 0.98
    assert 0 < short.lower_coverage <= 1
    assert found.categories[0].category == "mugs"
    assert found.categories[0].labels == 300
    assert found.categories[0].path == "Mugs"


def test_products_without_a_leaf_do_not_count_as_labels(fitted_on):
    sample = products()
    third = sample.labels == 2
    own = dataclasses.replace(sample, labels=np.where(third, -1, sample.labels), evidence=~third)
    found = measured.learning_curve(own, CROSSED, SIZES, LABELS, calibration(None), CONFIG, SPLITS)
    # 600 of the 900 have a leaf.
    assert found.products == pytest.approx(600 / 0.9, abs=1)
    quarter = found.modalities["text"].points[0].products
    assert quarter == pytest.approx(fitted_on[0] / 720 * 1000 * 2 / 3, abs=15)


def test_products_that_are_no_evidence_are_not_points_of_the_curve(fitted_on):
    sample = products()
    own = dataclasses.replace(sample, evidence=sample.labels != 2)
    found = measured.learning_curve(own, CROSSED, SIZES, LABELS, calibration(None), CONFIG, SPLITS)
    right = CROSSED.held_out["text"].argmax(axis=1) == sample.labels
    last = found.modalities["text"].points[-1]
    assert last.accuracy == pytest.approx(right[own.evidence].mean())
    assert last.accuracy > right.mean() + 0.01
    assert found.categories[0].category != "mugs"
