"""Checks settings that were read from YAML, and names the line of what does not fit."""

from typing import Any, TypeVar

import pydantic

from shelfsort.core.errors import InputError, InputErrors
from shelfsort.core.yaml import Document, Keys

_MOST = 20
_Settings = TypeVar("_Settings")


def validated(
    kind: type[_Settings], file: str, document: Document, value: Any = None, at: Keys = ()
) -> _Settings:
    """The settings in a document, or in a part of it.

    Args:
        kind: dataclass or pydantic model of the settings.
        file: that holds them, for the message.
        document: as it was read.
        value: the part that holds these settings; None for the whole document.
        at: keys that lead to the part.

    Raises:
        InputError: settings are unknown, missing or do not fit; each fault names its line.
    """
    given = document.value if value is None else value
    try:
        return pydantic.TypeAdapter(kind).validate_python(given)
    except pydantic.ValidationError as error:
        faults = _faults(file, document, at, error)
        raise InputErrors(faults) if len(faults) > 1 else InputError(faults[0]) from error


def line_of(document: Document, keys: Keys) -> int:
    """The line of the innermost of these keys that the document has."""
    lines = document.lines
    return next((lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in lines), 1)


def _faults(file: str, document: Document, at: Keys, error: pydantic.ValidationError) -> list[str]:
    """A line for each setting that does not fit, in the order of the document."""
    found: dict[Keys, tuple[int, str]] = {}
    for each in error.errors(include_url=False):
        keys = (*at, *(str(key) for key in each["loc"]))
        # Where a setting may be of several types, each of them has a fault of its own.
        there = next((keys[:n] for n in range(len(keys), 0, -1) if keys[:n] in document.lines), at)
        setting = keys if each["type"] == "missing" else there
        found.setdefault(setting, (line_of(document, keys), _explained(file, document, keys, each)))
    lines = [text for _, text in sorted(found.values(), key=lambda each: each[0])]
    left = len(lines) - _MOST
    return lines if left <= 0 else [*lines[:_MOST], f"{file}: and {left} faults more."]


def _explained(file: str, document: Document, keys: Keys, first: Any) -> str:
    place, name, kind = f"{file}:{line_of(document, keys)}", ".".join(keys), first["type"]
    if kind == "missing":
        return f"{place}: {name} is missing. Add it."
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{place}: no setting {name!r}. Remove or correct it."
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {name}: {said[:1].lower()}{said[1:]}. Correct it."
