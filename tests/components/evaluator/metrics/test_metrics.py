"""Each metric on numbers worked out by hand."""

import math

import numpy as np
import pyarrow as pa
import pytest
import sklearn.metrics

from components.evaluator.label_uncertainty import Stratum, label_probabilities
from components.evaluator.metrics.accepted_accuracy import AcceptedAccuracy
from components.evaluator.metrics.accuracy import Accuracy
from components.evaluator.metrics.calibration_error import CalibrationError
from components.evaluator.metrics.coverage import CoverageAtTarget
from components.evaluator.metrics.expected_accuracy import ExpectedAccuracy
from components.evaluator.metrics.false_accepts import FalseAccepts
from components.evaluator.metrics.macro_f1 import MacroF1
from components.evaluator.metrics.oracle_coverage import OracleCoverage, oracle_coverage
from components.evaluator.metrics.parent_accuracy import ParentAccuracy

# label, predicted, score, accepted at 95 %, parent accepted at 95 %
ROWS = [
    ("mugs", "mugs", 0.99, True, True),
    ("mugs", "mugs", 0.95, True, True),
    ("mugs", "bowls", 0.90, True, True),
    ("bowls", "bowls", 0.70, False, True),
    ("chairs", "bowls", 0.40, False, False),
]
PARENT = {"mugs": "kitchen", "bowls": "kitchen", "chairs": "seats"}


def combine(metric, rows, parts: int = 1) -> dict[str, float]:
    """Gathers products in `parts` accumulators, merges them, and asks a metric for its numbers."""
    return measure(metric, [columns(*row) for row in rows], parts)


def measure(metric, products, parts: int = 1) -> dict[str, float]:
    gather, derived = metric.computations()
    (pack,), combiner = gather.preprocessors, gather.combiner
    accumulators = [
        combiner.add_inputs(
            combiner.create_accumulator(),
            [
                packed
                for each in products[part::parts]
                for packed in pack.process({"features": each})
            ],
        )
        for part in range(parts)
    ]
    merged = combiner.extract_output(combiner.merge_accumulators(accumulators))
    return {key.name: value for key, value in derived.result(merged).items()}


def columns(label, predicted, score, accepted, parent_accepted, group=None) -> dict:
    values = {
        "group": hash((label, predicted, score)) if group is None else group,
        "category": label.encode(),
        "predicted": predicted.encode(),
        "parent": PARENT[label].encode(),
        "predicted_parent": PARENT[predicted].encode(),
        "score": score,
        "accepted_95": int(accepted),
        "parent_accepted_95": int(parent_accepted),
        "label_confidence": 2 / 3 if label == "bowls" else 1.0,
        "worker_count": 3,
    }
    return {name: np.array([value]) for name, value in values.items()}


parts = pytest.mark.parametrize("parts", [1, 3])


@parts
def test_accuracy_is_three_of_five_between_15_and_95_percent(parts):
    numbers = combine(Accuracy(), ROWS, parts)
    assert numbers["n"] == 5
    assert numbers["accuracy"] == pytest.approx(0.6)
    # Clopper-Pearson for 3 of 5 at 95 %, as tabulated.
    assert numbers["accuracy_lower"] == pytest.approx(0.1466, abs=1e-4)
    assert numbers["accuracy_upper"] == pytest.approx(0.9473, abs=1e-4)


@parts
def test_parent_accuracy_forgives_a_sibling(parts):
    assert combine(ParentAccuracy(), ROWS, parts)["parent_accuracy"] == pytest.approx(0.8)


@parts
def test_coverage_counts_the_served_flags(parts):
    numbers = combine(CoverageAtTarget(0.95), ROWS, parts)
    assert numbers["coverage_at_95"] == pytest.approx(0.6)
    # One-sided: P(X >= 3 of 5) = 0.05 at a share of 0.1893.
    assert numbers["coverage_at_95_lower"] == pytest.approx(0.1893, abs=1e-4)


@parts
def test_parent_coverage_counts_the_parents_flags(parts):
    numbers = combine(CoverageAtTarget(0.95, level="parent"), ROWS, parts)
    assert numbers["parent_coverage_at_95"] == pytest.approx(0.8)


