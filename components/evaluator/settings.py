"""What the gate requires of a model; the pipeline's configuration embeds this as `gate`."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from shelfsort.contract.targets import target_key
from shelfsort.stats.binomial import attained_bound

Share = Annotated[float, Field(ge=0, le=1)]


def _by_key(floors: Any) -> Any:
    """A mapping by percent as YAML may have it (95, 97.5, "97_5") as one by `target_key`."""
    if not isinstance(floors, Mapping):
        return floors
    by_key: dict[str, Any] = {}
    for percent, floor in floors.items():
        key = str(percent).replace(".", "_").removesuffix("_0")
        if key in by_key and by_key[key] != floor:
            raise ValueError(f"gives the floor of {key} twice")
        by_key[key] = floor
    return by_key


Floors = Annotated[
    dict[Annotated[str, Field(pattern=r"^\d{2}(_\d{1,2})?$")], Share], BeforeValidator(_by_key)
]
"""Floors by target in percent; the keys are those of `target_key`."""

# What the lower bound of a guarantee that holds exactly may lie below it in many products.
_BELOW_TARGET = 0.05


Limit = Annotated[float, Field(gt=0)]


@dataclasses.dataclass(frozen=True)
class CostLimits:
    """What a model may cost to serve at most, as ServingCheck measures it.

    ServingCheck asks the model about products of `eval`, without the network. null: no limit.

    Attributes:
        milliseconds_alone: Milliseconds by the clock for a product in a request of its own. A busy
            machine makes them more, so leave room.
        cpu_milliseconds: Milliseconds of processor time for a product in a batch of 32.
        wire_bytes: Bytes of the gRPC request and response of a product. The picture that the client
            sends is most of them.
        model_mb: Size of the model on disk, in MB.
        memory_mb: Greatest resident memory of a process that loads the model and answers by every
            signature at once, in MB. Python and TensorFlow alone take 580 MB of it, and a server
            that answers one signature takes less.
    """

    milliseconds_alone: Limit | None = None
    cpu_milliseconds: Limit | None = None
    wire_bytes: Limit | None = None
    model_mb: Limit | None = None
    memory_mb: Limit | None = 4096.0


@dataclasses.dataclass(frozen=True)
class GateConfig:
    """The gate: floors and rules that decide whether a model may go live.

    Accuracies and coverages are measured on `eval`, in mode combined. A floor applies to the lower
    bound of its figure.

    Attributes:
        accuracy: Floor of the accuracy.
        accepted_accuracy: Floors of the accuracy among accepted products, by target in percent:
            `{95: 0.9, 98: 0.93}`. For a target that is left out, the floor follows from the number
            of accepted products: it is the lower bound that a model which keeps the guarantee
            exactly attains in 95 % of samples of that size, and at most 5 points below the target.
            For 95 % it is 0.80 for 60 products and 0.9 from about 330. Not checked where nothing is
            accepted.
        coverage: Floors of the share of accepted products, by target in percent: `{95: 0.5}`. 0 for
            a target that is left out.
        on_no_coverage: Consequence when a model accepts no prediction at any target: `refuse` or
            `ignore`. `ignore` suits those who only want the answers with inner categories.
        category_accuracy: Floor of each category's accuracy, beyond chance.
        on_broken_category: Consequence when a category breaks the accuracy guarantee on `eval`
            beyond chance: `refuse` the model, or `report` it only. `report` suits the threshold
            scope `overall`, whose guarantee covers all products together.
        confidence: Confidence of every check. The bounds in metrics.json are always at 95 %.
        min_calibration: Minimum number of calibration products. null for as many as prove the
            lowest target when all of them are right: 59 for 0.95 at 95 % confidence.
        max_accuracy_loss: Tolerated loss of accuracy against the live model, where the loss is
            more than chance.
        max_coverage_loss: Tolerated loss of the share accepted at the lowest target against the
            live model, where the loss is more than chance. Redrawn calibration products measure the
            chance. Not checked where the two models have no target in common.
        max_coverage_loss_by_chance: Tolerated loss of that share that chance can explain. Beyond
            it a person should look: labels may have changed, or the draw was very unlucky.
        on_unloadable_live: Consequence when the live model cannot be loaded: `refuse` or `ignore`.
        on_missing_statistics: Consequence when the live model has no training statistics to
            compare the data with: `refuse` or `ignore`.
        approved_by: Name of the person who lets the model go live whatever the checks find. It is
            recorded with the model.
    """

    accuracy: Share = 0.5
    accepted_accuracy: Floors = dataclasses.field(default_factory=dict)
    coverage: Floors = dataclasses.field(default_factory=dict)
    on_no_coverage: Literal["refuse", "ignore"] = "refuse"
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
    cost: CostLimits = CostLimits()

    def accepted_accuracy_floor(self, target: float, n: float) -> float:
        """The floor of the accuracy among products accepted at a target, as many as `n` are worth.

        A configured floor is the same for every `n`.
        """
        given = self.accepted_accuracy.get(target_key(target))
        if given is not None:
            return given
        return round(min(target - _BELOW_TARGET, attained_bound(target, n)), 4)

    def follows_from_size(self, target: float, n: float) -> bool:
        """Whether that floor is lower because `n` is small."""
        floor = self.accepted_accuracy_floor(target, n)
        return target_key(target) not in self.accepted_accuracy and (
            floor < round(target - _BELOW_TARGET, 4)
        )

    def coverage_floor(self, target: float) -> float:
        """The floor of the share of products accepted at a target."""
        return self.coverage.get(target_key(target), 0.0)
