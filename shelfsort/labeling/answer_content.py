"""Reads the label out of what a worker submits in Ground Truth. Needs the standard library only."""

import json
from collections.abc import Mapping
from typing import Any

_LABEL = "label"
_EMPTY = (None, "", "no", False)
_NOT_KEPT = frozenset({_LABEL, "category"})


def strict_json(text: str | bytes) -> Any:
    """The value of JSON; NaN and infinities, which no reader of JSON has to take, become null."""
    return json.loads(text, parse_constant=lambda name: None)


def content_of(submitted: Any) -> Mapping[str, Any]:
    """The fields of an answer, which may be JSON in a string; none where it is something else."""
    if isinstance(submitted, str):
        try:
            submitted = strict_json(submitted)
        except (ValueError, RecursionError):
            return {}
    return submitted if isinstance(submitted, dict) else {}


def label_of(submitted: Any, field: str = "") -> str:
    """The label in an answer, at its top or in one of its elements; "" where none can be read.

    Args:
        submitted: the answer.
        field: that holds the label, "" for `label` or the only field there is.
    """
    content = content_of(submitted)
    for value in (content, *(each for each in content.values() if isinstance(each, dict))):
        named = value.get(field or _LABEL)
        if named is None and not field and len(value) == 1:
            named = next(iter(value.values()))
        if isinstance(named, list) and len(named) == 1:
            named = named[0]
        if isinstance(named, str) and named.strip():
            return named.strip()
    return ""


def remarks_of(submitted: Any) -> dict[str, Any]:
    """What an answer of the worker page says besides its label: seconds, comment, image problem."""
    content = content_of(submitted)
    remarks = {
        name: value
        for name, value in content.items()
        if isinstance(value, str | int | float) and value not in _EMPTY and name not in _NOT_KEPT
    }
    seconds = _seconds(remarks.pop("seconds", None))
    return remarks if seconds is None else {**remarks, "seconds": seconds}


def _seconds(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None
