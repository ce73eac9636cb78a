"""The gate's checks of what a model costs to serve, from what ServingCheck measured."""

from collections.abc import Callable
from dataclasses import dataclass

from components.check import Check
from components.evaluator.settings import CostLimits
from components.serving_check.artifact import ServingCost, ServingReport


@dataclass(frozen=True)
class _Question:
    """One figure of the cost that may have a limit.

    Attributes:
        name: of the check, which is `cost_` and the name of the setting.
        figure: reads the number.
        sentence: says it; `{value}` is the number.
        unit: of number and limit.
    """

    name: str
    figure: Callable[[ServingCost], float]
    sentence: str
    unit: str


_QUESTIONS = (
    _Question(
        "milliseconds_alone",
        lambda cost: cost.milliseconds_alone,
        "A product in a request of its own takes {value}.",
        "ms",
    ),
    _Question(
        "cpu_milliseconds",
        lambda cost: cost.cpu_milliseconds_in_batch,
        "A product of a full batch takes {value} of processor time.",
        "ms",
    ),
    _Question(
        "wire_bytes",
        lambda cost: cost.wire_bytes,
        "Request and response of a product have {value}.",
        "bytes",
    ),
    _Question("model_mb", lambda cost: cost.model_mb, "The model takes {value} on disk.", "MB"),
    _Question(
        "memory_mb",
        lambda cost: cost.peak_memory_mb,
        "A process that serves the model takes up to {value} of memory.",
        "MB",
    ),
)


def cost_checks(report: ServingReport | None, limits: CostLimits) -> list[Check]:
    """One check for each limit that is set.

    Args:
        report: of ServingCheck; None where the graph has none, which gives no checks.
        limits: from the gate's settings.
    """
    if report is None:
        return []
    asked = [(each, getattr(limits, each.name)) for each in _QUESTIONS]
    return [_check(report, each, limit) for each, limit in asked if limit is not None]


def _check(report: ServingReport, question: _Question, limit: float) -> Check:
    name = f"cost_{question.name}"
    if report.cost is None:
        reason = "ServingCheck measured no cost of serving the model, so the check fails."
        return Check(name, passed=False, reason=reason, limit=limit, n=0)
    value = question.figure(report.cost)
    said = question.sentence.format(value=_shown(value, question.unit))
    return Check(
        name,
        passed=value <= limit,
        reason=f"{said} The maximum is {_shown(limit, question.unit)}.",
        value=value,
        limit=limit,
        n=report.cost.products,
    )


def _shown(value: float, unit: str) -> str:
    number = f"{value:,.1f}".removesuffix(".0")
    return f"{number} {unit}"
