"""The space of a search: what a trial may propose, and the training that it stands for."""

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from shelfsort.core.errors import InputError
from shelfsort.core.keys import flat
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.tuning.settings import SpaceConfig

if TYPE_CHECKING:
    import optuna

Settings = Mapping[str, Any]
"""Values by dotted key of the section `training`."""

SEARCHED_SHARE = "calibration.searched_share"
ENCODER = "text.encoder"
KEYS = {
    "learning_rate": "fit.learning_rate",
    "weight_decay": "fit.weight_decay",
    "dropout": "fit.dropout",
    "label_smoothing": "fit.label_smoothing",
    "class_weight_power": "fit.class_weight_power",
    "epochs": "fit.epochs",
    "text_units": "text.units",
    "image_units": "image.units",
    "encoder_units": "text.encoder_units",
    "encoders": ENCODER,
}
"""Key of the section `training` by field of `SpaceConfig`."""

_LOGARITHMIC = frozenset(
    ("learning_rate", "weight_decay", "epochs", "text_units", "image_units", "encoder_units")
)
_DIGITS = 3


def searched_keys(space: SpaceConfig) -> list[str]:
    """Dotted keys that the space has values for."""
    return [key for field, key in KEYS.items() if getattr(space, field)]


def suggest(trial: "optuna.Trial", space: SpaceConfig, base: TrainingConfig) -> dict[str, Any]:
    """What a trial proposes, floats to three digits.

    Args:
        trial: proposes.
        space: to propose from.
        base: settings as configured.
    """
    found: dict[str, Any] = {}
    encoder: str = base.text.encoder
    if space.encoders:
        encoder = found[ENCODER] = trial.suggest_categorical(ENCODER, space.encoders)
    for field, key in KEYS.items():
        values = getattr(space, field)
        if field == "encoders" or not values or (field == "encoder_units" and not encoder):
            continue
        low, high = values
        if isinstance(low, int):
            found[key] = trial.suggest_int(key, low, high, log=field in _LOGARITHMIC)
        else:
            found[key] = _rounded(
                trial.suggest_float(key, low, high, log=field in _LOGARITHMIC), low, high
            )
    return found


def grid(space: SpaceConfig, points: int, seed: int) -> list[dict[str, Any]]:
    """Every combination of `points` values of each range, in an order that the seed gives."""
    axes = {
        key: list(values) if field == "encoders" else _points(field, values[0], values[1], points)
        for field, key in KEYS.items()
        if (values := getattr(space, field))
    }
    combinations = [
        dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())
    ]
    order = np.random.default_rng(seed).permutation(len(combinations))
    return [combinations[place] for place in order]


def with_settings(config: TrainingConfig, settings: Settings) -> TrainingConfig:
    """The configuration with some settings replaced."""
    values = dataclasses.asdict(config)
    for key, value in settings.items():
        section, name = key.split(".")
        values[section][name] = value
    return TypeAdapter(TrainingConfig).validate_python(values)


def checked_settings(found: Any, where: str) -> dict[str, Any]:
    """The settings of a file that a search wrote, checked.

    Args:
        found: JSON's plain values.
        where: the file, for an error.

    Raises:
        InputError: a key is none that a search sets, or a value does not fit.
    """
    known = {*KEYS.values(), SEARCHED_SHARE}
    unknown = sorted(set(found) - known) if isinstance(found, dict) else ["no mapping"]
    if unknown:
        raise InputError(
            f"{where}: {unknown[0]!r} is nothing that a search sets. Name the file "
            "best_hyperparameters.txt of a search, or a run that made one."
        )
    try:
        config = with_settings(TrainingConfig(), found)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}. Search again, or name "
            "another file."
        ) from error
    values = dict(flat(dataclasses.asdict(config)))
    return {key: values[key] for key in found}


def _points(field: str, low: Any, high: Any, points: int) -> list[Any]:
    if field in _LOGARITHMIC:
        values = np.geomspace(low, high, points)
    else:
        values = np.linspace(low, high, points)
    if isinstance(low, int):
        return sorted({round(value) for value in values})
    return sorted({_rounded(float(value), low, high) for value in values})


def _rounded(value: float, low: float, high: float) -> float:
    digits = _DIGITS - 1 - math.floor(math.log10(abs(value))) if value else 0
    return min(max(round(value, digits), low), high)
