"""Reads a manifest line by line, in bounded memory however long a line is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from shelfsort.core.errors import InputError, NoRows
from shelfsort.core.storage import open_binary

_BOM = b"\xef\xbb\xbf"
LONGEST_LINE_BYTES = 16 * 2**20


class LineStream(Protocol):
    """What lines are read from."""

    def readline(self, limit: int = -1, /) -> bytes:
        """The next line, at most `limit` bytes of it; b"" at the end."""


class Digest(Protocol):
    """A digest of bytes, as hashlib has them."""

    def update(self, data: bytes, /) -> object:
        """Adds bytes."""


@dataclass(frozen=True)
class Line:
    """A line that is not blank.

    Attributes:
      number: in its file, from 1.
      content: its bytes without the line end.
      too_long: it was longer than LONGEST_LINE_BYTES; `content` holds its beginning only.
      file: of the manifest.
      fault: why the row of a table that it stands for cannot be read, "" where it can.
    """

    number: int
    content: bytes
    too_long: bool = False
    file: str = ""
    fault: str = ""


def file_lines(file: str, digest: Digest | None = None) -> Iterator[Line]:
    """The lines of one file of a manifest.

    Args:
      file: path or address.
      digest: takes every byte of the file, once all lines are read.

    Raises:
      NoRows: it has no line.
      InputError: it is missing or unreadable.
    """
    empty = True
    with _reading(file), open_binary(file) as stream:
        for line in numbered_lines(_Digested(stream, digest) if digest else stream, file=file):
            empty = False
            yield line
    if empty:
        raise NoRows(
            f"{file}: the manifest is empty. Give one with a product on each line, or remove it."
        )


def numbered_lines(
    stream: LineStream, longest: int = LONGEST_LINE_BYTES, file: str = ""
) -> Iterator[Line]:
    """A file's lines, without a byte-order mark; blank lines are numbered and skipped."""
    number = 0
    while True:
        content = stream.readline(longest + 1)
        if not content:
            return
        number += 1
        too_long = len(content) > longest and not content.endswith(b"\n")
        if too_long:
            _skip_to_line_end(stream)
        if number == 1 and content.startswith(_BOM):
            content = content[len(_BOM) :]
        content = content.rstrip(b"\r\n")
        if content.strip():
            yield Line(number, content[:1000] if too_long else content, too_long, file)


def _skip_to_line_end(stream: LineStream) -> None:
    while True:
        rest = stream.readline(2**20)
        if not rest or rest.endswith(b"\n"):
            return


class _Digested:
    """A stream whose bytes are added to a digest as they are read."""

    def __init__(self, stream: LineStream, digest: Digest):
        self._stream = stream
        self._digest = digest

    def readline(self, limit: int = -1, /) -> bytes:
        content = self._stream.readline(limit)
        self._digest.update(content)
        return content


@contextmanager
def _reading(file: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{file}: the manifest cannot be read ({reason}). Give the path of a manifest."
        ) from error
