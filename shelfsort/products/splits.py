"""The split of a product: by a hash of the key that its variants share."""

import bisect
import itertools
import re
from collections.abc import Mapping

from shelfsort.core.errors import InputError
from shelfsort.products.groups import key_digest

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class Splits:
    """Named shares of the data, in the order in which they divide the range of the hash."""

    def __init__(self, shares: Mapping[str, int]):
        """`shares` maps a split's name to its share: a positive integer, of the sum of all.

        Raises:
          InputError: no splits, a name that cannot be part of a path, or a share below 1.
        """
        if not isinstance(shares, Mapping) or not shares:
            raise InputError('splits: empty. Give names and shares, such as {"train": 80}.')
        for name, share in shares.items():
            if not _NAME.fullmatch(name):
                raise InputError(
                    f"splits: {name!r} is not a valid name. Use letters, digits, - and _."
                )
            if isinstance(share, bool) or not isinstance(share, int) or share < 1:
                raise InputError(
                    f"splits: the share of {name!r} is {share!r}. Give an integer of at least 1."
                )
        self.names: tuple[str, ...] = tuple(shares)
        self._ends = list(itertools.accumulate(shares.values()))

    def split_of(self, key: str) -> str:
        """The split of every product with this group key: the same in every run."""
        bucket = int.from_bytes(key_digest(key), "big") % self._ends[-1]
        return self.names[bisect.bisect_right(self._ends, bucket)]
