"""Tables of results: fitted to a terminal, and one full line for each row elsewhere."""

import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from shelfsort.core.terminal import one_line

_UNBOUNDED = 10_000
"""Characters in a line that is never wrapped."""
_WORD = 10
"""Characters of its longest word that a wrapped column keeps on one line, if it has as many."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: the heading. Its words wrap in a narrow terminal.
        number: whether cells are aligned to the right.
        wraps: whether cells may wrap in a narrow terminal.
    """

    name: str
    number: bool = False
    wraps: bool = False


def terminal_width(stream: TextIO | None = None) -> int | None:
    """The width of the terminal that `stream` (default: standard output) is; None if it is none."""
    stream = stream or sys.stdout
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else None
    except OSError:
        return None


def table_lines(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None
) -> list[str]:
    """Lays a table out.

    Args:
        columns: headings and alignments.
        rows: cells, one for each column.
        width: characters to fit into by wrapping headings and cells; None wraps nothing.

    Returns:
        The lines without trailing spaces, headings first.
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    lines = _drawn(columns, rows, None)
    if width is None or max(map(len, lines)) <= width:
        return lines
    return _drawn(columns, rows, width)


def _drawn(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None
) -> list[str]:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    least = [
        _narrowest(column, [row[index] for row in rows]) for index, column in enumerate(columns)
    ]
    if width is not None:
        # A line that is too long for the terminal can be read; a number that is cut cannot.
        width = max(width, sum(least) + len(columns) - 1)
    table = Table(box=None, padding=(0, 1 if width else 2, 0, 0), pad_edge=False)
    for column, narrowest in zip(columns, least, strict=True):
        table.add_column(
            Text(column.name),
            justify="right" if column.number else "left",
            overflow="fold",
            min_width=narrowest,
            max_width=narrowest if width and not column.wraps else None,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    drawn = io.StringIO()
    # In a notebook rich would show the table instead of writing it.
    console = Console(file=drawn, width=width or _UNBOUNDED, color_system=None, force_jupyter=False)
    console.print(table)
    return [line.rstrip() for line in drawn.getvalue().splitlines()]


def _narrowest(column: Column, cells: Sequence[str]) -> int:
    heading = max(map(len, column.name.split()), default=0)
    if column.wraps:
        words = [len(word) for cell in cells for word in cell.split()]
        return max(heading, min(max(words, default=0), _WORD))
    return max([heading, *map(len, cells)])
