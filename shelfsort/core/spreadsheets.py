"""Texts from outside as a spreadsheet may open them."""

import re

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")


def as_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins as such gets an apostrophe.

    Numbers stay as they are.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
