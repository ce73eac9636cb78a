"""What the gate asks of a model, as it stands in the configuration under `gate`."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from shelfsort.core.errors import InputError


@dataclass(frozen=True)
class GateConfig:
    """Floors and rules. Shares are 0 to 1; accuracies and coverages are of mode combined, eval.

    Attributes:
        accuracy: floor of the accuracy's lower bound.
        accepted_accuracy_95: floor of the lower bound of the accuracy among products decided at
            95 %; asked only where something is decided. Below 0.95, since even a model that keeps
            its promise exactly has a lower bound beneath it.
        accepted_accuracy_98: likewise at 98 %.
        coverage_95: floor of the lower bound of the share decided at 95 %. At 0 a model that
            always leaves the decision to a person may go live.
        coverage_98: likewise at 98 %.
        category_accuracy: no category's accuracy may be below this beyond chance.
        on_broken_category: what to do when a category breaks the promise on `eval` beyond chance:
            refuse the model, or let it pass and say so. The promise of thresholds of scope
            "overall" is about all products together, so that "report" can be right for them.
        confidence: of every test; the bounds in metrics.json are always at 95 %.
        min_calibration: fewest calibration products that thresholds may be fitted on; None: as
            many as prove 95 % when all of them are right (59 at 95 % confidence).
        max_accuracy_loss: by how much the accuracy may fall against the live model even where
            that is more than chance.
        max_coverage_loss: likewise for the share decided at 95 %; chance is also that of the
            calibration products that thresholds were fitted on (`redraws`).
        max_coverage_loss_by_chance: by how much that share may fall where those products can
            explain it. Beyond, a person is to look: the labels may have changed, or the fit has
            been very unlucky.
        on_unloadable_live: what to do when the live model cannot be loaded.
        on_missing_statistics: what to do when the live model has no training statistics that
            today's data could be compared with.
        approved_by: the person who lets the model go live whatever the checks say; recorded.
    """

    accuracy: float = 0.5
    accepted_accuracy_95: float = 0.9
    accepted_accuracy_98: float = 0.93
    coverage_95: float = 0.0
    coverage_98: float = 0.0
    category_accuracy: float = 0.0
    on_broken_category: Literal["refuse", "report"] = "refuse"
    confidence: float = 0.95
    min_calibration: int | None = None
    max_accuracy_loss: float = 0.0
    max_coverage_loss: float = 0.02
    max_coverage_loss_by_chance: float = 0.2
    on_unloadable_live: Literal["refuse", "ignore"] = "refuse"
    on_missing_statistics: Literal["refuse", "ignore"] = "refuse"
    approved_by: str | None = None

    def __post_init__(self) -> None:
        for name, value in _shares(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise InputError(f"gate.{name}: {value!r} is no share. Give 0 to 1.")
        if not 0.5 <= self.confidence < 1:
            raise InputError(
                f"gate.confidence: {self.confidence!r} is out of range. Give 0.5 to below 1."
            )
        if self.min_calibration is not None and not (
            type(self.min_calibration) is int and self.min_calibration >= 0
        ):
            raise InputError(
                f"gate.min_calibration: {self.min_calibration!r} is no count of products. "
                "Give 0 or more, or leave it out."
            )
        if self.on_broken_category not in ("refuse", "report"):
            raise InputError(
                f"gate.on_broken_category: {self.on_broken_category!r} is unknown. "
                "Give refuse or report."
            )
        for name in ("on_unloadable_live", "on_missing_statistics"):
            if getattr(self, name) not in ("refuse", "ignore"):
                raise InputError(
                    f"gate.{name}: {getattr(self, name)!r} is unknown. Give refuse or ignore."
                )
        if self.approved_by is not None and not str(self.approved_by).strip():
            raise InputError("gate.approved_by: the name is empty. Say who approves.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "GateConfig":
        """Reads the settings of a configuration file.

        Raises:
            InputError: an unknown name (the nearest known one is given) or a bad value.
        """
        known = [each.name for each in fields(cls)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
                remedy = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
                raise InputError(f"gate.{name}: no such setting. {remedy}")
        return cls(**values)


def _shares(config: GateConfig) -> dict[str, Any]:
    return {
        each.name: getattr(config, each.name)
        for each in fields(config)
        if each.type in (float, "float")
    }
