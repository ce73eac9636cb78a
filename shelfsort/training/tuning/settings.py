"""What can be set about the search of settings; the configuration embeds this as `tuning`."""

import dataclasses
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]

_T = TypeVar("_T")


def _range(values: tuple[_T, ...]) -> tuple[_T, ...]:
    if len(values) not in (0, 2) or list(values) != sorted(values):  # type: ignore[type-var]
        raise ValueError("is not [lowest, highest], nor [] for a setting that is not searched")
    return values


Sizes = Annotated[tuple[Positive, ...], AfterValidator(_range)]
Rates = Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], AfterValidator(_range)]
Shares = Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], AfterValidator(_range)]
Powers = Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], AfterValidator(_range)]
Encoder = Literal["", "minilm", "e5_multilingual"]


@dataclasses.dataclass(frozen=True)
class SpaceConfig:
    """The values to search, each `[lowest, highest]`; `[]` leaves a setting as it is configured.

    Attributes:
        learning_rate: Range of `training.fit.learning_rate`, on a logarithmic scale.
        weight_decay: Range of `training.fit.weight_decay`, on a logarithmic scale.
        dropout: Range of `training.fit.dropout`.
        label_smoothing: Range of `training.fit.label_smoothing`.
        class_weight_power: Range of `training.fit.class_weight_power`.
        epochs: Range of `training.fit.epochs`, on a logarithmic scale.
        text_units: Range of `training.text.units`, on a logarithmic scale.
        image_units: Range of `training.image.units`, on a logarithmic scale.
        encoder_units: Range of `training.text.encoder_units`, on a logarithmic scale. It is
            searched for trials with an encoder.
        encoders: Values of `training.text.encoder` to choose from.
    """

    learning_rate: Rates = (5e-4, 8e-3)
    weight_decay: Rates = ()
    dropout: Shares = (0.1, 0.6)
    label_smoothing: Shares = ()
    class_weight_power: Powers = ()
    epochs: Sizes = (5, 20)
    text_units: Sizes = (96, 384)
    image_units: Sizes = (128, 512)
    encoder_units: Sizes = ()
    encoders: tuple[Encoder, ...] = ()


@dataclasses.dataclass(frozen=True)
class TuningConfig:
    """The search of settings before training; the first trial has the settings as configured.

    Attributes:
        trials: Number of trials. 0 for no search.
        sampler: What proposes settings. `tpe`: a Tree-structured Parzen Estimator. `random`: the
            whole space, evenly. `grid`: every combination of `grid_points` values of each range, in
            random order.
        pruning: Whether a trial ends early where its folds so far are worse than the median of
            earlier trials.
        grid_points: Number of values of each range in a grid, its ends included.
        workers: Number of trials that run at the same time, in processes or on the Tuner's Beam
            engine. With one, the same seed gives the same trials.
        share: Share of the groups of `train` that the search reads. They are no evidence for
            thresholds afterwards. A run with a split `calibration` searches all groups of `train`.
        folds: Number of folds in which a trial is cross-fitted.
        time_limit_s: Seconds after which no further trial starts. 0 for no limit.
        seed: Seed of the sampler.
        study_folder: Folder that keeps trials, so that a killed search goes on. Empty for none on a
            cluster, and for a folder in the output folder on one machine.
    """

    trials: Count = 0
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    pruning: bool = True
    grid_points: Annotated[int, Field(ge=2, le=20)] = 3
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    folds: Annotated[int, Field(ge=2)] = 3
    time_limit_s: Count = 0
    seed: Count = 7
    study_folder: str = ""
    space: SpaceConfig = SpaceConfig()
