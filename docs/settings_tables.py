"""Writes the tables of settings into docs/configuration.md, from types and docstrings."""

import dataclasses
import inspect
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic

from pipeline.config import Config, to_dict

PAGE = Path(__file__).with_name("configuration.md")
_BEGIN = "<!-- Written by `make docs-config` from the settings' docstrings; do not edit. -->"
_END = "<!-- End of what `make docs-config` writes. -->"
_BLOCK = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_ATTRIBUTE = re.compile(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", re.MULTILINE | re.DOTALL)
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
_KINDS = {"number": "number", "integer": "integer", "string": "text", "null": "`null`"}


def with_tables(page: str) -> str:
    """The page with today's tables in place of those in it.

    Raises:
        ValueError: the page has no place for them, or several.
    """
    if len(_BLOCK.findall(page)) != 1:
        raise ValueError(f"{PAGE.name} must have one block between {_BEGIN} and {_END}")
    block = "\n".join([_BEGIN, "", *_sections(Config, to_dict(Config()), ""), _END])
    return _BLOCK.sub(lambda _: block, page)


def _sections(section: type, defaults: dict[str, Any], prefix: str) -> Iterator[str]:
    """The lines of a section and of those within it."""
    hints = typing.get_type_hints(section, include_extras=True)
    inner = {name: kind for name, kind in hints.items() if dataclasses.is_dataclass(kind)}
    summary, meanings = _documented(section)
    keys = [name for name in hints if name not in inner]
    if keys:
        yield from [f"### `{prefix.rstrip('.')}`" if prefix else "### The model", "", summary, ""]
        yield from ["| key | value | default | meaning |", "|---|---|---|---|"]
        for name in keys:
            value = _described(pydantic.TypeAdapter(hints[name]).json_schema())
            default = json.dumps(defaults[name])
            yield f"| `{prefix}{name}` | {value} | `{default}` | {meanings[name]} |"
        yield ""
    for name, kind in inner.items():
        yield from _sections(kind, defaults[name], f"{prefix}{name}.")


def _documented(section: type) -> tuple[str, dict[str, str]]:
    """What a docstring says of the section, and of each attribute, every one in a line."""
    summary, _, attributes = inspect.getdoc(section).partition("\nAttributes:\n")
    meanings = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(attributes)}
    return " ".join(summary.split()), meanings


def _described(schema: dict[str, Any]) -> str:
    """A JSON Schema in words."""
    if "anyOf" in schema:
        return ", or ".join(map(_described, schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    match schema["type"]:
        case "boolean":
            return "`true` or `false`"
        case "array":
            return f"list of {_described(schema['items'])}"
        case "object":
            (values,) = schema.get("patternProperties", {}).values() or [
                schema["additionalProperties"]
            ]
            return f"mapping to {_described(values)}"
        case kind:
            if {"minimum", "maximum"} <= schema.keys():
                return f"{_KINDS[kind]} from {schema['minimum']:g} to {schema['maximum']:g}"
            bounds = [f"{word} {schema[key]:g}" for key, word in _BOUNDS.items() if key in schema]
            return " ".join([_KINDS[kind], " and ".join(bounds)]).strip()


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
