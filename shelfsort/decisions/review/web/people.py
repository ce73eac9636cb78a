"""Who may open the page, in which role, and with which token."""

import csv
import io
import os
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shelfsort.core.errors import InputError
from shelfsort.core.files import writing
from shelfsort.core.web.people import new_people, read_people

_ROLES = ("reviewer", "lead")
_PRIVATE = 0o600


@dataclass(frozen=True)
class People:
    """Those who may open the page.

    Attributes:
        tokens: by name.
        leads: names of those who decide disputes and see the overview.
    """

    tokens: Mapping[str, str]
    leads: frozenset[str]


def read_reviewers(file: Path) -> People:
    """The people in a CSV file with the columns name, token and perhaps role.

    An empty token is replaced by a new random one; an empty role is a reviewer.

    Raises:
        InputError: as `read_people`; or a role is none.
    """
    tokens = read_people(file)
    leads = set()
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        for row, name in zip(rows, tokens, strict=True):
            role = (row.get("role") or _ROLES[0]).strip().lower()
            if role not in _ROLES:
                raise InputError(
                    f"{file}:{rows.line_num}: {role[:40]!r} is no role. Write reviewer or lead."
                )
            leads |= {name} if role == _ROLES[1] else set()
    return People(tokens, frozenset(leads))


def with_new(people: People, reviewers: Iterable[str], leads: Iterable[str]) -> People:
    """The people, with new ones who get random tokens.

    Raises:
        InputError: a name is none, or there twice.
    """
    leading = list(leads)
    new = new_people([*reviewers, *leading])
    if both := people.tokens.keys() & new.keys():
        raise InputError(f"{min(both)!r}: is in the file of people. Give each person once.")
    names = frozenset(list(new)[len(new) - len(leading) :])
    return People({**people.tokens, **new}, people.leads | names)


def write_people(file: Path, people: People, address: str) -> None:
    """Writes the people with their links; only the file's owner can read it.

    Raises:
        OSError: it cannot be written.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("name", "role", "token", "link"))
    for name, token in people.tokens.items():
        role = _ROLES[name in people.leads]
        rows.writerow((name, role, token, f"{address.rstrip('/')}/?token={token}"))
    with writing(file) as stream:
        if hasattr(stream, "fileno"):
            os.fchmod(stream.fileno(), _PRIVATE)
        stream.write(text.getvalue().encode())


def others_can_read(file: Path) -> bool:
    """Whether others than its owner can read a file of tokens."""
    return bool(stat.S_IMODE(file.stat().st_mode) & 0o077)


def lacks(people: People, second_opinion: Collection[str]) -> str:
    """What these people cannot do together; "" where nothing is missing."""
    if not people.leads:
        return "nobody is a lead: where people disagree, the decision waits. Name one with --lead."
    if second_opinion and len(people.tokens) < 2:
        return (
            "one person alone: what needs a second opinion waits. Name others with --person, or "
            "give --second-opinion none."
        )
    return ""
