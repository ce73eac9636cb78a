"""What a model may cost to serve, as the gate checks it."""

import dataclasses

import pytest
from pydantic import TypeAdapter, ValidationError

from components.evaluator import gate
from components.evaluator.artifact import Metrics
from components.evaluator.cost_checks import cost_checks
from components.evaluator.settings import CostLimits, GateConfig
from components.serving_check.artifact import ServingReport
from tests.fixtures.serving_cost import COST

MEASURED = ServingReport((), 38, 9.0, COST)


def test_without_settings_only_the_memory_is_limited():
    (check,) = cost_checks(MEASURED, CostLimits())
    assert (check.name, check.passed) == ("cost_memory_mb", True)
    assert (check.value, check.limit, check.floor, check.n) == (700, 4096, None, 32)


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("milliseconds_alone", 12.5),
        ("cpu_milliseconds", 6.5),
        ("wire_bytes", 5000),
        ("model_mb", 24.0),
        ("memory_mb", 700),
    ],
)
def test_a_limit_is_kept_where_the_figure_is_equal_and_broken_where_it_is_greater(limit, value):
    none = {field.name: None for field in dataclasses.fields(CostLimits)}
    (kept,) = cost_checks(MEASURED, CostLimits(**{**none, limit: value}))
    (broken,) = cost_checks(MEASURED, CostLimits(**{**none, limit: value - 0.1}))
    assert (kept.name, kept.value, kept.passed) == (f"cost_{limit}", value, True)
    assert (broken.value, broken.limit, broken.passed) == (value, value - 0.1, False)


def test_a_broken_limit_refuses_the_model_and_says_what_to_do_next():
    config = GateConfig(cost=CostLimits(cpu_milliseconds=5, memory_mb=None))
    checks = cost_checks(MEASURED, config.cost)
    verdict = gate.decide(Metrics(), [], config, other_checks=checks)
    (check,) = [each for each in verdict.checks if each.name.startswith("cost")]
    assert not verdict.blessed
    assert check.setting == "gate.cost.cpu_milliseconds"
    assert "raise the maximum" in check.remedy


def test_a_cost_that_was_not_measured_fails_every_limit():
    for report in (ServingReport(()), dataclasses.replace(MEASURED, cost=None)):
        (check,) = cost_checks(report, CostLimits())
        assert (check.passed, check.limit) == (False, 4096)


def test_a_graph_without_servingcheck_has_no_limit():
    assert cost_checks(None, CostLimits()) == []


def test_settings_of_the_gate_hold_limits_above_zero():
    read = TypeAdapter(GateConfig).validate_python({"cost": {"model_mb": 50, "memory_mb": None}})
    assert read.cost == CostLimits(model_mb=50.0, memory_mb=None)
    with pytest.raises(ValidationError):
        TypeAdapter(GateConfig).validate_python({"cost": {"model_mb": 0}})
