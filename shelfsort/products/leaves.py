"""Which category of the tree a label means, after the reduction."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from shelfsort.core.errors import InputError
from shelfsort.products.reduction import load_reduction
from shelfsort.products.taxonomy import (
    InvalidTaxonomy,
    LabelForm,
    NotALeaf,
    Taxonomy,
    UnknownLabel,
)
from shelfsort.products.taxonomy_forms import MAX_LEVELS, canonical_path, path_parts

_MEMO_SIZE = 65_536
_NOT_SELECTED = "not_selected"


class Leaves(Protocol):
    """Finds the category that a label means."""

    def leaf(self, label: str) -> str:
        """The leaf that `label` means. Raises UnknownLabel as `Taxonomy.resolve` does."""

    def category(self, label: str) -> str:
        """As `leaf`; an inner category, where these are labels."""

    def is_inner(self, category: str) -> bool:
        """Whether a category that `category` gave is an inner one."""

    def left_out(self, category: str) -> str:
        """A key of `REASONS` where a category that `category` gave is not learnt, else ""."""


class LeafResolver:
    """Maps labels to leaves of the reduced taxonomy, remembering what it has looked up.

    Attributes:
        full: the taxonomy as it was given.
        reduction: leaves of `full` that are merged, and into what.
        by: what labels are.
        dropped: leaves after the reduction that are left out, and a key of `REASONS` for each.
        inner: whether inner categories are labels.
        taxonomy: after the reduction, without the leaves that are left out.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        reduction: Mapping[str, str] | None = None,
        by: LabelForm = "any",
        dropped: Mapping[str, str] | None = None,
        inner: bool = False,
    ):
        """`reduction` maps leaves of `taxonomy` to what they are merged into.

        Raises:
            InvalidTaxonomy: the two do not fit, or no leaf is left.
        """
        self.full = taxonomy
        self.reduction = dict(reduction or {})
        self.by: LabelForm = by
        self.dropped = dict(dropped or {})
        self.inner = inner
        self._reduced = taxonomy.reduced(self.reduction) if self.reduction else taxonomy
        kept = [leaf for leaf in self._reduced.leaves if leaf not in self.dropped]
        self.taxonomy = self._reduced.only(kept) if self.dropped else self._reduced
        self._memo: dict[str, str | UnknownLabel] = {}
        self._inner_memo: dict[str, str | UnknownLabel] = {}
        self._left_out_memo: dict[str, str] = {}

    @classmethod
    def load(cls, taxonomy: str, reduction: str = "", by: LabelForm = "any") -> "LeafResolver":
        """Reads a taxonomy and, where there is one, its reduction.

        Raises:
            InputError: either cannot be read, or fewer than two leaves are left.
        """
        return cls.reduced(Taxonomy.load(taxonomy), taxonomy, reduction, by)

    @classmethod
    def reduced(
        cls,
        tree: Taxonomy,
        name: str,
        reduction: str = "",
        by: LabelForm = "any",
        inner: bool = False,
    ) -> "LeafResolver":
        """As `load`, of a tree that is called `name` in error messages."""
        mapping = load_reduction(reduction, tree) if reduction else {}
        try:
            resolver = cls(tree, mapping, by, inner=inner)
        except InvalidTaxonomy as error:
            raise InputError(f"{reduction}: {error}") from error
        if len(resolver.taxonomy.leaves) < 2:
            reduced = " after the reduction" if mapping else ""
            raise InputError(
                f"{name}: fewer than two leaves{reduced}. Give a tree with at least two."
            )
        return resolver

    def without(self, dropped: Mapping[str, str]) -> "LeafResolver":
        """The same without these leaves, each with the reason (a key of `REASONS`)."""
        both = {**self.dropped, **dropped}
        return LeafResolver(self.full, self.reduction, self.by, both, self.inner)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.full.to_nodes(), self.reduction, self.by, self.dropped, self.inner)

    def leaf(self, label: str) -> str:
        """The leaf that `label` means. Raises UnknownLabel as `Taxonomy.resolve` does."""
        return _remembered(label, self._memo, self._look_up)

    def category(self, label: str) -> str:
        """As `leaf`; with `inner` an inner category, by its id, path or only name, is a label too.

        Raises:
            NotALeaf: it is the root, or the reduction moves leaves out of it.
        """
        try:
            return self.leaf(label)
        except NotALeaf:
            if not self.inner:
                raise
        return _remembered(label, self._inner_memo, self._look_up_inner)

    def is_inner(self, category: str) -> bool:
        """Whether a category that `category` gave is an inner one."""
        return self.inner and not self._reduced.is_leaf(category)

    def left_out(self, category: str) -> str:
        """A key of `REASONS` where a category is not learnt, else "".

        An inner category needs all leaves below it to be chosen, for its products may belong to any
        of them. Of those that are rare, some may be missing.
        """
        if not self.dropped or not self.is_inner(category):
            return self.dropped.get(category, "")
        if category not in self._left_out_memo:
            below = {self.dropped.get(leaf, "") for leaf in self._reduced.leaves_beneath(category)}
            learnt = "" if "" in below else min(below)
            self._left_out_memo[category] = _NOT_SELECTED if _NOT_SELECTED in below else learnt
        return self._left_out_memo[category]

    def _look_up(self, label: str) -> str | UnknownLabel:
        try:
            leaf = self.full.resolve(label, self.by)
            return self.reduction.get(leaf, leaf)
        except UnknownLabel as error:
            try:
                # An inner category that the reduction turns into a leaf is a label, too.
                return self._reduced.resolve(label, self.by) if self.reduction else error
            except UnknownLabel:
                return error

    def _look_up_inner(self, label: str) -> str | UnknownLabel:
        try:
            node = self.full.find_any(label, self.by)
        except UnknownLabel as error:
            return error
        named = f"{label.strip()!r} is not a leaf"
        if node == self.full.root:
            return NotALeaf(f"{named}: it is the root, which every product is below")
        leaves = {self.reduction.get(leaf, leaf) for leaf in self.full.leaves_beneath(node)}
        if node not in self._reduced or not leaves <= set(self._reduced.leaves_beneath(node)):
            return NotALeaf(f"{named}: the reduction moves leaves out of it")
        return node


