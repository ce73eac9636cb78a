"""What is said about targets that cannot be certified."""

import dataclasses

import pytest

from components.evaluator.artifact import Metrics
from components.evaluator.outlook import needed, outlook
from shelfsort.contract.calibration import CALIBRATION_SPLIT, CROSS_FITTED, Calibration
from shelfsort.contract.learning_curve import (
    CurvePoint,
    LearningCurve,
    ModalityCurve,
    NeedyCategory,
    Shortfall,
)

SHORT = Shortfall(0.98, 1400, 900, 5200, 0.3, 0.1, 0.4, 0.96, 0.7)
CURVE = LearningCurve(
    600,
    {"combined": ModalityCurve((CurvePoint(600, 0.9, 0.8, 0.95, {0.98: 0.0}),), (SHORT,))},
    tuple(NeedyCategory(f"c{n}", f"Kitchen > C{n}", 10 + n, 0.5 - n / 10) for n in range(5)),
)
NOTHING = {"overall": {"95": 0.6, "98": None}, "evidence": CROSS_FITTED}


def metrics(
    curve: LearningCurve | None = CURVE, fitted: dict | None = None, **figures: float
) -> Metrics:
    modalities = {
        "combined": {"eval": {"n": 100, **figures}},
        "text": {"eval": {"n": 100}},
        "image": {"eval": {"n": 100}},
    }
    calibration = Calibration.from_json(dict.fromkeys(modalities, fitted or NOTHING))
    return Metrics(modalities, calibration=calibration, learning_curve=curve)


def test_a_shortfall_tells_more_labels_and_what_can_be_had_now():
    said, wanted = outlook(metrics(parent_coverage_at_98=0.41))
    for part in ("98 %", "600", "800", "1,400", "900 to 5,200", "41.0 %", "96 %", "70.0 %"):
        assert part in said
    assert wanted.index("Kitchen > C0 (10 products") < wanted.index("Kitchen > C4 (14 products")


def test_a_split_calibration_that_proves_too_little_is_named():
    apart = {**NOTHING, "evidence": CALIBRATION_SPLIT, "n": 60}
    _, said, _ = outlook(metrics(fitted=apart))
    assert "data.splits" in said and "60" in said


def test_nothing_is_said_where_every_target_is_certified():
    assert outlook(metrics(None)) == []


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        ({"high": None}, "900 and more", "None"),
        ({"products": None, "high": None}, "900 or more", "1,400"),
        ({"products": None, "low": None, "high": None}, "16 times", "900"),
    ],
)
def test_what_the_curve_does_not_reach_has_no_number(changes, said, unsaid):
    sentence = needed(CURVE, dataclasses.replace(SHORT, **changes))
    assert said in sentence
    assert unsaid not in sentence


def test_the_curve_stands_in_metrics_json_and_is_read_back():
    document = metrics().to_dict()
    assert document["learning_curve"]["modalities"]["combined"]["shortfalls"][0]["products"] == 1400
    assert Metrics.from_dict(document).learning_curve == CURVE
    assert "learning_curve" not in metrics(None).to_dict()
