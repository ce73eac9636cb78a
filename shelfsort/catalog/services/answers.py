"""The JSON of a service's answer, within bounds."""

from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.files import parse_json

MAX_DEPTH = 50
MAX_VALUES = 5_000_000


def parsed(body: bytes) -> Any:
    """The value that a body holds. Raises ValueError for one that is no JSON, or beyond bounds."""
    try:
        value = parse_json("answer", body, "", MAX_VALUES)
    except InputError as error:
        raise ValueError(_short(body)) from error
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return value
    raise ValueError(f"JSON of more than {MAX_DEPTH} levels")


def _inner(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _short(body: bytes) -> str:
    if not body.strip():
        return "an empty answer"
    return f"no JSON, but {beginning(body)!r}"


def beginning(body: bytes, most: int = 120) -> str:
    """The first characters of a body, on one line."""
    return " ".join(body[: 4 * most].decode("utf-8", "replace").split())[:most]
