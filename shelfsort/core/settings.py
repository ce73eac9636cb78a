"""Checks settings that were read from YAML, and names the line of what does not fit."""

from typing import Any, TypeVar

import pydantic

from shelfsort.core.errors import InputError
from shelfsort.core.yaml import Document, Keys

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
        InputError: a setting is unknown, missing or does not fit; the message names its line.
    """
    given = document.value if value is None else value
    try:
        return pydantic.TypeAdapter(kind).validate_python(given)
    except pydantic.ValidationError as error:
        raise InputError(_explained(file, document, at, error)) from error


def line_of(document: Document, keys: Keys) -> int:
    """The line of the innermost of these keys that the document has."""
    lines = document.lines
    return next((lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in lines), 1)


def _explained(file: str, document: Document, at: Keys, error: pydantic.ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    keys = (*at, *(str(key) for key in first["loc"]))
    place, name, kind = f"{file}:{line_of(document, keys)}", ".".join(keys), first["type"]
    if kind == "missing":
        return f"{place}: {name} is missing. Add it."
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{place}: no setting {name!r}. Remove or correct it."
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {name}: {said[:1].lower()}{said[1:]}. Correct it."
