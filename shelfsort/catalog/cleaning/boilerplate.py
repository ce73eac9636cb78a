"""Sentences that many products of one source share, such as "30 day replacement guarantee"."""

import hashlib
import re
from collections import Counter

import numpy as np

from shelfsort.products.groups import normalised

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_ROWS, _WIDTH = 3, 1 << 22
_MOST_SENTENCES = 1_000
_LEAST_WORDS = 3
_LEAST_CHARACTERS = 8


def sentences(text: str) -> list[list[str]]:
    """The sentences of each line of a text."""
    lines = (line for line in text.split("\n") if line.strip())
    return [[each for each in _SENTENCE_END.split(line) if each.strip()] for line in lines]


class SharedSentences:
    """Counts in how many descriptions of a source a sentence occurs, in 48 MiB of memory.

    The counts are those of a count-min sketch (Cormode & Muthukrishnan 2005) of three rows of 2^22
    cells: none is too low. After n sentences were counted, a count is too high by 3n / 2^22 or more
    with a chance of at most 1/27, by Markov's inequality in each row. Sentences are compared by
    their letters and digits. Those of fewer than three words are no boilerplate, since they may be
    values, such as "Pure cotton"; nor are those behind the first 1,000 of a text.
    """

    def __init__(self) -> None:
        """Has counted nothing."""
        self._counts = np.zeros((_ROWS, _WIDTH), np.uint32)
        self._texts: Counter[str] = Counter()

    def add(self, source: str, text: str) -> None:
        """Counts the sentences of one description, each once."""
        self._texts[source] += 1
        every = (each for line in sentences(text) for each in line)
        found = {
            cells
            for _, each in zip(range(_MOST_SENTENCES), every, strict=False)
            if (cells := _cells(source, each)) is not None
        }
        if found:
            cells_ = np.array(sorted(found))
            for row in range(_ROWS):
                np.add.at(self._counts[row], cells_[:, row], 1)

    def count(self, source: str, sentence: str) -> int:
        """In how many descriptions of a source a sentence occurs; 0 for one that is too short."""
        cells = _cells(source, sentence)
        if cells is None:
            return 0
        return int(min(self._counts[row, cell] for row, cell in enumerate(cells)))

    def without(self, source: str, text: str, least_products: int, least_share: float) -> str:
        """A description without the sentences that so many and such a share of its source have."""
        least = max(least_products, least_share * self._texts[source])
        if self._texts[source] < least:
            return text
        kept = (
            " ".join(each for each in line if self.count(source, each) < least)
            for line in sentences(text)
        )
        return "\n".join(line for line in kept if line)


def _cells(source: str, sentence: str) -> tuple[int, ...] | None:
    """Where a sentence is counted in each row; None where it is too short."""
    key = normalised(sentence)
    long = len(key) >= _LEAST_CHARACTERS and not any(each.isascii() for each in key)
    if len(key.split()) < _LEAST_WORDS and not long:
        return None
    digest = hashlib.blake2b(f"{source}\n{key}".encode("utf-8", "replace"), digest_size=12).digest()
    return tuple(
        int.from_bytes(digest[4 * row : 4 * row + 4], "big") % _WIDTH for row in range(_ROWS)
    )
