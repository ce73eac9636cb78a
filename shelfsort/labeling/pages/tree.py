"""The tree that `picker.js` shows: nested nodes, in one piece or in several files."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shelfsort.products.taxonomy import Taxonomy, UnknownLabel

Node = dict[str, Any]
_FILE_BYTES = 64_000
MOST_FILES = 50
"""Files of a tree: each takes a signed address in the page."""


@dataclass(frozen=True)
class Guide:
    """What helps people to tell categories apart, by the id of the category.

    Attributes:
        about: a definition.
        examples: addresses of pictures, such as data URIs.
    """

    about: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitTree:
    """A tree in several files.

    Attributes:
        nodes: the categories at the top, which name the files of those beneath.
        files: the content of each file: subcategories by the id of the category above.
    """

    nodes: list[Node]
    files: list[dict[str, list[Node]]]


def picker_nodes(tree: Taxonomy, guide: Guide | None = None) -> list[Node]:
    """The nodes below the root, in the form that `picker.js` describes.

    A node has a `label` only where its path does not name it, so that every answer can be read.
    """
    guide = guide or Guide()
    made: dict[str, Node] = {}
    for id_ in reversed(list(tree.descending())):
        node: Node = {"id": id_, "name": tree.name(id_)}
        if subcategories := tree.subcategories(id_):
            node["children"] = [made.pop(each) for each in subcategories]
        elif not _is_named_by_path(tree, id_):
            node["label"] = id_
        if id_ in guide.about:
            node["about"] = guide.about[id_]
        if guide.examples.get(id_):
            node["examples"] = list(guide.examples[id_])
        made[id_] = node
    nodes: list[Node] = made[tree.root].get("children", [])
    return nodes


def split_nodes(nodes: list[Node]) -> SplitTree:
    """Moves everything below the top into files of about 64 kB, at most `MOST_FILES`."""
    # Two files in a row hold more than one target.
    target = max(_FILE_BYTES, 2 * _size(nodes) // (MOST_FILES - 1))
    files = _Files(target)
    return SplitTree(_without_children(nodes, files, target), files.contents)


def _without_children(nodes: Iterable[Node], files: "_Files", target: int) -> list[Node]:
    bare = []
    for node in nodes:
        node = dict(node)
        if children := node.pop("children", None):
            if _size(children) > target:
                children = _without_children(children, files, target)
            node["file"] = files.add(node["id"], children)
        bare.append(node)
    return bare


class _Files:
    """Fills one file after the other, each up to about a number of bytes."""

    def __init__(self, target: int):
        self.contents: list[dict[str, list[Node]]] = []
        self._target = target
        self._used = target

    def add(self, id_: str, children: list[Node]) -> int:
        """Keeps the subcategories of a category; returns the number of their file."""
        size = _size(children)
        if self._used + size > self._target:
            self.contents.append({})
            self._used = 0
        self._used += size
        self.contents[-1][id_] = children
        return len(self.contents) - 1


def _size(nodes: list[Node]) -> int:
    return len(json.dumps(nodes, ensure_ascii=False, separators=(",", ":")).encode())


def _is_named_by_path(tree: Taxonomy, id_: str) -> bool:
    try:
        return tree.resolve(tree.path(id_)) == id_
    except UnknownLabel:
        return False