@parts
def test_accepted_accuracy_is_two_of_the_three_accepted(parts):
    numbers = combine(AcceptedAccuracy(0.95), ROWS, parts)
    assert numbers["accepted_95"] == 3
    assert numbers["accepted_accuracy_95"] == pytest.approx(2 / 3)
    # P(X >= 2 of 3) = 3 p^2 - 2 p^3 = 0.05 at 0.1354; P(X <= 2 of 3) = 1 - p^3 = 0.05 at 0.9830.
    assert numbers["accepted_accuracy_95_lower"] == pytest.approx(0.1354, abs=1e-4)
    assert numbers["accepted_accuracy_95_upper"] == pytest.approx(0.95 ** (1 / 3))


@parts
def test_variants_of_one_title_count_less_by_hand(parts):
    # Titles 1 (right twice) and 2 (wrong twice), share 1/2: deviations of 1 and -1 against 4 / 4
    # expected: a design effect of 2, so one of two. P(X >= 1 of 2) = .05 at 1 - sqrt(.95).
    rows = [(*ROWS[0], 1), (*ROWS[2], 2), (*ROWS[0], 1), (*ROWS[2], 2)]
    numbers = combine(AcceptedAccuracy(0.95), rows, parts)
    assert numbers["accepted_95"] == 4
    assert numbers["accepted_accuracy_95_effective"] == pytest.approx(2)
    assert numbers["accepted_accuracy_95_lower"] == pytest.approx(1 - 0.95**0.5)
    # All accepted: nothing shows how alike titles are, so each counts once.
    assert combine(CoverageAtTarget(0.95), rows, parts)["coverage_at_95_effective"] == 2
    assert combine(Accuracy(), rows, parts)["accuracy_effective"] == pytest.approx(2)


def test_accepted_accuracy_of_nothing_is_not_a_number():
    numbers = combine(AcceptedAccuracy(0.95), ROWS[3:])
    assert numbers["accepted_95"] == 0
    assert math.isnan(numbers["accepted_accuracy_95"])
    assert math.isnan(numbers["accepted_accuracy_95_lower"])


@parts
def test_expected_accuracy_divides_agreement_by_the_labels_expected_to_be_right(parts):
    rows = [ROWS[0], ROWS[1], ROWS[2], ROWS[3]]  # one "bowls": two of three workers said so
    numbers = combine(ExpectedAccuracy(1.0), rows, parts)
    whole, split = label_probabilities(
        [Stratum(3, 2 / 3, 1.0, 3), Stratum(1, 1.0, 0.6667, 3)], confusable=1.0
    )
    labels = (3 * whole + split) / 4
    assert numbers["labels_expected"] == pytest.approx(labels)
    assert numbers["accuracy_expected"] == pytest.approx(0.75 / labels)
    # Fréchet: of the three, at least 2/3 + p - 1; of the one, at least p.
    assert numbers["accuracy_expected_least"] == pytest.approx((3 * (whole - 1 / 3) + split) / 4)
    assert numbers["accuracy_expected_most"] == pytest.approx((3 * (5 / 3 - whole) + split) / 4)
    accepted = combine(ExpectedAccuracy(1.0, target=0.95), rows, parts)
    assert accepted["accepted_accuracy_95_expected_least"] == pytest.approx(
        2 / 3 + accepted["accepted_labels_95_expected"] - 1
    )


def test_labels_of_unknown_confidence_say_nothing_of_expected_accuracy():
    row = {**columns(*ROWS[0]), "label_confidence": np.array([np.nan])}
    assert math.isnan(measure(ExpectedAccuracy(1.0), [row])["accuracy_expected"])


def test_a_model_without_a_target_is_not_measured_at_it():
    unsaid = {**columns(*ROWS[0]), "accepted_95": np.array([-1])}
    numbers = measure(CoverageAtTarget(0.95), [unsaid, columns(*ROWS[0]), columns(*ROWS[3])])
    assert numbers["coverage_at_95"] == 0.5
    assert math.isnan(measure(CoverageAtTarget(0.95), [unsaid])["coverage_at_95"])
    with pytest.raises(KeyError):
        measure(CoverageAtTarget(0.9), [unsaid])


@parts
def test_false_accepts_are_the_accepted_strangers_only(parts):
    assert combine(FalseAccepts(0.95), ROWS, parts) == {"false_accepts_95": 1}


