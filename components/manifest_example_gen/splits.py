"""Which split a product belongs to: by a hash of what it shares with its variants."""

import bisect
import hashlib
import itertools
import re
import unicodedata
from collections.abc import Mapping

from pipeline.errors import InputError

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def group_key(title: str, image: bytes, description: str) -> str:
    """The key that all variants of one product share.

    This is the only definition of a variant. The key is the normalised title, else the digest of
    the image, else the normalised description: colours under one title share a key, and so do
    copies of one picture. Ingestion writes `group_id` of it into every example, where all later
    steps read it.

    Args:
      image: the encoded image, b"" where there is none.
    """
    words = normalised(title)
    if words:
        return "title:" + words
    if image:
        return "image:" + hashlib.blake2b(image, digest_size=16).hexdigest()
    return "description:" + normalised(description)


def group_id(key: str) -> int:
    """A group key as a signed 64-bit number: equal for equal keys, in every run."""
    return int.from_bytes(_digest(key), "big", signed=True)


def normalised(text: str) -> str:
    """Letters and digits of `text`, compatibility-composed and case-folded, one space between."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _NOT_ALPHANUMERIC.sub(" ", folded).strip()


class Splits:
    """Named shares of the data, in the order in which they divide the range of the hash."""

    def __init__(self, shares: Mapping[str, int]):
        """`shares` maps a split's name to its share: a positive integer, of the sum of all.

        Raises:
          InputError: no splits, a name that cannot be part of a path, or a share below 1.
        """
        if not isinstance(shares, Mapping) or not shares:
            raise InputError('splits: none given. Give names and shares, as in {"train": 80}.')
        for name, share in shares.items():
            if not _NAME.fullmatch(name):
                raise InputError(f"splits: {name!r} is no name. Use letters, digits, - and _.")
            if isinstance(share, bool) or not isinstance(share, int) or share < 1:
                raise InputError(f"splits: the share of {name!r} is {share!r}. Give 1 or more.")
        self.names: tuple[str, ...] = tuple(shares)
        self._ends = list(itertools.accumulate(shares.values()))

    def split_of(self, key: str) -> str:
        """The split of every product with this group key: the same in every run."""
        bucket = int.from_bytes(_digest(key), "big") % self._ends[-1]
        return self.names[bisect.bisect_right(self._ends, bucket)]


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
