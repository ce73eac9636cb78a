"""The categories that a model predicts, and where they lie in the tree."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from shelfsort.products.taxonomy import Taxonomy


@dataclasses.dataclass(frozen=True)
class LabelSpace:
    """The model's categories in the tree.

    Attributes:
        categories: K leaf ids, in the order of the logits.
        taxonomy: the tree that they belong to.
    """

    categories: Sequence[str]
    taxonomy: Taxonomy

    @property
    def parents(self) -> list[str]:
        """Parent of each category: K node ids; a category at the top is its own parent."""
        return [self.taxonomy.parent_or_self(leaf) for leaf in self.categories]

    @property
    def parent_levels(self) -> list[int]:
        """Depth of each category's parent; 1 for a category at the top, its own parent."""
        return [self.taxonomy.depth(parent) for parent in self.parents]

    @property
    def levels(self) -> range:
        """Depths at which there are parents, 1 being the top."""
        return range(1, max(self.parent_levels) + 1)

    def nodes_at_level(self, level: int) -> list[str | None]:
        """Each category's ancestor at depth `level`, None where it has none.

        A category at the top is its own ancestor.
        """
        lines = [self.taxonomy.ancestors(leaf) or [leaf] for leaf in self.categories]
        return [line[level - 1] if len(line) >= level else None for line in lines]


def node_index(nodes: Sequence[str | None]) -> np.ndarray:
    """(K,) int32 group of each category: equal for those that share a node, -1 for no node."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(filter(None, nodes)))}
    return np.array([numbers[node] if node else -1 for node in nodes], np.int32)
