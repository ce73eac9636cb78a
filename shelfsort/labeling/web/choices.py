"""The categories that people choose from, and the label that each choice becomes."""

import gzip
import json
from functools import cached_property

from shelfsort.core.errors import InputError
from shelfsort.labeling.pages.tree import Guide, picker_nodes
from shelfsort.products.manifest.annotations import encodable
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel

_LONGEST_LABEL = 4_000


class Choices:
    """The leaves of a tree.

    Attributes:
        tree: that people drill down.
        labels: by leaf: its path where that means this leaf alone, else its id.
    """

    def __init__(self, tree: Taxonomy, name: str, guide: Guide | None = None):
        """The choices.

        Args:
            tree: of the categories.
            name: of the tree, for error messages.
            guide: definitions and examples that are shown.

        Raises:
            InputError: neither the path nor the id of a leaf names it alone.
        """
        self.tree = tree
        self._guide = guide
        self.labels = {leaf: _label(tree, leaf, name) for leaf in tree.leaves}

    @cached_property
    def packed(self) -> bytes:
        """The nodes of the picker as JSON, compressed with gzip."""
        nodes = picker_nodes(self.tree, self._guide)
        return gzip.compress(json.dumps(nodes, separators=(",", ":")).encode(), mtime=0)


def _label(tree: Taxonomy, leaf: str, name: str) -> str:
    for label in (encodable(tree.path(leaf)), leaf):
        try:
            if len(label) <= _LONGEST_LABEL and tree.resolve(label) == leaf:
                return label
        except UnknownLabel:
            continue
    raise InputError(
        f"{name}: neither the path nor the id of {leaf[:80]!r} names this leaf alone. Rename it "
        "(see `shelfsort taxonomy check`)."
    )
