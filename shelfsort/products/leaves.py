"""Which leaf of the category tree a label means, after the reduction."""

from collections.abc import Mapping

from shelfsort.core.errors import InputError
from shelfsort.products.reduction import load_reduction
from shelfsort.products.taxonomy import InvalidTaxonomy, Taxonomy, UnknownLabel

_MEMO_SIZE = 65_536


class LeafResolver:
    """Maps labels to leaves of the reduced taxonomy, remembering what it has looked up.

    Attributes:
        full: the taxonomy as it was given.
        reduction: leaves of `full` that are merged, and into what.
        taxonomy: after the reduction.
    """

    def __init__(self, taxonomy: Taxonomy, reduction: Mapping[str, str] | None = None):
        """`reduction` maps leaves of `taxonomy` to what they are merged into.

        Raises:
            InvalidTaxonomy: the two do not fit.
        """
        self.full = taxonomy
        self.reduction = dict(reduction or {})
        self.taxonomy = taxonomy.reduced(self.reduction) if self.reduction else taxonomy
        self._memo: dict[str, str | UnknownLabel] = {}

    @classmethod
    def load(cls, taxonomy: str, reduction: str = "") -> "LeafResolver":
        """Reads a taxonomy and, where there is one, its reduction.

        Raises:
            InputError: either cannot be read, or fewer than two leaves are left.
        """
        tree = Taxonomy.load(taxonomy)
        mapping = load_reduction(reduction, tree) if reduction else {}
        try:
            resolver = cls(tree, mapping)
        except InvalidTaxonomy as error:
            raise InputError(f"{reduction}: {error}") from error
        if len(resolver.taxonomy.leaves) < 2:
            reduced = " after the reduction" if mapping else ""
            raise InputError(
                f"{taxonomy}: fewer than two leaves{reduced}. Give a tree with at least two."
            )
        return resolver

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
            leaf = self.full.resolve(label)
            return self.reduction.get(leaf, leaf)
        except UnknownLabel as error:
            try:
                # An inner category that the reduction turns into a leaf is a label, too.
                return self.taxonomy.resolve(label) if self.reduction else error
            except UnknownLabel:
                return error
