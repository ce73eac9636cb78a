"""Which leaf of the category tree a label means, after the reduction."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from shelfsort.core.errors import InputError
from shelfsort.products.reduction import load_reduction
from shelfsort.products.taxonomy import InvalidTaxonomy, LabelForm, Taxonomy, UnknownLabel
from shelfsort.products.taxonomy_forms import MAX_LEVELS, canonical_path, path_parts

_MEMO_SIZE = 65_536


class Leaves(Protocol):
    """Finds the leaf that a label means."""

    @property
    def dropped(self) -> Mapping[str, str]:
        """Leaves that are left out, and a key of `REASONS` for each."""

    def leaf(self, label: str) -> str:
        """The leaf that `label` means. Raises UnknownLabel as `Taxonomy.resolve` does."""


class LeafResolver:
    """Maps labels to leaves of the reduced taxonomy, remembering what it has looked up.

    Attributes:
        full: the taxonomy as it was given.
        reduction: leaves of `full` that are merged, and into what.
        by: what labels are.
        dropped: leaves after the reduction that are left out, and a key of `REASONS` for each.
        taxonomy: after the reduction, without the leaves that are left out.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        reduction: Mapping[str, str] | None = None,
        by: LabelForm = "any",
        dropped: Mapping[str, str] | None = None,
    ):
        """`reduction` maps leaves of `taxonomy` to what they are merged into.

        Raises:
            InvalidTaxonomy: the two do not fit, or no leaf is left.
        """
        self.full = taxonomy
        self.reduction = dict(reduction or {})
        self.by: LabelForm = by
        self.dropped = dict(dropped or {})
        self._reduced = taxonomy.reduced(self.reduction) if self.reduction else taxonomy
        kept = [leaf for leaf in self._reduced.leaves if leaf not in self.dropped]
        self.taxonomy = self._reduced.only(kept) if self.dropped else self._reduced
        self._memo: dict[str, str | UnknownLabel] = {}

    @classmethod
    def load(cls, taxonomy: str, reduction: str = "", by: LabelForm = "any") -> "LeafResolver":
        """Reads a taxonomy and, where there is one, its reduction.

        Raises:
            InputError: either cannot be read, or fewer than two leaves are left.
        """
        return cls.reduced(Taxonomy.load(taxonomy), taxonomy, reduction, by)

    @classmethod
    def reduced(
        cls, tree: Taxonomy, name: str, reduction: str = "", by: LabelForm = "any"
    ) -> "LeafResolver":
        """As `load`, of a tree that is called `name` in error messages."""
        mapping = load_reduction(reduction, tree) if reduction else {}
        try:
            resolver = cls(tree, mapping, by)
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
        return LeafResolver(self.full, self.reduction, self.by, {**self.dropped, **dropped})

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.full.to_nodes(), self.reduction, self.by, self.dropped)

    def leaf(self, label: str) -> str:
        """The leaf that `label` means. Raises UnknownLabel as `Taxonomy.resolve` does."""
        found = self._memo.get(label)
        if found is None:
            found = self._look_up(label)
            if len(self._memo) < _MEMO_SIZE:
                self._memo[label] = found
        if isinstance(found, UnknownLabel):
            raise found.with_traceback(None)
        return found

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


class AnyPath:
    """Takes every label for the path of a leaf, in its canonical form: before there is a tree."""

    dropped: Mapping[str, str] = MappingProxyType({})

    def leaf(self, label: str) -> str:
        """The path. Raises UnknownLabel where it has no name, or more than a tree has levels."""
        path = canonical_path(label)
        if not path:
            raise UnknownLabel(f"{label[:80]!r} is not a path of names")
        if len(path_parts(path)) > MAX_LEVELS:
            raise UnknownLabel(f"{label[:80]!r} has more than {MAX_LEVELS} names")
        return path


def _rebuilt(
    nodes: list[dict[str, Any]],
    reduction: Mapping[str, str],
    by: LabelForm,
    dropped: Mapping[str, str],
) -> LeafResolver:
    return LeafResolver(Taxonomy.from_nodes(nodes), reduction, by, dropped)
