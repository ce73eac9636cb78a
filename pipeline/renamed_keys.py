"""Configuration keys that had another name in the last minor release, and work in this one too."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.keys import nested
from shelfsort.training.settings import RENAMED as TRAINING_RENAMED

RENAMED = {
    # Before the section that they were in, which was renamed itself.
    **{
        f"{section}.{floor}_{percent}": f"gate.{floor}.{percent}"
        for section in ("evaluation", "gate")
        for floor in ("accepted_accuracy", "coverage")
        for percent in (95, 98)
    },
    "validation": "drift",
    "evaluation": "gate",
    **{f"training.{old}": f"training.{new}" for old, new in TRAINING_RENAMED.items()},
}
"""New key by old key; a section stands for all that lies in it."""

_logger = logging.getLogger(__name__)


def rename_keys(values: dict[str, Any], place: Callable[[str], str]) -> None:
    """Moves what stands under old keys to the new ones, with a warning of one line for each.

    Args:
        values: nested settings; changed in place.
        place: says where a dotted key was given.

    Raises:
        InputError: the new key is given beside the old one.
    """
    for old, new in RENAMED.items():
        *sections, key = old.split(".")
        section = _section(values, sections)
        if key not in section:
            continue
        _logger.warning(
            "%s is now %s. Rename it: the next minor release refuses the old key.", place(old), new
        )
        conflict = f"{place(old)} is now {new}, which is given as well. Remove the old key."
        _merge(values, nested(new, section.pop(key)), conflict)


def _section(values: Any, keys: Sequence[str]) -> dict[str, Any]:
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}


def _merge(values: dict[str, Any], more: dict[str, Any], conflict: str) -> None:
    for key, value in more.items():
        if values.get(key) is None:
            values[key] = value
        elif isinstance(values[key], dict) and isinstance(value, dict):
            _merge(values[key], value, conflict)
        else:
            raise InputError(conflict)
