"""Checks that the nodes of a category tree are well-formed and form one tree."""

from collections.abc import Iterable, Mapping
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy_forms import MAX_LEVELS, with_both_sides

MAX_CATEGORIES = 200_000
_SHOWN = 3
_LONGEST_ID = 80


class InvalidTaxonomy(InputError):  # noqa: N818 - names a state, as InputError's kin do
    """The nodes do not form one tree. `node` is the id of the node at fault, where one is."""

    def __init__(self, message: str, node: str | None = None):
        super().__init__(message)
        self.node = node


def checked_nodes(nodes: Any) -> list[dict[str, Any]]:
    """The nodes of a category tree, each with `id`, `name`, `subcategories` and maybe `parent`.

    Args:
        nodes: whatever a file held.

    Raises:
        InvalidTaxonomy: a node is malformed, or they do not form one tree.
    """
    if not isinstance(nodes, list) or not nodes:
        raise InvalidTaxonomy("not a list of categories. Give a JSON list that contains a root.")
    if len(nodes) > MAX_CATEGORIES:
        raise InvalidTaxonomy(
            f"{len(nodes):,} categories; the limit is {MAX_CATEGORIES:,}. Give the part of "
            "the tree that has products."
        )
    seen: set[str] = set()
    checked: list[dict[str, Any]] = []
    for position, node in enumerate(nodes, start=1):
        clean = _checked_node(node, position)
        if clean["id"] in seen:
            raise InvalidTaxonomy(
                f"the id {clean['id']!r} occurs twice. Give each category its own id.", clean["id"]
            )
        seen.add(clean["id"])
        checked.append(clean)
    complete = with_both_sides(checked)
    _check_tree(complete)
    return complete


def _checked_node(node: Any, position: int) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        raise InvalidTaxonomy(f"category {position} is not a JSON object. Write it as one.")
    id_ = _text(node.get("id"))
    if id_ is None or not id_.strip():
        raise InvalidTaxonomy(f'category {position} has no "id". Give it a unique text.')
    name = _text(node.get("name"))
    if name is None or not name.strip():
        raise InvalidTaxonomy(f'category {id_!r} has no "name". Give it one.', id_)
    if not (_encodes(id_) and _encodes(name)):
        raise InvalidTaxonomy(
            f"category {id_!r}: the id or the name has half of a surrogate pair. Correct it.", id_
        )
    if len(id_.splitlines()) > 1 or "\0" in id_:
        raise InvalidTaxonomy(f"the id {id_!r} has a line break. Write it on one line.", id_)
    children = node.get("subcategories") or []
    listed = [_text(each) for each in children] if isinstance(children, list) else [None]
    if None in listed:
        raise InvalidTaxonomy(f'"subcategories" of {id_!r} is not a list of ids. Write one.', id_)
    if len(set(listed)) < len(listed):
        raise InvalidTaxonomy(f"{id_!r} lists a subcategory twice. List it once.", id_)
    clean: dict[str, Any] = {"id": id_, "name": name, "subcategories": listed}
    given = node.get("parent")
    if given is not None and given != "":
        parent = _text(given)
        if parent is None:
            raise InvalidTaxonomy(f'"parent" of {id_!r} is not an id. Write it as a text.', id_)
        clean["parent"] = parent
    return clean


def _text(value: Any) -> str | None:
    """Text as it is and a whole number as text: exports write ids as both."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_tree(nodes: list[dict[str, Any]]) -> None:
    by_id = {node["id"]: node for node in nodes}
    _check_parents_agree(nodes, by_id)
    roots = [node["id"] for node in nodes if "parent" not in node]
    if not roots:
        raise InvalidTaxonomy(
            f"there is no root: the categories form a cycle ({_cycle(by_id, nodes[0])}). "
            "Remove the parent of the topmost category.",
            nodes[0]["id"],
        )
    if len(roots) > 1:
        raise InvalidTaxonomy(
            f"{len(roots)} roots ({_listed(roots)}). Give all but one a parent.", roots[1]
        )
    reached = _below(roots[0], by_id)
    for node in nodes:
        if node["id"] not in reached:
            raise InvalidTaxonomy(
                f"categories form a cycle ({_cycle(by_id, node)}). Move one below the root.",
                node["id"],
            )


def _check_parents_agree(nodes: list[dict[str, Any]], by_id: Mapping[str, dict]) -> None:
    for node in nodes:
        for child in node["subcategories"]:
            if child not in by_id:
                raise InvalidTaxonomy(
                    f"{node['id']!r} lists the subcategory {child!r}, which is not in the file. "
                    "Add it, or remove it from the list.",
                    node["id"],
                )
            claimed = by_id[child].get("parent")
            if claimed != node["id"]:
                raise InvalidTaxonomy(
                    f"{node['id']!r} lists {child!r}, whose parent is {claimed!r}. "
                    "Correct one of them.",
                    child,
                )
        parent = node.get("parent")
        if parent is not None and parent not in by_id:
            raise InvalidTaxonomy(
                f"the parent {parent!r} of {node['id']!r} is not in the file. Add it.", node["id"]
            )
    listed = {(node["id"], child) for node in nodes for child in node["subcategories"]}
    for node in nodes:
        if "parent" in node and (node["parent"], node["id"]) not in listed:
            raise InvalidTaxonomy(
                f"{node['id']!r} has the parent {node['parent']!r}, which does not list it. "
                "Correct one of them.",
                node["id"],
            )


def _below(root: str, by_id: Mapping[str, dict]) -> set[str]:
    reached = {root}
    level = [root]
    for _ in range(MAX_LEVELS + 1):
        level = [child for id_ in level for child in by_id[id_]["subcategories"]]
        if not level:
            return reached
        reached.update(level)
    raise InvalidTaxonomy(
        f"{level[0]!r} is more than {MAX_LEVELS} levels below the root. Remove levels.", level[0]
    )


def _cycle(by_id: Mapping[str, dict], start: dict[str, Any]) -> str:
    """The ids of the cycle that `start`'s chain of parents ends in, cut in the middle."""
    order: dict[str, int] = {}
    id_ = start["id"]
    while id_ not in order:
        order[id_] = len(order)
        id_ = by_id[id_]["parent"]
    cycle = [repr(each)[:_LONGEST_ID] for each in [*list(order)[order[id_] :], id_]]
    if len(cycle) > 2 * _SHOWN:
        cycle = [*cycle[:_SHOWN], "…", *cycle[-_SHOWN:]]
    return " > ".join(cycle)


def _listed(ids: Iterable[str]) -> str:
    ids = list(ids)
    shown = ", ".join(repr(each) for each in ids[:_SHOWN])
    return shown if len(ids) <= _SHOWN else f"{shown}, …"
