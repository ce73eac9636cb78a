"""The people whom a page knows: their names, and a token for each."""

import csv
import secrets
from collections.abc import Iterable
from pathlib import Path

from shelfsort.core.errors import InputError
from shelfsort.core.normal_form import normalised
from shelfsort.core.terminal import one_line
from shelfsort.core.web.token import is_token

_COLUMNS = ("name", "token")
_LONGEST_NAME = 80
_MOST = 1000


def read_people(file: Path) -> dict[str, str]:
    """The token of each name in a CSV file with the columns `name` and `token`.

    Raises:
        InputError: it cannot be read; a name is missing, too long or repeated; a token is none, or
            repeated. An empty token is replaced by a new random one. Tokens are never shown.
    """
    people: dict[str, str] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if not set(_COLUMNS) <= set(rows.fieldnames or ()):
                raise InputError(f"{file}:1: no columns name and token. Write name,token.")
            for row in rows:
                _add(people, row["name"] or "", row["token"] or "", f"{file}:{rows.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "not CSV in UTF-8"
        raise InputError(f"{file}: cannot be read ({reason}). Give a CSV file.") from error
    if not people:
        raise InputError(f"{file}: no names. Write a name on each line.")
    return people


def new_people(names: Iterable[str]) -> dict[str, str]:
    """A new random token for each name.

    Raises:
        InputError: a name is empty, too long or repeated.
    """
    people: dict[str, str] = {}
    for name in names:
        _add(people, name, "", "--person")
    return people


def _add(people: dict[str, str], given: str, token: str, place: str) -> None:
    name, token = normalised("NFC", given.strip()), token.strip()
    shown = one_line(name[:_LONGEST_NAME])
    if not name or len(name) > _LONGEST_NAME or one_line(name) != name:
        raise InputError(
            f"{place}: {shown!r} is no name. Give 1 to {_LONGEST_NAME} printable characters."
        )
    if name in people:
        raise InputError(f"{place}: {shown!r} is given twice. Give each person one name.")
    if token and not is_token(token):
        raise InputError(
            f"{place}: the token of {shown!r} is none. Give 16 or more of A-Z, a-z, 0-9, '.', '_', "
            "'~' and '-', or leave it empty to get a random one."
        )
    if token in people.values():
        raise InputError(f"{place}: {shown!r} has the token of another person. Give a new one.")
    if len(people) == _MOST:
        raise InputError(f"{place}: more than {_MOST:,} people. Divide the products among files.")
    people[name] = token or secrets.token_urlsafe(32)
