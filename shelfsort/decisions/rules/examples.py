"""A table of examples: what the rules have to decide."""

from collections.abc import Iterator
from dataclasses import dataclass

from shelfsort.core.errors import InputError
from shelfsort.decisions.rules.model import NOT_ACCEPTED, Facts, Rules, Then, UndecidableError
from shelfsort.products.tables.forms import Form, form_of, rows_of
from shelfsort.products.tables.rows import Reading, Row
from shelfsort.products.taxonomy import UnknownLabel

_ALWAYS = ("category", "accepted", "score", "outcome")


@dataclass(frozen=True)
class Example:
    """A row of the table.

    Attributes:
        place: `file:line`.
        outcome: that is expected.
        then: what the rules decide; None where they cannot.
        problem: why they cannot, "" where they can.
    """

    place: str
    outcome: str
    then: Then | None
    problem: str = ""

    @property
    def holds(self) -> bool:
        """Whether the rules decide as expected."""
        return self.then is not None and self.then.outcome == self.outcome


def examples(file: str, rules: Rules) -> Iterator[Example]:
    """What the rules decide about each row of a table.

    Its columns are category (id, path or name), accepted, score, outcome and the rules' fields. A
    row with a value that is none has a problem, as has one that the rules cannot decide about.

    Raises:
        InputError: the table cannot be read.
    """
    form = form_of(file)
    if form not in (Form.CSV, Form.EXCEL, Form.JSON_LINES, Form.JSON_ARRAY, Form.PARQUET):
        raise InputError(f"{file}: a {form.value} holds no examples. Give a table.")
    for row in rows_of(file, form, Reading()):
        if isinstance(row, Row):
            place = f"{file}:{row.number}"
            yield _example(place, row, rules)


def _example(place: str, row: Row, rules: Rules) -> Example:
    outcome = str(row.cells.get("outcome") or "")
    try:
        return Example(place, outcome, rules.decide(_facts(row, rules)))
    except (UndecidableError, UnknownLabel, ValueError) as error:
        return Example(place, outcome, None, str(error))


def _facts(row: Row, rules: Rules) -> Facts:
    """What a row says. Raises ValueError or UnknownLabel."""
    if row.fault:
        raise ValueError(row.fault)
    for name in (*_ALWAYS, *rules.fields):
        if row.cells.get(name) in (None, ""):
            raise ValueError(f"no value for {name}")
    return Facts(
        rules.tree.resolve(str(row.cells["category"])),
        _level(row.cells["accepted"]),
        float(str(row.cells["score"])),
        {name: str(row.cells[name]) for name in rules.fields},
    )


def _level(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else NOT_ACCEPTED
    return f"{value:g}" if isinstance(value, int | float) else str(value)
