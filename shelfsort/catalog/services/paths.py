"""Paths that lead to values in JSON, such as `image.sizes.Best.url` or `categories[*].name`."""

import re
from functools import lru_cache
from typing import Annotated, Any

import pydantic
from pydantic import Field

_STEP = re.compile(r"""\[(\*|-?\d{1,6})\]|\["([^"]*)"\]|\.?([^.\[\]"]+)""")
_EVERY = object()
_MISSING = object()


@lru_cache(maxsize=1_000)
def _steps(path: str) -> tuple[Any, ...]:
    """Names, positions and `_EVERY`. Raises ValueError for what is no path."""
    steps: list[Any] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or (found[3] and path[at:].startswith(".") == (at == 0)):
            raise ValueError(f"{path!r} is no path; write one like a.b[*].c")
        index, quoted, name = found.groups()
        if index is not None:
            steps.append(_EVERY if index == "*" else int(index))
        else:
            steps.append(quoted if quoted is not None else name)
        at = found.end()
    return tuple(steps)


def values_at(value: Any, path: str) -> list[Any]:
    """All values that a path leads to, in order; none where something on the way is missing.

    Args:
        value: of JSON.
        path: names with points between them. `[*]` stands for every entry of a list or object,
            `[0]` for one of a list, and `["a.b"]` for a name with points. "" is the whole.
    """
    found = [value]
    for step in _steps(path):
        if step is _EVERY:
            found = [inner for each in found for inner in _entries(each)]
        else:
            reached = (_entry(each, step) for each in found)
            found = [each for each in reached if each is not _MISSING]
    return found


def _entries(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _entry(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
    if not isinstance(value, list) or not -len(value) <= step < len(value):
        return _MISSING
    return value[step]


def _checked(path: str) -> str:
    _steps(path)
    return path


JsonPath = Annotated[str, Field(max_length=500), pydantic.AfterValidator(_checked)]
"""A path in settings, checked when they are read."""