@parts
def test_macro_f1_by_hand(parts):
    # mugs: 2*2/(3+2) = .8; bowls: 2*1/(1+3) = .5; chairs: 0.
    assert combine(MacroF1(), ROWS, parts)["macro_f1"] == pytest.approx(1.3 / 3)


def test_macro_f1_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    rows = [(*rng.choice(list(PARENT), 2), 0.5, True, True) for _ in range(200)]
    labels, predicted = [row[0] for row in rows], [row[1] for row in rows]
    expected = sklearn.metrics.f1_score(labels, predicted, average="macro")
    assert combine(MacroF1(), rows, 4)["macro_f1"] == pytest.approx(expected)


@parts
def test_calibration_error_by_hand(parts):
    # 15 bins: {.99, .95} both right, {.90} wrong, {.70} right, {.40} wrong.
    expected = (0.06 + 0.9 + 0.3 + 0.4) / 5
    assert combine(CalibrationError(), ROWS, parts)["ece"] == pytest.approx(expected)


@parts
def test_oracle_coverage_takes_the_deepest_rank_that_keeps_the_target(parts):
    # Right among the first m: 1, 2, 2, 3, 3: at 75 % the deepest is m = 4.
    numbers = combine(OracleCoverage(0.75), ROWS, parts)
    assert numbers == {"coverage_at_75_oracle": pytest.approx(0.8)}


def test_oracle_coverage_may_accept_nothing():
    assert oracle_coverage([0.9, 0.8], [False, True], 0.95) == 0.0


def test_oracle_coverage_accepts_ties_together():
    # Alone, the first of the two tied products would be right.
    assert oracle_coverage([0.9, 0.9, 0.1], [True, False, False], 0.95) == 0.0


def test_oracle_coverage_of_no_products_is_not_a_number():
    assert math.isnan(oracle_coverage([], [], 0.95))


@pytest.mark.slow
def test_tfma_gives_the_same_numbers_over_several_bundles(tmp_path):
    import apache_beam as beam

    from components.evaluator import analysis
    from components.evaluator.prediction_rows import row_schema

    rows = [
        {
            "model": "candidate",
            "mode": "combined",
            "split": "eval",
            "gold": "mugs",
            **{
                name: value.item().decode() if value.dtype.kind == "S" else value.item()
                for name, value in columns(*row).items()
            },
            "accepted_98": False,
            "parent_accepted_98": False,
            "has_text": True,
            "has_image": False,
        }
        for row in ROWS
    ]
    flags = [field.name for field in row_schema() if field.type == pa.bool_()]
    rows = [{**row, **{name: bool(row[name]) for name in flags}} for row in rows]
    with beam.Pipeline() as pipeline:
        tables = [pa.Table.from_pylist(rows[part::3], row_schema()) for part in range(3)]
        bundles = [
            pipeline | f"Create{part}" >> beam.Create([tables[part]], reshuffle=True)
            for part in range(3)
        ]
        _ = bundles | beam.Flatten() | analysis.WriteAnalysis(PARENT, [], str(tmp_path))
    slices = analysis.read_slices(str(tmp_path))
    whole = slices[frozenset({("model", "candidate"), ("mode", "combined"), ("split", "eval")})]
    # Two leaves in the kitchen, chairs alone: (1 + 1 + 0) / 3 siblings, so at least 1.
    uncertain = (ExpectedAccuracy(1.0), ExpectedAccuracy(1.0, 0.95))
    metrics = (Accuracy(), MacroF1(), CalibrationError(), AcceptedAccuracy(0.95))
    for metric in (*metrics, *uncertain):
        for name, value in combine(metric, ROWS).items():
            assert whole[name] == pytest.approx(value), name
    served = {("model", "candidate"), ("mode", "combined"), ("split", "eval")}
    assert slices[frozenset({*served, ("predicted", "bowls")})]["false_accepts_95"] == 1
    assert slices[frozenset({*served, ("parent", "seats")})]["accuracy"] == 0
    gold = frozenset({("model", "candidate"), ("mode", "combined"), ("split", "eval_gold")})
    assert slices[gold]["accuracy"] == pytest.approx(2 / 5)
