"""What the gate requires of a model; the pipeline's configuration embeds this as `gate`."""

import dataclasses
from typing import Annotated, Literal

from pydantic import Field

Share = Annotated[float, Field(ge=0, le=1)]


@dataclasses.dataclass(frozen=True)
class GateConfig:
    """The gate: floors and rules that decide whether a model may go live.

    Accuracies and coverages are measured on `eval`, in mode combined. A floor applies to the lower
    bound of its figure.

    Attributes:
        accuracy: Floor of the accuracy.
        accepted_accuracy_95: Floor of the accuracy among products accepted at 95 %. Not checked
            where nothing is accepted. Below 0.95, because even a model that keeps the guarantee
            exactly has a lower bound beneath it.
        accepted_accuracy_98: Floor of the accuracy among products accepted at 98 %.
        coverage_95: Floor of the share accepted at 95 %. At 0 a model that accepts nothing may go
            live.
        coverage_98: Floor of the share accepted at 98 %.
        category_accuracy: Floor of each category's accuracy, beyond chance.
        on_broken_category: Consequence when a category breaks the accuracy guarantee on `eval`
            beyond chance: `refuse` the model, or `report` it only. `report` suits the threshold
            scope `overall`, whose guarantee covers all products together.
        confidence: Confidence of every check. The bounds in metrics.json are always at 95 %.
        min_calibration: Minimum number of calibration products. null for as many as prove 95 %
            when all of them are right: 59 at 95 % confidence.
        max_accuracy_loss: Tolerated loss of accuracy against the live model, where the loss is
            more than chance.
        max_coverage_loss: Tolerated loss of the share accepted at 95 % against the live model,
            where the loss is more than chance. Redrawn calibration products measure the chance.
        max_coverage_loss_by_chance: Tolerated loss of the share accepted at 95 % that chance can
            explain. Beyond it a person should look: labels may have changed, or the draw was very
            unlucky.
        on_unloadable_live: Consequence when the live model cannot be loaded: `refuse` or `ignore`.
        on_missing_statistics: Consequence when the live model has no training statistics to
            compare the data with: `refuse` or `ignore`.
        approved_by: Name of the person who lets the model go live whatever the checks find. It is
            recorded with the model.
    """

    accuracy: Share = 0.5
    accepted_accuracy_95: Share = 0.9
    accepted_accuracy_98: Share = 0.93
    coverage_95: Share = 0.0
    coverage_98: Share = 0.0
    category_accuracy: Share = 0.0
    on_broken_category: Literal["refuse", "report"] = "refuse"
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    min_calibration: Annotated[int, Field(ge=0)] | None = None
    max_accuracy_loss: Share = 0.0
    max_coverage_loss: Share = 0.02
    max_coverage_loss_by_chance: Share = 0.2
    on_unloadable_live: Literal["refuse", "ignore"] = "refuse"
    on_missing_statistics: Literal["refuse", "ignore"] = "refuse"
    approved_by: Annotated[str, Field(pattern=r"\S")] | None = None
