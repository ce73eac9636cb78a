"""Reads a manifest line by line, in bounded memory however long a line is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_BOM = b"\xef\xbb\xbf"
LONGEST_LINE_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Line:
    """A line that is not blank.

    Attributes:
      number: in its file, from 1.
      content: its bytes without the line end.
      too_long: it was longer than LONGEST_LINE_BYTES; `content` holds its beginning only.
      file: of the manifest.
    """

    number: int
    content: bytes
    too_long: bool = False
    file: str = ""


def numbered_lines(
    stream: BinaryIO, longest: int = LONGEST_LINE_BYTES, file: str = ""
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


def _skip_to_line_end(stream: BinaryIO) -> None:
    while True:
        rest = stream.readline(2**20)
        if not rest or rest.endswith(b"\n"):
            return
