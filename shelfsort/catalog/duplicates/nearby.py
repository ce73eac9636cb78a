"""Pairs of hashes that differ in few bits, without comparing each with each.

A 64-bit number is cut into four bands of 16 bits. Where two numbers differ in at most `most` bits,
they differ in at most `most // 4` bits of some band, so only numbers whose band is that near are
compared (multi-index hashing: Norouzi, Punjani & Fleet 2012).
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

MOST_BITS = 11
"""The largest distance that is looked for: two bits in each band."""
_BANDS = 4
_WIDTH = 16
_VALUES = 1 << _WIDTH
_BLOCK = 1 << 20
_BYTES = np.arange(_VALUES, dtype=np.uint16).view(np.uint8).reshape(_VALUES, 2)
_BITS_OF = np.unpackbits(_BYTES, axis=1).sum(axis=1, dtype=np.uint8)

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def nearby_pairs(numbers: np.ndarray, most: int) -> Iterator[Pairs]:
    """The pairs of numbers that differ in at most `most` bits, each pair once.

    The time grows with the number of pairs that share a band nearly; memory does not.

    Args:
        numbers: uint64 array [n] of different numbers.
        most: bits, 0 to `MOST_BITS`.

    Yields:
        Blocks of pairs: two int arrays of positions, each pair in no particular order, and a uint8
        array of distances.
    """
    if not 0 <= most <= MOST_BITS:
        raise ValueError(f"a distance of {most} bits is outside 0 to {MOST_BITS}")
    radius = most // _BANDS
    bands = [_band(numbers, place) for place in range(_BANDS)]
    for place in range(_BANDS):
        for one, other in _sharing(bands[place], radius):
            first = np.ones(len(one), bool)
            for earlier in bands[:place]:
                first &= _BITS_OF[earlier[one] ^ earlier[other]] > radius
            one, other = one[first], other[first]
            apart = distances(numbers[one], numbers[other])
            near = apart <= most
            if near.any():
                yield one[near], other[near], apart[near]


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Number of bits in which uint64 numbers differ, as a uint8 array."""
    words = np.ascontiguousarray(one ^ other).view(np.uint16).reshape(-1, _BANDS)
    return _BITS_OF[words].sum(axis=1, dtype=np.uint8)


def _band(numbers: np.ndarray, place: int) -> np.ndarray:
    return ((numbers >> np.uint64(_WIDTH * place)) & np.uint64(_VALUES - 1)).astype(np.int64)


def _sharing(band: np.ndarray, radius: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs whose values of the band differ in at most `radius` bits, in blocks."""
    order = np.argsort(band, kind="stable")
    keys = band[order]
    starts = np.searchsorted(keys, np.arange(_VALUES + 1))
    within = np.arange(len(keys))
    yield from _joined(order, within, within + 1, starts[keys + 1])
    for bits in range(1, radius + 1):
        for flipped in combinations(range(_WIDTH), bits):
            partner = keys ^ sum(1 << bit for bit in flipped)
            from_ = np.flatnonzero(keys < partner)
            partner = partner[from_]
            yield from _joined(order, from_, starts[partner], starts[partner + 1])


def _joined(
    order: np.ndarray, from_: np.ndarray, begins: np.ndarray, ends: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each position of `from_` with all of its range, in blocks of about `_BLOCK` pairs."""
    lengths = ends - begins
    some = lengths > 0
    from_, begins, lengths = from_[some], begins[some], lengths[some]
    total = np.cumsum(lengths)
    done = 0
    while done < len(from_):
        before = total[done - 1] if done else 0
        until = max(done + 1, int(np.searchsorted(total, before + _BLOCK, side="right")))
        count = lengths[done:until]
        left = np.repeat(from_[done:until], count)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)
        yield order[left], order[np.repeat(begins[done:until], count) + offset]
        done = until
