"""What a line of a manifest says of the answers that its product needs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.labeling.queue.records import pseudonym

ANSWERS_WANTED, ASKED_OF, ANSWERED_BY = "answers-wanted", "asked-of", "answered-by"
WANTED_FIELDS = (ANSWERS_WANTED, ASKED_OF, ANSWERED_BY)
MOST_ANSWERS = 100
_MOST_PEOPLE = 1_000
_DIGITS = re.compile(r"[0-9]{1,3}(\.0)?")


@dataclass(frozen=True)
class Wanted:
    """The answers that one task needs.

    Attributes:
        answers: number of answers that count, at least 1.
        asked_of: the people who are asked; empty for everybody.
        answered_by: people who answered before. They are not asked, and their answers do not count.
    """

    answers: int
    asked_of: frozenset[str] = frozenset()
    answered_by: frozenset[str] = frozenset()

    def asks(self, person: str) -> bool:
        """Whether the answer of this person counts."""
        return person not in self.answered_by and (not self.asked_of or person in self.asked_of)

    def under(self, key: bytes) -> "Wanted":
        """With the pseudonyms of the people beside their names; a pseudonym stays one."""
        return Wanted(self.answers, _known(self.asked_of, key), _known(self.answered_by, key))


def read_wanted(fields: Mapping[str, Any], answers_each: int) -> Wanted | None:
    """What a line says; None where it says nothing.

    Args:
        fields: of the line. `labels next` writes them.
        answers_each: where it names no number.

    Raises:
        ValueError: a field holds something else. The message names it.
    """
    if all(fields.get(name) in (None, "") for name in WANTED_FIELDS):
        return None
    answers = _number(fields.get(ANSWERS_WANTED), answers_each)
    asked_of, answered_by = (_people(fields, name) for name in (ASKED_OF, ANSWERED_BY))
    return Wanted(min(answers, len(asked_of) or answers), asked_of, answered_by)


def _number(value: Any, missing: int) -> int:
    # A cell of a table is a text, or a number with a decimal point.
    text = str(value) if isinstance(value, str | float) else ""
    if value in (None, ""):
        return missing
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_ANSWERS:
        return value
    if _DIGITS.fullmatch(text) and 0 < float(text) <= MOST_ANSWERS:
        return int(float(text))
    raise ValueError(f"{ANSWERS_WANTED} is no number from 1 to {MOST_ANSWERS}")


def _people(fields: Mapping[str, Any], name: str) -> frozenset[str]:
    value = fields.get(name)
    # A cell of a table names them with commas between.
    names = value.split(",") if isinstance(value, str) else [] if value is None else value
    known = isinstance(names, list) and all(isinstance(each, str) for each in names)
    if not known or len(names) > _MOST_PEOPLE:
        raise ValueError(f"{name} is no list of at most {_MOST_PEOPLE:,} names")
    return frozenset(each.strip() for each in names if each.strip())


def _known(names: Iterable[str], key: bytes) -> frozenset[str]:
    given = frozenset(names)
    return given | {pseudonym(key, name) for name in given}
