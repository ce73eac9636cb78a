"""The learning curve as a document."""

import json

import pytest

from shelfsort.contract.learning_curve import (
    CurvePoint,
    LearningCurve,
    ModalityCurve,
    NeedyCategory,
    Shortfall,
)
from shelfsort.core.errors import InputError

CURVE = LearningCurve(
    products=600,
    modalities={
        "combined": ModalityCurve(
            points=(CurvePoint(300, 0.8, 0.75, 0.85, {0.95: 0.0, 0.975: 0.0}),),
            shortfalls=(Shortfall(0.975, 1400, 900, None, 0.1, 0.0, 0.4, 0.96, 0.7),),
        )
    },
    categories=(NeedyCategory("mugs", "Kitchen > Mugs", 12, 0.4),),
)


def test_a_curve_is_read_back_from_json():
    document = json.loads(json.dumps(CURVE.to_json()))
    assert list(document["modalities"]["combined"]["points"][0]["coverage"]) == ["95", "97_5"]
    assert LearningCurve.from_json(document) == CURVE


def test_models_without_a_curve_have_none():
    assert LearningCurve.from_json(None) is None


def test_a_shortfall_is_found_by_modality_and_target():
    assert CURVE.shortfall("combined", 0.975).products == 1400
    assert CURVE.shortfall("combined", 0.95) is None
    assert CURVE.shortfall("text", 0.975) is None


def changed(part, **fields):
    document = CURVE.to_json()
    curve = document["modalities"]["combined"]
    (document["categories"] if part == "categories" else curve[part])[0].update(fields)
    return document


@pytest.mark.parametrize(
    "broken",
    [
        {"products": 3},
        {**CURVE.to_json(), "products": "many"},
        {**CURVE.to_json(), "products": 1.5},
        [1],
        changed("points", accuracy="0.8"),
        changed("points", products=None),
        changed("points", coverage={"95": "0.1"}),
        changed("shortfalls", high="900"),
        changed("shortfalls", doubled=None),
        changed("categories", path=3),
        changed("categories", labels=True),
    ],
)
def test_another_form_is_refused_with_the_place(broken):
    with pytest.raises(InputError, match=r"here: .*train the model again"):
        LearningCurve.from_json(broken, "here")
