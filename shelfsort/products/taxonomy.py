"""The category tree: loads, checks and reduces it, and finds the leaf that a label means."""

import difflib
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy_checks import InvalidTaxonomy, checked_nodes
from shelfsort.products.taxonomy_files import TreeFile, read_tree_file
from shelfsort.products.taxonomy_forms import PATH_SEPARATOR, canonical_path

LabelForm = Literal["any", "id", "path", "name"]
"""What labels may be."""
_NEAREST = 3
_LONGEST_LABEL_COMPARED = 200
_MOST_LABELS_COMPARED = 100
_MOST_NAMES_COMPARED = 200_000


class UnknownLabel(LookupError):  # noqa: N818 - reads as the verdict it is
    """A label that names no leaf; the message gives the nearest names or the candidates."""


class NotALeaf(UnknownLabel):
    """A label that names an inner category; only leaves may be assigned."""


class AmbiguousLabel(UnknownLabel):
    """A label that could mean several categories; the message gives the first of them."""


class Taxonomy:
    """An immutable category tree with one root.

    Ids are unique. Leaves keep the order of the file, which is the order of the classes.
    """

    def __init__(self, nodes: list[dict[str, Any]]):
        """Takes checked nodes: use `load` or `from_nodes`."""
        self._nodes = {node["id"]: node for node in nodes}
        self._parents: dict[str, str] = {
            node["id"]: node["parent"] for node in nodes if "parent" in node
        }
        self.root: str = next(id_ for id_ in self._nodes if id_ not in self._parents)
        self.leaves: list[str] = [
            node["id"] for node in nodes if not node["subcategories"] and node["id"] != self.root
        ]
        self._leaf_set = frozenset(self.leaves)
        self._nearest_memo: dict[str, list[str]] = {}

    @classmethod
    def load(cls, path: str) -> "Taxonomy":
        """Reads a taxonomy file.

        Raises:
          InputError: one line that names the file, the line where it is known, and the remedy.
        """
        return cls.of_file(read_tree_file(str(path)))

    @classmethod
    def of_file(cls, file: TreeFile) -> "Taxonomy":
        """The tree in a file that was read. Raises InputError as `load` does."""
        try:
            return cls.from_nodes(file.nodes)
        except InvalidTaxonomy as error:
            line = file.line_of(error.node) if error.node is not None else None
            place = f"{file.path}:{line}" if line else file.path
            raise InputError(f"{place}: {error}") from error

    @classmethod
    def from_nodes(cls, nodes: Sequence[Mapping[str, Any]]) -> "Taxonomy":
        """Builds a tree from `{"id", "name", "subcategories", "parent"?}` nodes.

        Raises:
          InvalidTaxonomy: repeated ids, no root or several, a cycle, or a parent and a child
            that disagree.
        """
        return cls(checked_nodes(nodes))

    def to_nodes(self) -> list[dict[str, Any]]:
        """The nodes in file order, in the input form; a fresh copy."""
        return [
            {**node, "subcategories": list(node["subcategories"])} for node in self._nodes.values()
        ]

    @cached_property
    def version(self) -> str:
        """12 hex digits of the SHA-256 of the canonical JSON: equal trees have equal versions."""
        canonical = json.dumps(
            self.to_nodes(), ensure_ascii=False, sort_keys=True, separators=(",", ":")
        )
        return hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()[:12]

    def __contains__(self, id_: object) -> bool:
        return id_ in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def name(self, id_: str) -> str:
        """The category's own name. Raises KeyError for an id that is not in the tree."""
        return str(self._nodes[id_]["name"])

    def is_leaf(self, id_: str) -> bool:
        """Whether products may be assigned to `id_`."""
        return id_ in self._leaf_set

    def subcategories(self, id_: str) -> list[str]:
        """Ids directly below a category, in the order of the file. Raises KeyError as `name`."""
        return list(self._nodes[id_]["subcategories"])

    def descending(self, top: str | None = None) -> Iterator[str]:
        """Ids from `top` (default: the root) down, each parent before its subcategories."""
        waiting = [self.root if top is None else top]
        while waiting:
            id_ = waiting.pop()
            yield id_
            waiting += reversed(self._nodes[id_]["subcategories"])

    def ancestors(self, id_: str) -> list[str]:
        """Ids from just below the root down to the direct parent; [] for a top-level node."""
        if id_ not in self._nodes:
            raise KeyError(id_)
        above: list[str] = []
        parent = self._parents.get(id_)
        while parent is not None and parent != self.root:
            above.append(parent)
            parent = self._parents.get(parent)
        return above[::-1]

    def path(self, id_: str) -> str:
        """Names from just below the root down to `id_`, as in `A > B > C`; "" for the root."""
        if id_ == self.root:
            return ""
        return PATH_SEPARATOR.join(self.name(each) for each in [*self.ancestors(id_), id_])

    def depth(self, id_: str) -> int:
        """Steps below the root: 0 for the root, 1 for its children."""
        return 0 if id_ == self.root else len(self.ancestors(id_)) + 1

    def parent(self, id_: str) -> str:
        """The category directly above. Raises KeyError for the root."""
        return self._parents[id_]

    def parent_or_self(self, leaf: str) -> str:
        """The direct parent, or the leaf itself where its parent is the root."""
        parent = self._parents[leaf]
        return leaf if parent == self.root else parent

    def resolve(self, label: str, by: LabelForm = "any") -> str:
        """The leaf that `label` means: an id, a full path, or a leaf name that occurs once.

        Raises:
          NotALeaf: `label` is an inner category.
          UnknownLabel: it names nothing.
          AmbiguousLabel: it could mean several categories.
        """
        found = self.find(label, by)
        if found not in self._leaf_set:
            raise NotALeaf(f"{label.strip()!r} is not a leaf: it has subcategories")
        return found

    def find(self, label: str, by: LabelForm = "any") -> str:
        """The category, leaf or not, that `label` means: its id, full path or unique leaf name.

        Names, ids and paths are compared as they are written, then without blanks around them.

        Args:
          label: as a person or a file gives it.
          by: what labels are, where they are not any of the three.

        Raises:
          NotALeaf: only the bare name of an inner category fits, which is not enough.
          UnknownLabel: it names nothing.
          AmbiguousLabel: it could mean several categories.
        """
        found = self._only(label, self.candidates(label, by))
        if found not in self._leaf_set and found not in (
            *self._of_id(label),
            *self._of_path(label),
        ):
            raise NotALeaf(f"{label.strip()!r} is not a leaf: it has subcategories")
        return found

    def find_any(self, label: str, by: LabelForm = "any") -> str:
        """As `find`, but the bare name of an inner category is enough."""
        return self._only(label, self.candidates(label, by))

    def named(self, label: str) -> str:
        """The category, inner ones included, that a person names in a file of rules or a command.

        An id or a full path counts before a bare name: in a tree with the top-level leaf `Skirts`
        and with `Activewear > Skirts`, the rule `Skirts` means the former.

        Raises:
          UnknownLabel: it names nothing.
          AmbiguousLabel: it could mean several categories.
        """
        exact = list(dict.fromkeys([*self._of_id(label), *self._of_path(label)]))
        return self._only(label, exact or self.candidates(label))

    def candidates(self, label: str, by: LabelForm = "any") -> list[str]:
        """The ids of all categories that `label` could mean, each once."""
        found: list[str] = []
        if by in ("any", "id"):
            found += self._of_id(label)
        if by in ("any", "path"):
            found += self._of_path(label)
        if by in ("any", "name"):
            found += self._by_name.get(label) or self._by_name.get(label.strip(), [])
        if not found and label.strip() == self.name(self.root):
            found.append(self.root)
        return list(dict.fromkeys(found))

    def _of_id(self, label: str) -> list[str]:
        return [each for each in (label, label.strip()) if each in self._nodes][:1]

    def _of_path(self, label: str) -> list[str]:
        return (
            self._by_path.get(label)
            or self._by_path.get(canonical_path(label))
            or self._by_normal_path.get(_normal_path(label), [])
        )

    def _only(self, label: str, found: list[str]) -> str:
        if not found:
            raise UnknownLabel(self._unknown_message(label))
        if len(found) > 1:
            shown = ", ".join(f"{each!r} ({self.path(each)})" for each in found[:_NEAREST])
            raise AmbiguousLabel(
                f"{label[:80]!r} could mean {len(found)} categories: {shown}"
                + (", …" if len(found) > _NEAREST else "")
            )
        return found[0]

    def nearest(self, label: str) -> list[str]:
        """Up to three paths or leaf names that resemble `label` in any case, most similar first.

        Comparing with every name is slow: after 100 different labels, or fewer in a large tree,
        nothing is suggested.
        """
        if label not in self._nearest_memo:
            most = min(_MOST_LABELS_COMPARED, _MOST_NAMES_COMPARED // len(self))
            if len(self._nearest_memo) >= most:
                return []
            known = [*self._by_path, *dict.fromkeys(self.name(leaf) for leaf in self.leaves)]
            folded: dict[str, str] = {}
            for name in known:
                folded.setdefault(name.casefold(), name)
            close = difflib.get_close_matches(
                label[:_LONGEST_LABEL_COMPARED].casefold(), folded, n=_NEAREST, cutoff=0.6
            )
            self._nearest_memo[label] = [folded[each] for each in close]
        return self._nearest_memo[label]

    def reduced(self, mapping: Mapping[str, str]) -> "Taxonomy":
        """The tree after every leaf in `mapping` has been merged into its target.

        A target is a leaf that stays, or an inner category all of whose leaves are merged into
        it, which makes it a leaf. Inner categories that lose all their leaves go too.

        Raises:
          InvalidTaxonomy: a source is not a leaf, a target is unknown, is merged itself, or
            keeps subcategories.
        """
        self._check_reduction(mapping)
        kept = set(self._nodes) - set(mapping)
        targets = set(mapping.values())
        for leaf in mapping:
            parent = self._parents[leaf]
            while parent != self.root and parent not in targets:
                if any(child in kept for child in self._nodes[parent]["subcategories"]):
                    break
                kept.discard(parent)
                parent = self._parents[parent]
        for target in targets:
            left = [child for child in self._nodes[target]["subcategories"] if child in kept]
            if left:
                raise InvalidTaxonomy(
                    f"the reduction merges into {target!r}, which keeps the subcategory "
                    f"{left[0]!r}. Merge that one too, or choose a leaf.",
                    target,
                )
        return Taxonomy.from_nodes(
            [
                {**node, "subcategories": [c for c in node["subcategories"] if c in kept]}
                for id_, node in self._nodes.items()
                if id_ in kept
            ]
        )

    def only(self, leaves: Collection[str]) -> "Taxonomy":
        """The tree of these leaves and the categories above them.

        Raises:
          InvalidTaxonomy: none is a leaf of this tree.
        """
        kept = {self.root}
        for leaf in self.leaves:
            if leaf in leaves:
                kept.update((leaf, *self.ancestors(leaf)))
        if kept == {self.root}:
            raise InvalidTaxonomy("no category is left. Choose categories of the tree.")
        return Taxonomy.from_nodes(
            [
                {**node, "subcategories": [c for c in node["subcategories"] if c in kept]}
                for id_, node in self._nodes.items()
                if id_ in kept
            ]
        )

    def leaves_beneath(self, id_: str) -> list[str]:
        """The leaves below a category, or the leaf itself, in the order of the file."""
        beneath = set(self.descending(id_))
        return [leaf for leaf in self.leaves if leaf in beneath]

    def _check_reduction(self, mapping: Mapping[str, str]) -> None:
        for source, target in mapping.items():
            if source not in self._leaf_set:
                raise InvalidTaxonomy(
                    f"the reduction merges {source!r}, which is not a leaf. Merge leaves only.",
                    source,
                )
            if target not in self._nodes or target == self.root:
                raise InvalidTaxonomy(
                    f"the reduction merges into {target!r}, which is not a category below the "
                    "root. Choose one that is."
                )
            if target in mapping:
                raise InvalidTaxonomy(
                    f"the reduction merges {source!r} into {target!r}, which is merged too. "
                    "Choose the final category.",
                    target,
                )

    def _unknown_message(self, label: str) -> str:
        shown = label if len(label) <= 80 else label[:80] + "…"
        near = self.nearest(label)
        hint = f"; nearest: {', '.join(repr(each) for each in near)}" if near else ""
        return f"no category {shown!r}{hint}"

    @cached_property
    def _by_path(self) -> dict[str, list[str]]:
        return self._index(self.path)

    @cached_property
    def _by_normal_path(self) -> dict[str, list[str]]:
        return self._index(lambda id_: _normal_path(self.path(id_)))

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        stripped = self._index(lambda id_: self.name(id_).strip())
        return {**stripped, **self._index(self.name)}

    def _index(self, key: Callable[[str], str]) -> dict[str, list[str]]:
        """The categories below the root by a text of each."""
        index: dict[str, list[str]] = defaultdict(list)
        for id_ in self._nodes:
            if id_ != self.root:
                index[key(id_)].append(id_)
        return dict(index)


def _normal_path(label: str) -> str:
    return PATH_SEPARATOR.join(part.strip() for part in label.split(">"))
