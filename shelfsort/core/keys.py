"""Dotted keys of nested settings: listed, and found under the names that they have had."""

from collections.abc import Iterator, Mapping
from typing import Any


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything in nested mappings that is no mapping itself."""
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{dotted}.")
        else:
            yield dotted, value


def current_key(key: str, renamed: Mapping[str, str]) -> str:
    """The name that a key has today.

    Args:
        key: dotted, as it was written by this version or an earlier one.
        renamed: new name by old name; a name stands for all that lies beneath it as well.
    """
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        if (new := renamed.get(".".join(parts[:length]))) is not None:
            return ".".join((new, *parts[length:]))
    return key


def nested(key: str, value: Any) -> dict[str, Any]:
    """Mappings in mappings, in which a dotted key has this value."""
    *sections, leaf = key.split(".")
    tree = {leaf: value}
    for section in reversed(sections):
        tree = {section: tree}
    return tree
