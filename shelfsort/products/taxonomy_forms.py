"""Trees that are given in part: by parents alone, by subcategories alone, or by paths alone."""

from collections.abc import Iterable, Mapping
from typing import Any

PATH_SEPARATOR = " > "
MAX_LEVELS = 100
"""Levels of a tree below the root."""
_ROOT = "root"


def path_parts(path: str) -> tuple[str, ...]:
    """The names on a path, without blanks around them; empty ones are left out.

    A path with ` > ` in it is divided there, and a name may have a bare `>`; else at each `>`.
    """
    separator = PATH_SEPARATOR if PATH_SEPARATOR in path else ">"
    return tuple(part.strip() for part in path.split(separator) if part.strip())


def canonical_path(path: str) -> str:
    """A path with ` > ` between its names: the id of its category in a tree made of paths."""
    return PATH_SEPARATOR.join(path_parts(path))


def nodes_of_paths(paths: Iterable[str]) -> list[dict[str, Any]]:
    """The nodes of the tree that paths describe, below a root; siblings sorted by name.

    Args:
        paths: of leaves, as a person writes them; categories above them are added.

    Returns:
        Nodes as `Taxonomy.from_nodes` takes them. The id of each but the root is its path.
    """
    parents: dict[tuple[str, ...], tuple[str, ...]] = {}
    for path in paths:
        # One name too many is enough for the check of the tree to refuse it.
        parts = path_parts(path)[: MAX_LEVELS + 1]
        for length in range(len(parts), 0, -1):
            parents[parts[:length]] = parts[: length - 1]
    root = _unused_id(PATH_SEPARATOR.join(parts) for parts in parents)
    ids = {parts: PATH_SEPARATOR.join(parts) for parts in parents} | {(): root}
    children: dict[tuple[str, ...], list[str]] = {}
    for parts in sorted(parents):
        children.setdefault(parents[parts], []).append(ids[parts])
    top = {"id": root, "name": "All products", "subcategories": children.get((), [])}
    return [
        top,
        *(
            {
                "id": ids[parts],
                "name": parts[-1],
                "subcategories": children.get(parts, []),
                "parent": ids[parents[parts]],
            }
            for parts in sorted(parents)
        ),
    ]


def with_both_sides(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nodes that name only parents, or only subcategories, with the other side derived.

    Several topmost categories, which is how shops export their trees, get a root above them. Nodes
    that name both, or neither, are returned as they are.

    Args:
        nodes: each with `id`, `name`, `subcategories` and maybe `parent`.
    """
    parents = any("parent" in node for node in nodes)
    children = any(node["subcategories"] for node in nodes)
    if parents == children:
        return nodes
    complete = [{**node, "subcategories": list(node["subcategories"])} for node in nodes]
    by_id = {node["id"]: node for node in complete}
    for node in complete:
        if parents and node.get("parent") in by_id:
            by_id[node["parent"]]["subcategories"].append(node["id"])
        for child in node["subcategories"] if children else ():
            if child in by_id:
                by_id[child].setdefault("parent", node["id"])
    return _under_one_root(complete, by_id)


def under_a_root(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nodes that name their parents, with a root above the topmost ones and subcategories listed.

    A published tree may have one topmost category, whose name belongs to every path.

    Args:
        nodes: unchecked, each with `id`, `name`, an empty `subcategories` and maybe `parent`.
    """
    root = _unused_id(node["id"] for node in nodes if isinstance(node["id"], str))
    below: dict[str, dict[str, None]] = {}
    complete = [{**node, "parent": node.get("parent", root)} for node in nodes]
    for node in complete:
        if isinstance(node["parent"], str) and isinstance(node["id"], str):
            below.setdefault(node["parent"], {})[node["id"]] = None
    for node in complete:
        if isinstance(node["id"], str):
            node["subcategories"] = list(below.get(node["id"], ()))
    top = {"id": root, "name": "All products", "subcategories": list(below.get(root, ()))}
    return [top, *complete]


def _under_one_root(
    nodes: list[dict[str, Any]], by_id: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    tops = [node for node in nodes if "parent" not in node]
    if len(tops) < 2:
        return nodes
    root = _unused_id(by_id)
    for node in tops:
        node["parent"] = root
    subcategories = [node["id"] for node in tops]
    return [{"id": root, "name": "All products", "subcategories": subcategories}, *nodes]


def _unused_id(ids: Iterable[str]) -> str:
    taken, root = set(ids), _ROOT
    while root in taken:
        root = f"_{root}"
    return root
