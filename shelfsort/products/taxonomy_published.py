"""Trees as Google and Shopify publish them: text with ids and paths, and Shopify's JSON."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy_forms import (
    MAX_LEVELS,
    PATH_SEPARATOR,
    path_parts,
    under_a_root,
)

# Of more lines in a form than not, one that is not is a mistake; of fewer, the form is a guess.
_ENOUGH = 0.5


@dataclass(frozen=True)
class Listed:
    """A category as a line of a list names it.

    Attributes:
        line: in its file, from 1.
        id: as published.
        path: names from the top down to the category.
    """

    line: int
    id: str
    path: str


@dataclass(frozen=True)
class ListForm:
    """A form of list.

    Attributes:
        name: for people.
        example: of a line.
        pattern: of a line, with the groups `id` and `path`.
    """

    name: str
    example: str
    pattern: re.Pattern[str]


LIST_FORMS = (
    ListForm(
        "Shopify's list",
        "gid://shopify/TaxonomyCategory/ap-1 : Animals > Dogs",
        re.compile(r"(?P<id>gid://\S+)\s+:\s+(?P<path>\S.*)"),
    ),
    ListForm(
        "Google's list with ids",
        "1 - Animals > Dogs",
        re.compile(r"(?P<id>\d+) - (?P<path>\S.*)"),
    ),
    ListForm(
        "ids and paths with a tab between them",
        "ap-1<tab>Animals > Dogs",
        re.compile(r"(?P<id>[^\t]*[^\t\s])\s*\t\s*(?P<path>[^\t\s][^\t]*)"),
    ),
)


def list_form(lines: Sequence[tuple[int, str]]) -> ListForm | None:
    """The form of a list, None for paths without ids.

    Args:
        lines: number and text of each line that is neither blank nor a comment.
    """
    for form in LIST_FORMS:
        fitting = sum(form.pattern.fullmatch(text) is not None for _, text in lines)
        if fitting > _ENOUGH * len(lines):
            return form
    return None


def nodes_of_list(
    place: str, lines: Sequence[tuple[int, str]], form: ListForm
) -> tuple[list[dict[str, Any]], Callable[[str], int | None]]:
    """The nodes of a list, and the line of each id.

    Args:
        place: the file, for messages.
        lines: number and text of each line that is neither blank nor a comment.
        form: of the lines.

    Raises:
        InputError: a line is not of the form, or a path stands on two lines.
    """
    listed = []
    for number, text in lines:
        match = form.pattern.fullmatch(text)
        if match is None:
            raise InputError(
                f"{place}:{number}: the other lines are {form.name}, and this one is not. "
                f"Write it like {form.example!r}."
            )
        listed.append(Listed(number, match["id"].strip(), match["path"]))
    numbers = {each.id: each.line for each in listed}
    return _nodes(place, listed), numbers.get


def is_shopify(content: Any) -> bool:
    """Whether JSON is the file of categories that Shopify publishes."""
    return isinstance(content, Mapping) and isinstance(content.get("verticals"), list)


def nodes_of_shopify(place: str, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The nodes of Shopify's JSON, in its order, unchecked.

    Raises:
        InputError: a vertical has no list of categories.
    """
    nodes: list[dict[str, Any]] = []
    for vertical in content["verticals"]:
        categories = vertical.get("categories") if isinstance(vertical, Mapping) else None
        if not isinstance(categories, list):
            raise InputError(f"{place}: a vertical has no list of categories. Download it again.")
        for each in categories:
            if not isinstance(each, Mapping):
                raise InputError(f"{place}: a category is no JSON object. Download it again.")
            node: dict[str, Any] = {
                "id": each.get("id"),
                "name": each.get("name"),
                "subcategories": [],
            }
            parent = each.get("parent_id")
            nodes.append(node if parent in (None, "") else {**node, "parent": parent})
    if not nodes:
        raise InputError(f"{place}: no category. Download the file again.")
    return under_a_root(nodes)


def _nodes(place: str, listed: Sequence[Listed]) -> list[dict[str, Any]]:
    """Nodes that name their parents. A category that only paths name has its path as id."""
    ids: dict[tuple[str, ...], Listed] = {}
    for each in listed:
        # One name too many is enough for the check of the tree to refuse it.
        parts = path_parts(each.path)[: MAX_LEVELS + 1]
        if not parts:
            raise InputError(f"{place}:{each.line}: the path has no name. Write one.")
        if parts in ids:
            raise InputError(
                f"{place}:{each.line}: {each.path[:200]!r} stands on line {ids[parts].line}, too. "
                "Keep one of them."
            )
        ids[parts] = each
    nodes: dict[tuple[str, ...], dict[str, Any]] = {}
    for parts in ids:
        for length in range(1, len(parts) + 1):
            here = parts[:length]
            if here in nodes:
                continue
            known = ids.get(here)
            node: dict[str, Any] = {
                "id": known.id if known else PATH_SEPARATOR.join(here),
                "name": here[-1],
                "subcategories": [],
            }
            nodes[here] = {**node, "parent": nodes[here[:-1]]["id"]} if length > 1 else node
    return under_a_root(list(nodes.values()))
