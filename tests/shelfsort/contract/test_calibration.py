"""The document of a model's thresholds: this version's and the older one."""

import json

import pytest

from shelfsort.contract.calibration import (
    VERSION,
    Calibration,
    ModalityCalibration,
    NodeThreshold,
    Target,
)
from shelfsort.core.errors import InputError


def target(overall: float | None, mugs: NodeThreshold, lids: NodeThreshold) -> Target:
    return Target(
        correlation=0.25,
        overall=overall,
        parent=0.4,
        levels={1: 0.3},
        categories={"mugs": mugs, "lids": lids},
        parents={"kitchen": NodeThreshold(0.2)},
    )


CALIBRATION = Calibration(
    {
        "text": ModalityCalibration(
            temperature=1.5,
            n=80,
            n_effective=72.5,
            confidence=0.95,
            scope="guarded",
            targets={
                0.95: target(0.5, NodeThreshold(0.5), NodeThreshold(0.7, 0.6)),
                0.975: target(None, NodeThreshold(None), NodeThreshold(None, None)),
            },
            n_by_category={"mugs": 50, "lids": 30},
            n_by_parent={"kitchen": 80},
        )
    }
)
# As version 1 wrote it.
OLDER = {
    "text": {
        "temperature": 1.5,
        "n": 80,
        "n_effective": 72.5,
        "confidence": 0.95,
        "scope": "guarded",
        "correlation": {"95": 0.25, "97_5": 0.25},
        "overall": {"95": 0.5, "97_5": None},
        "parent": {"95": 0.4, "97_5": 0.4},
        "levels": {"1": {"95": 0.3, "97_5": 0.3}},
        "by_category": {
            "mugs": {"95": 0.5, "97_5": None, "n": 50},
            "lids": {"95": 0.7, "97_5": None, "n": 30},
        },
        "by_parent": {"kitchen": {"95": 0.2, "97_5": 0.2, "n": 80}},
    }
}


def test_a_calibration_is_read_back_as_it_was():
    assert Calibration.from_json(json.loads(json.dumps(CALIBRATION.to_json()))) == CALIBRATION


def test_the_older_document_differs_in_version_evidence_and_floors_only():
    document = CALIBRATION.to_json()
    added = {name: document["text"].pop(name) for name in ("version", "evidence", "floors")}
    assert document == OLDER
    floors = {"mugs": {"95": 0.0, "97_5": 0.0}, "lids": {"95": 0.6, "97_5": None}}
    assert added == {"version": VERSION, "evidence": "calibration", "floors": floors}


def test_older_models_show_their_floors_where_a_threshold_is_not_the_overall_one():
    text = Calibration.from_json(OLDER).of("text")
    assert text.at(0.95).floors == {"mugs": 0.0, "lids": 0.7}
    # Without an overall threshold nothing tells a floor from a refutation.
    assert text.at(0.975).floors == {"mugs": 0.0, "lids": 0.0}
    overall = {"text": {**OLDER["text"], "scope": "overall"}}
    assert Calibration.from_json(overall).of("text").at(0.95).floors == {"mugs": 0.0, "lids": 0.0}


def test_a_category_without_a_threshold_of_its_own_lets_nothing_through():
    silent = {"text": {**OLDER["text"]}}
    silent["text"]["by_category"] = {"mugs": {"95": 0.5, "n": 1}, "lids": {"95": None, "n": 1}}
    text = Calibration.from_json(silent).of("text")
    assert text.at(0.95).floors == {"mugs": 0.0, "lids": None}
    assert (text.threshold("lids", 0.95), text.threshold("pots", 0.95)) == (None, None)
    assert text.accepts_any(0.95)


def test_what_a_model_does_not_know_accepts_nothing():
    unknown = CALIBRATION.of("image")
    assert (unknown.n, unknown.threshold("mugs", 0.95), unknown.accepts_any(0.95)) == (
        0,
        None,
        False,
    )
    assert CALIBRATION.of("text").parent_threshold("kitchen", 0.99) is None
    assert Calibration.from_json(None).modalities == {}


@pytest.mark.parametrize(
    "document",
    [
        [1],
        {"text": 3},
        {"text": {"overall": {"high": 0.5}}},
        {"text": {"by_category": {"mugs": 0.5}}},
        {"text": {"temperature": "warm"}},
        {"text": {"version": VERSION + 1}},
        {"text": {"version": 2, "by_category": {"mugs": {"95": 0.5}}, "floors": {}}},
    ],
)
def test_a_document_of_another_form_is_refused(document):
    with pytest.raises(InputError, match=r"^thresholds: "):
        Calibration.from_json(document)
