"""The setting behind each check of a model, and what to do where the check fails."""

import dataclasses
import re
from dataclasses import dataclass

from components.check import Check

_TARGET = re.compile(r"_(\d{2}(?:_\d{1,2})?)$")
_LABELS = "Look at the errors: some labels may be wrong. Correct them, or label more products"

_SMALLER = "Choose a smaller image backbone or text encoder, or raise the maximum."


@dataclass(frozen=True)
class _Advice:
    """What a check depends on.

    Attributes:
        setting: dotted key of the configuration; "" where none decides.
        remedy: a sentence or two.
        by_target: whether the setting has an entry for each target.
    """

    setting: str
    remedy: str
    by_target: bool = False


_ADVICE = {
    "accuracy": _Advice("gate.accuracy", f"{_LABELS} of the categories with most errors."),
    "accepted_accuracy": _Advice(
        "gate.accepted_accuracy",
        f"{_LABELS}: the bounds narrow with the number of eval products.",
        by_target=True,
    ),
    "coverage": _Advice(
        "gate.coverage", "Label more products, or lower the minimum.", by_target=True
    ),
    "any_coverage": _Advice(
        "gate.on_no_coverage",
        "Check the labels that stood against the proof, or label more products. To go live with "
        "parent categories alone: --set gate.on_no_coverage=ignore.",
    ),
    "calibration_evidence": _Advice(
        "gate.min_calibration", "Label more products. `shelfsort check` says how many."
    ),
    "category_accuracy": _Advice(
        "gate.category_accuracy",
        f"{_LABELS} of these categories, or merge what people confuse (data.reduction).",
    ),
    "category_promise": _Advice(
        "gate.on_broken_category",
        f"{_LABELS} of these categories. Or let each category prove the guarantee by itself: --set "
        "training.calibration.threshold_scope=category.",
    ),
    "live_loadable": _Advice(
        "gate.on_unloadable_live",
        "Roll back to a version that loads (`shelfsort models rollback`), or --set "
        "gate.on_unloadable_live=ignore.",
    ),
    "live_taxonomy": _Advice("", "Keep the ids of categories that the live model knows."),
    "live_accuracy": _Advice(
        "gate.max_accuracy_loss",
        "Look at the products that are newly wrong: labels that arrived since may be wrong.",
    ),
    "live_coverage": _Advice(
        "gate.max_coverage_loss",
        "Look at the labels that arrived since the live model, or label more products.",
    ),
    "live_categories": _Advice(
        "gate.confidence",
        "Look at the errors of these categories: labels that arrived since may be wrong.",
    ),
    "cost_milliseconds_alone": _Advice(
        "gate.cost.milliseconds_alone",
        "Repeat the run on an idle machine. Otherwise choose a smaller image backbone or text "
        "encoder, or raise the maximum.",
    ),
    "cost_cpu_milliseconds": _Advice("gate.cost.cpu_milliseconds", _SMALLER),
    "cost_wire_bytes": _Advice(
        "gate.cost.wire_bytes",
        "Let clients send smaller images: the model scales them down to its own size anyway. Or "
        "raise the maximum.",
    ),
    "cost_model_mb": _Advice("gate.cost.model_mb", _SMALLER),
    "cost_memory_mb": _Advice(
        "gate.cost.memory_mb",
        "Give the server more memory and raise the maximum, or choose a smaller image backbone or "
        "text encoder.",
    ),
    "anomalies": _Advice("", "Correct the data that the anomalies name."),
    "drift": _Advice(
        "drift.max_distance",
        "Look at what changed. If the catalogue really changed, approve the model: later runs are "
        "compared with it.",
    ),
    "serving_skew": _Advice(
        "drift.max_distance",
        "Label products like those that are asked about, or correct what callers send.",
    ),
    "blessing_agrees": _Advice("", "Repeat the run."),
    "serving_check": _Advice(
        "serving_check.golden_products",
        "The run's log has the details. Correct the cause and repeat the run.",
    ),
}


def advised(check: Check) -> Check:
    """The check with the setting that decides it, and with a remedy if it failed."""
    name = check.name
    target = _TARGET.search(name)
    advice = _ADVICE.get(name[: target.start()] if target else name)
    if advice is None and name.startswith("serving_check"):
        advice = _ADVICE["serving_check"]
    if advice is None:
        return check
    setting = advice.setting
    if target and advice.by_target:
        setting += f".{target[1]}"
    return dataclasses.replace(check, setting=setting, remedy="" if check.passed else advice.remedy)


def serving_advised(check: Check) -> Check:
    """A check of ServingCheck, under the name that the report gives it."""
    return advised(dataclasses.replace(check, name=f"serving_check_{check.name}"))
