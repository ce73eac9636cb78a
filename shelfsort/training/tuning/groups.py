"""Which groups a search reads: the same in every search, and none of them proves a threshold.

The best of fifty trials is best on the answers that chose it, partly by chance. Thresholds proven
on those answers would promise too much. A search therefore reads only the products of some groups,
and the thresholds of the model that has its settings are proven on the others. Given the settings,
the others are as good as new: they had no part in the choice.

A digest of the group decides, with a salt that never changes. Groups of a smaller share are among
those of a larger one, so that searches after one another, also on later labels, read the same
groups, and the others stay unread.
"""

import dataclasses
import hashlib

import numpy as np

from shelfsort.core.errors import InputError
from shelfsort.training.dataset import Products
from shelfsort.training.rows import evenly

MOST_PRODUCTS = 20_000
"""Products of a search: more would hardly change the order of the trials."""
_SALT = b"settings search"
_WHOLE = 2**64


def searched_groups(groups: np.ndarray, share: float) -> np.ndarray:
    """(n,) bools: whether groups, (n,) int64, are among the share in [0, 1] that is searched."""
    names, place = np.unique(groups, return_inverse=True)
    digests = (
        hashlib.blake2b(int(name).to_bytes(8, "big", signed=True), digest_size=8, salt=_SALT)
        for name in names
    )
    numbers = (int.from_bytes(digest.digest(), "big") for digest in digests)
    return np.fromiter((number < share * _WHOLE for number in numbers), bool, len(names))[place]


def part(products: Products, rows: np.ndarray) -> Products:
    """The products at (m,) `rows`, with their features in memory."""
    names = ("product_ids", "features", "has_text", "has_image", "labels", "label_weights")
    taken = {name: getattr(products, name)[rows] for name in (*names, "groups", "evidence")}
    if (probabilities := products.selection_probabilities) is not None:
        taken["selection_probabilities"] = probabilities[rows]
    if products.inner is not None:
        taken["inner"] = products.inner[rows]
    return dataclasses.replace(products, **taken)


def search_part(products: Products, share: float) -> tuple[Products, float]:
    """What a search reads: at most `MOST_PRODUCTS`, and the share of the groups it took.

    Args:
        products: the training split.
        share: of the groups, in (0, 1].
    """
    if share < 1:
        share = min(share, MOST_PRODUCTS / max(len(products), 1))
        rows = np.flatnonzero(searched_groups(products.groups, share))
    else:
        rows = evenly(np.arange(len(products)), MOST_PRODUCTS)
    return part(products, rows), share


def without_searched(products: Products, share: float) -> Products:
    """The products, of which those that a search has read are no evidence.

    Raises:
        InputError: none is left.
    """
    evidence = products.evidence & ~searched_groups(products.groups, share)
    if products.evidence.any() and not evidence.any():
        raise InputError(
            "training.calibration.searched_share: the settings were searched on all products, so "
            "that none is left to prove a threshold. Add a split calibration to data.splits, or "
            "search on a smaller tuning.share."
        )
    return dataclasses.replace(products, evidence=evidence)