class AnyPath:
    """Takes every label for the path of a leaf, in its canonical form: before there is a tree."""

    def leaf(self, label: str) -> str:
        """The path. Raises UnknownLabel where it has no name, or more than a tree has levels."""
        path = canonical_path(label)
        if not path:
            raise UnknownLabel(f"{label[:80]!r} is not a path of names")
        if len(path_parts(path)) > MAX_LEVELS:
            raise UnknownLabel(f"{label[:80]!r} has more than {MAX_LEVELS} names")
        return path

    def category(self, label: str) -> str:
        """As `leaf`."""
        return self.leaf(label)

    def is_inner(self, category: str) -> bool:
        """False: before there is a tree, every path counts as a leaf's."""
        return False

    def left_out(self, category: str) -> str:
        """Nothing is left out."""
        return ""


def _remembered(
    label: str,
    memo: dict[str, str | UnknownLabel],
    look_up: Callable[[str], str | UnknownLabel],
) -> str:
    found = memo.get(label)
    if found is None:
        found = look_up(label)
        if len(memo) < _MEMO_SIZE:
            memo[label] = found
    if isinstance(found, UnknownLabel):
        raise found.with_traceback(None)
    return found


def _rebuilt(
    nodes: list[dict[str, Any]],
    reduction: Mapping[str, str],
    by: LabelForm,
    dropped: Mapping[str, str],
    inner: bool,
) -> LeafResolver:
    return LeafResolver(Taxonomy.from_nodes(nodes), reduction, by, dropped, inner)
