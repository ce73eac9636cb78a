"""The encoding of a text file that does not say it."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from shelfsort.core.errors import InputError
from shelfsort.core.storage import blocks
from shelfsort.products.tables.rows import reading

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_IN_CP1252 = tuple(bytes([byte]) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
_SAMPLE_BYTES = 32 * 2**10
_ASCII = bytes(range(0x20, 0x7B))
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True)
class Encoding:
    """How a file is decoded.

    Attributes:
        name: as Python knows it.
        why: for people, "" for UTF-8.
    """

    name: str
    why: str = ""


def encoding_of(file: str) -> Encoding:
    """The encoding of a file: its mark's, else UTF-8, else cp1252, else a detected one.

    UTF-8 and cp1252 have to fit each byte of the file. Text in other alphabets fits cp1252, too:
    where most words beyond ASCII have no ASCII letter at all, the encoding is detected.

    Raises:
        InputError: it cannot be read, or none is found.
    """
    with reading(file, "Give the path of a file."):
        start = next(blocks(file), b"")[:4]
        mark = next((name for mark, name in _MARKS if start.startswith(mark)), None)
        if mark is not None:
            return Encoding(mark, "" if mark == "utf-8-sig" else "by its byte-order mark")
        line = _first_fault(file)
        if line is None:
            return Encoding("utf-8")
        sample = _sample(file)
        why = f"line {line} is not UTF-8"
        if _fits_cp1252(file) and _is_western(sample.decode("cp1252", "replace")):
            return Encoding("cp1252", why)
        return Encoding(_detected(file, line, sample), f"{why}; detected")


def _first_fault(file: str, encoding: str = "utf-8") -> int | None:
    """The line of the first byte that an encoding does not have; None where all fit."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    try:
        for block in blocks(file):
            # A part of the block that fits is not known to have an end: count by its lines.
            for piece in (block,) if block.isascii() else block.splitlines(keepends=True):
                decoder.decode(piece)
                line += piece.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return line
    return None


def _sample(file: str) -> bytes:
    """The first lines with bytes beyond ASCII."""
    found = bytearray()
    for line in _lines_beyond_ascii(file):
        found += line
        if len(found) >= _SAMPLE_BYTES:
            break
    return bytes(found[:_SAMPLE_BYTES])


def _lines_beyond_ascii(file: str) -> Iterator[bytes]:
    for block in blocks(file):
        if not block.isascii():
            yield from (line for line in block.splitlines(True) if not line.isascii())


def _fits_cp1252(file: str) -> bool:
    return not any(byte in block for block in blocks(file) for byte in _NOT_IN_CP1252)


def _is_western(text: str) -> bool:
    beyond = [word for word in _WORD.findall(text) if not word.isascii()]
    foreign = sum(not any(letter.isascii() for letter in word) for word in beyond)
    return foreign <= len(beyond) / 2


def _detected(file: str, line: int, sample: bytes) -> str:
    from charset_normalizer import from_bytes

    for found in from_bytes(sample):
        if _keeps_ascii(found.encoding) and _first_fault(file, found.encoding) is None:
            return found.encoding
    raise InputError(
        f"{file}:{line}: not UTF-8, and no other encoding is found. Save it as UTF-8, or name "
        "it, as in encoding: cp1250."
    )


def _keeps_ascii(encoding: str) -> bool:
    """Whether ASCII means the same: what begins with a header in ASCII is no EBCDIC or UTF-16."""
    return _ASCII.decode(encoding, "replace") == _ASCII.decode("ascii")
