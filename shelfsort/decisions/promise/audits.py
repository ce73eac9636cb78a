"""What people found out about decisions that were made without them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.forms import Form, form_of, rows_of
from shelfsort.products.tables.rows import Reading, Row

_TABLES = (Form.CSV, Form.EXCEL, Form.PARQUET, Form.JSON_LINES, Form.JSON_ARRAY)
_COLUMNS = ("day", "category", "right")
# A mistyped year would make a row of each day since then.
_LONGEST = timedelta(days=20 * 366)
_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"0", "false", "no"})


@dataclass(frozen=True)
class Audit:
    """A decision that a person looked at.

    Attributes:
        day: on which it was decided.
        category: that was decided for.
        right: whether the person agrees.
    """

    day: date
    category: str
    right: bool


@dataclass(frozen=True)
class Counts:
    """Audits by day, from the first to the last without a gap.

    Attributes:
        days: dates.
        right: number of each day that were right.
        wrong: number of each day that were wrong.
    """

    days: Sequence[date]
    right: Sequence[int]
    wrong: Sequence[int]

    @property
    def n(self) -> int:
        """Audits in all."""
        return sum(self.right) + sum(self.wrong)


def counted(audits: Sequence[Audit], first: date, last: date) -> Counts:
    """Counts of the days from `first` to `last`."""
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    by_day = Counter((audit.day, audit.right) for audit in audits)
    return Counts(days, [by_day[day, True] for day in days], [by_day[day, False] for day in days])


def read_audits(file: str) -> list[Audit]:
    """Reads a table with the columns day (2026-11-27), category and right (true or false).

    Raises:
        InputError: it cannot be read, is empty, or has a value that is none; with its line.
    """
    form = form_of(file)
    if form not in _TABLES:
        raise InputError(f"{file}: a {form.value} holds no audits. Give a table.")
    audits = [_audit(f"{file}:{row.number}", row) for row in _rows(file, form)]
    if not audits:
        raise InputError(f"{file}: there are no audits. Give one decision in each row.")
    first, last = (end(audits, key=lambda each: each.day).day for end in (min, max))
    if last - first > _LONGEST:
        raise InputError(
            f"{file}: days from {first} to {last} are more than 20 years. Correct the first or "
            "the last day."
        )
    return audits


def _rows(file: str, form: Form) -> Iterator[Row]:
    for row in rows_of(file, form, Reading()):
        if isinstance(row, Line):
            fault = read_record(row).fault or row.fault
            raise InputError(f"{file}:{row.number}: {fault}. Correct the line.")
        yield row


def _audit(place: str, row: Row) -> Audit:
    if row.fault:
        raise InputError(f"{place}: {row.fault}. Correct the row.")
    day, category, right = (str(_cell(row, name)).strip() for name in _COLUMNS)
    for name, value in zip(_COLUMNS, (day, category, right), strict=True):
        if not value:
            raise InputError(f"{place}: no value for {name}. Add it.")
    try:
        decided = date.fromisoformat(day[:10])
    except ValueError as error:
        raise InputError(f"{place}: day {day[:40]!r} is none. Write it as 2026-11-27.") from error
    if right.lower() not in _YES | _NO:
        raise InputError(f"{place}: right is {right[:40]!r}. Write true or false.")
    return Audit(decided, category, right.lower() in _YES)


def _cell(row: Row, name: str) -> Any:
    value = row.cells.get(name)
    return "" if value is None else value
