"""The category tree of a service, from the one address that gives it."""

from typing import Any

import pydantic

from shelfsort.catalog.services.client import Service
from shelfsort.catalog.services.paths import JsonPath, values_at
from shelfsort.catalog.services.reading import rows_at
from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_checks import InvalidTaxonomy
from shelfsort.products.taxonomy_forms import under_a_root

_MAX_CATEGORIES = 200_000


class CategorySettings(pydantic.BaseModel):
    """Where a service gives its category tree, and in which form.

    Attributes:
        address: Of the tree, or what follows the host in it.
        rows: Path of the list of categories.
        id: Path of a category's id.
        name: Path of its name.
        parent: Path of the id of the category above it. The topmost ones have none, or all have
            the same that is not in the list.
        children: Path of the list of categories below it, where they stand inside each other.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    address: str
    rows: JsonPath = ""
    id: JsonPath = "id"
    name: JsonPath = "name"
    parent: JsonPath = ""
    children: JsonPath = ""


def read_tree(name: str, address: str, settings: CategorySettings, service: Service) -> Taxonomy:
    """Asks for the tree.

    Args:
        name: of the source, which begins messages.
        address: of the source, which that of the tree may be relative to.
        settings: of the tree.
        service: that is asked.

    Raises:
        InputError: the service refuses, or its categories form no tree.
    """
    url = service.same_origin(settings.address, address)
    reply = service.ask(url)
    nodes: list[dict[str, Any]] = []
    waiting = [(row, "") for row in reversed(rows_at(reply.value, settings.rows))]
    while waiting:
        item, above = waiting.pop()
        parent = above or _text(item, settings.parent)
        id_ = _text(item, settings.id)
        node = {"id": id_, "name": _text(item, settings.name), "subcategories": []}
        nodes.append({**node, "parent": parent} if parent else node)
        inner = rows_at(item, settings.children) if settings.children else []
        waiting += [(each, id_) for each in reversed(inner)]
        if len(nodes) > _MAX_CATEGORIES:
            raise InputError(f"{name}: there are more than {_MAX_CATEGORIES:,} categories.")
    try:
        return Taxonomy.from_nodes(under_a_root(_topped(nodes)))
    except InvalidTaxonomy as error:
        raise InputError(f"{name}: categories: {service.key.hidden(str(error))}") from error


def _topped(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nodes without the one parent that all topmost ones name, and that is not in the list."""
    ids = {node["id"] for node in nodes}
    outside = {node["parent"] for node in nodes if "parent" in node} - ids
    if len(outside) > 1 or (outside and any("parent" not in node for node in nodes)):
        return nodes
    return [
        {key: value for key, value in node.items() if key != "parent" or value not in outside}
        for node in nodes
    ]


def _text(item: Any, path: str) -> str:
    found = values_at(item, path) if path else []
    value = found[0] if found else None
    known = isinstance(value, (str, int)) and not isinstance(value, bool)
    return str(value).strip() if known else ""
