"""Finds pictures that are the same: proposes pairs by their hashes, decides by their pixels."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.engine import Connection, Engine

from shelfsort.catalog.database.tables import image, pair
from shelfsort.catalog.duplicates.hashing import as_numbers
from shelfsort.catalog.duplicates.nearby import nearby_pairs
from shelfsort.catalog.duplicates.pixels import SIDE, differences, small
from shelfsort.catalog.duplicates.settings import DuplicateSettings
from shelfsort.core.database.engine import reader
from shelfsort.core.progress import progress

SAME, DIFFERENT = "same", "different"
MOST_OF_ONE_HASH = 20
"""Pictures of one hash that are compared with each other, and with those of near hashes.

Further ones are compared with these only: the time stays bounded where thousands share a hash.
"""
_BLOCK = 256
_IN_ONE_QUERY = 500

Read = Callable[[str, str], bytes]
"""The bytes of the picture with this digest and format. Raises OSError."""


@dataclass(frozen=True)
class Found:
    """What a search did.

    Attributes:
        images: number of pictures with a hash that may be used.
        proposed: number of pairs whose hashes are near.
        decided: of these, how many this search looked at.
        unreadable: number of pictures that the store does not have, or that cannot be decoded.
        crowded: number of hashes that more than `MOST_OF_ONE_HASH` pictures share.
    """

    images: int
    proposed: int
    decided: int
    unreadable: int
    crowded: int


def find_duplicates(engine: Engine, read: Read, settings: DuplicateSettings) -> Found:
    """Proposes pairs, decides those that no search decided before, and stores them in `pair`.

    A pair is stored with the difference of its pixels, so other settings need no second look. The
    pixels of the pictures to look at lie in a file without a name meanwhile: 12 kB each.

    Raises:
        OSError: there is no room for the pixels.
    """
    with reader(engine) as connection:
        digests, formats, hashes = _images(connection)
        known = _known(connection, digests)
    proposed, crowded = _proposed(as_numbers(hashes), settings.distance)
    keys = proposed[:, 0] * np.int64(len(digests)) + proposed[:, 1]
    new = proposed[~np.isin(keys, known)]
    unreadable = 0
    if len(new):
        looked = np.unique(new[:, :2])
        with tempfile.TemporaryFile(prefix="shelfsort-") as file:
            pixels = np.memmap(file, np.uint8, "w+", shape=(len(looked), SIDE, SIDE, 3))
            readable = _read_pixels(looked, digests, formats, read, pixels)
            unreadable = int((~readable).sum())
            for block in _compared(new, looked, readable, pixels):
                _store(engine, digests, block)
            del pixels
    _decide(engine, settings)
    return Found(len(digests), len(proposed), len(new), unreadable, crowded)


def _images(connection: Connection) -> tuple[list[str], list[str], list[str]]:
    statement = (
        sa.select(image.c.digest, image.c.format, image.c.perceptual_hash)
        .where(image.c.perceptual_hash != "", image.c.problem == "")
        .order_by(image.c.digest)
    )
    rows = connection.execute(statement).all()
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _known(connection: Connection, digests: list[str]) -> np.ndarray:
    """Pairs that were decided before, as one number each; see `find_duplicates`."""
    places = {digest: place for place, digest in enumerate(digests)}
    statement = sa.select(pair.c.one, pair.c.other).where(pair.c.difference.is_not(None))
    found = [
        places[one] * len(digests) + places[other]
        for one, other in connection.execute(statement)
        if one in places and other in places
    ]
    return np.array(found, np.int64)


def _proposed(hashes: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    """Pairs as an int64 array [n, 3] of two positions, the lesser first, and the distance."""
    unique, place = np.unique(hashes, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(unique) + 1))
    sizes = np.diff(starts)
    found: list[tuple[int, int, int]] = []
    for group in np.flatnonzero(sizes > 1):
        members = order[starts[group] : starts[group + 1]].tolist()
        leaders = members[:MOST_OF_ONE_HASH]
        found += [(a, b, 0) for a, b in combinations(leaders, 2)]
        found += [(a, b, 0) for a, b in product(leaders, members[MOST_OF_ONE_HASH:])]
    blocks = [np.array(found, np.int64).reshape(-1, 3)]
    for one, other, apart in nearby_pairs(unique, most):
        single = (sizes[one] == 1) & (sizes[other] == 1)
        pairs = (order[starts[one[single]]], order[starts[other[single]]], apart[single])
        blocks.append(np.stack(pairs, axis=1).astype(np.int64))
        several = zip(one[~single], other[~single], apart[~single].tolist(), strict=True)
        crossed = [
            (a, b, bits)
            for left, right, bits in several
            for a in order[starts[left] : starts[left + 1]][:MOST_OF_ONE_HASH].tolist()
            for b in order[starts[right] : starts[right + 1]][:MOST_OF_ONE_HASH].tolist()
        ]
        blocks.append(np.array(crossed, np.int64).reshape(-1, 3))
    pairs_ = np.concatenate(blocks)
    pairs_[:, :2].sort(axis=1)
    return pairs_, int((sizes > MOST_OF_ONE_HASH).sum())


def _read_pixels(
    looked: np.ndarray, digests: list[str], formats: list[str], read: Read, pixels: np.ndarray
) -> np.ndarray:
    """Fills `pixels`; returns which of the pictures could be read."""
    readable = np.zeros(len(looked), bool)
    for number, place in enumerate(looked.tolist()):
        try:
            pixels[number] = small(read(digests[place], formats[place]))
            readable[number] = True
        # The file was decoded when it was stored; since then it may have gone or been damaged.
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            pass
        progress(number + 1, len(looked), "pictures looked at")
    return readable


def _compared(
    pairs: np.ndarray, looked: np.ndarray, readable: np.ndarray, pixels: np.ndarray
) -> Iterator[list[tuple[int, int, int, float]]]:
    """Blocks of pairs that could be read: two positions, the distance, the difference."""
    one, other = (np.searchsorted(looked, pairs[:, column]) for column in (0, 1))
    both = readable[one] & readable[other]
    pairs, one, other = pairs[both], one[both], other[both]
    for start in range(0, len(pairs), _BLOCK):
        end = start + _BLOCK
        apart = differences(pixels[one[start:end]], pixels[other[start:end]])
        yield [
            (a, b, bits, difference)
            for (a, b, bits), difference in zip(
                pairs[start:end].tolist(), apart.tolist(), strict=True
            )
        ]
        progress(min(end, len(pairs)), len(pairs), "pairs compared")


def _store(engine: Engine, digests: list[str], block: list[tuple[int, int, int, float]]) -> None:
    with engine.begin() as connection:
        wanted = sorted({digests[place] for one, other, *_ in block for place in (one, other)})
        there: set[str] = set()
        # A picture may have been deleted since its hash was read.
        for start in range(0, len(wanted), _IN_ONE_QUERY):
            some = sa.select(image.c.digest).where(
                image.c.digest.in_(wanted[start : start + _IN_ONE_QUERY])
            )
            there.update(connection.scalars(some))
        kept = [
            {"one": digests[a], "other": digests[b], "distance": bits, "difference": difference}
            for a, b, bits, difference in block
            if digests[a] in there and digests[b] in there
        ]
        if kept:
            connection.execute(_insert(engine.dialect.name), kept)


def _insert(dialect: str) -> sa.Insert:
    """Two searches at one time may find one pair; its difference is the same."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(pair).on_conflict_do_nothing()
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert(pair).on_conflict_do_nothing()


def _decide(engine: Engine, settings: DuplicateSettings) -> None:
    same = sa.and_(pair.c.difference <= settings.difference, pair.c.distance <= settings.distance)
    verdict = sa.case((same, SAME), else_=DIFFERENT)
    with engine.begin() as connection:
        connection.execute(sa.update(pair).where(pair.c.verdict != verdict).values(verdict=verdict))
