import dataclasses

from components.check import Check
from components.evaluator.artifact import Metrics, Verdict
from components.pusher.decision import completed_lineage, refusals, withdrawal_refusals
from tests.fixtures.serving_cost import COST

_VERDICT = Verdict(
    blessed=False,
    checks=(
        Check("accuracy", False, "0.41 is below the floor of 0.50."),
        Check("coverage_95", True, "0.90 is above the floor of 0.10."),
    ),
)
_SILENT = Verdict(blessed=False)
_CHECKS = (Check("warm_up", False, "is missing"),)


def _refusals(model: bool, infra: bool, verdict=_VERDICT, checks=_CHECKS) -> list[str]:
    return refusals(
        model_blessed=model, infra_blessed=infra, verdict=verdict, serving_checks=checks
    )


def _lineage(
    lineage=None,
    verdict=_SILENT,
    approved_by="",
    metrics=Metrics(),  # noqa: B008
    cost=None,
) -> dict:
    return completed_lineage(
        lineage or {},
        model_name="products",
        metrics=metrics,
        verdict=verdict,
        cost=cost,
        approved_by=approved_by,
        git_commit="c0ffee",
        now="2026-01-02T03:04:05+00:00",
    )


def test_both_blessings_are_wanted():
    assert _refusals(True, True) == []
    assert _refusals(False, True) == ["accuracy: 0.41 is below the floor of 0.50."]
    (reason,) = _refusals(True, False)
    assert reason.startswith("serving_check_warm_up: is missing")
    assert len(_refusals(False, False)) == 2


def test_a_missing_blessing_without_any_reason_is_a_reason():
    assert _refusals(False, False, _SILENT, ()) == [
        "The Evaluator did not bless the model.",
        "ServingCheck did not bless the model.",
    ]


def test_a_withdrawn_model_goes_live_again_only_by_name():
    withdrawn = {"abc": 2}
    (reason,) = withdrawal_refusals(withdrawn, "abc", approved_by="")
    assert "live as version 2 and was rolled back" in reason
    assert withdrawal_refusals(withdrawn, "abc", approved_by="Ada") == []
    assert withdrawal_refusals(withdrawn, "def", approved_by="") == []


def test_lineage_keeps_the_figures_on_held_out_products():
    metrics = Metrics(
        {
            "combined": {"calibration": {"n": 1}, "eval": {"n": 2}, "eval_gold": {"n": 3}},
            "text": {"eval": {"n": 4}},
        },
        live={"n": 5},
    )
    assert _lineage(metrics=metrics)["metrics"] == {
        "combined": {"eval": {"n": 2}, "eval_gold": {"n": 3}},
        "text": {"eval": {"n": 4}},
    }


def test_lineage_keeps_what_the_trainer_wrote_and_fills_what_it_left_empty():
    assert _lineage()["git_commit"] == "c0ffee"
    assert _lineage()["created"] == "2026-01-02T03:04:05+00:00"
    trained = {"git_commit": "beef", "created": "2026-01-01T00:00:00+00:00"}
    assert {**_lineage(trained), **trained} == _lineage(trained)


def test_lineage_keeps_the_cost_to_serve_where_it_was_measured():
    assert "serving_cost" not in _lineage()
    assert _lineage(cost=COST)["serving_cost"] == dataclasses.asdict(COST)


def test_an_approval_is_recorded_with_what_it_overrode():
    assert "approved_by" not in _lineage()
    by_property = _lineage(verdict=_VERDICT, approved_by="Ada")
    assert by_property["approved_by"] == "Ada"
    assert by_property["approved_despite"] == ["accuracy: 0.41 is below the floor of 0.50."]
    assert (
        _lineage(verdict=dataclasses.replace(_VERDICT, approved_by="Grace"))["approved_by"]
        == "Grace"
    )
