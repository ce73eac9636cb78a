"""Labels that name inner categories: which leaves each of them leaves open."""

import dataclasses

import numpy as np

from shelfsort.training.label_space import LabelSpace


@dataclasses.dataclass(frozen=True)
class InnerLabels:
    """The inner categories that n products are labelled with.

    The loss of such a product is -log of the summed probability of the leaves below: the maximum
    likelihood of a label that leaves some classes open (Grandvalet, "Logistic regression for
    partial labels", IPMU 2002). No product of these is evidence, for there is no leaf to check.

    Attributes:
        nodes: (n,) int32 row of `below`; -1 for products that are labelled with a leaf, and for
            those with no category of the model below their label.
        below: (nodes, K) bool, the categories below each inner category; at least one.
    """

    nodes: np.ndarray
    below: np.ndarray

    @classmethod
    def of(cls, named: np.ndarray, labels: LabelSpace) -> "InnerLabels | None":
        """From the (n,) ids of inner categories as UTF-8 bytes, b"" where there is none.

        Returns:
            None where no label is an inner category that the tree has.
        """
        ids, place = np.unique(named, return_inverse=True)
        above = [set(labels.taxonomy.ancestors(leaf)) for leaf in labels.categories]
        below = np.array(
            [[id_.decode("utf-8", "replace") in each for each in above] for id_ in ids.tolist()],
            bool,
        )
        known = below.any(axis=1)
        if not known.any():
            return None
        rows = np.where(known, np.cumsum(known) - 1, -1).astype(np.int32)
        return cls(rows[place.reshape(-1)], below[known])

    def __getitem__(self, rows: np.ndarray) -> "InnerLabels":
        """Those of the products at (m,) `rows`."""
        return InnerLabels(self.nodes[rows], self.below)

    def mean_of(self, counts: np.ndarray) -> np.ndarray:
        """(nodes,) mean over the leaves below each inner category, of (K,) numbers."""
        return self.below @ counts / self.below.sum(axis=1)
