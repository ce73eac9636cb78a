"""Text from outside as a terminal may show it."""

import json
import re
import unicodedata
from typing import Any

_NOT_PLAIN = re.compile(r"[^\x20-\x7e\n\t]+")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Parts of what people write: joiners within words and emoji, and the soft hyphen.
_HARMLESS = frozenset("\u00ad\u200c\u200d")


def one_line(text: str) -> str:
    """A text on one line that moves no cursor, colours nothing and reverses nothing.

    Control characters, line and paragraph separators, marks that change the direction of writing,
    and halves of surrogate pairs become escapes as Python writes them, such as `\\x1b`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each if each in _HARMLESS or unicodedata.category(each) not in _UNSEEN else _escaped(each)
        for each in text
    )


def printable(text: str) -> str:
    """`one_line` of each line; for messages of several lines."""
    return "\n".join(map(one_line, text.split("\n")))


def visible(text: str) -> str:
    """As `one_line`, but lines and tabs stay; for pages, which may be long."""
    return _NOT_PLAIN.sub(lambda found: one_line(found[0]), text)


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON in which what `one_line` escapes is escaped as JSON has it, such as `\\u009b`."""
    return json.dumps(value, ensure_ascii=False, indent=indent).translate(_IN_JSON)


class _InJson(dict[int, str]):
    """What stands for each character in a string of JSON, found out at its first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        seen = character in _HARMLESS or unicodedata.category(character) not in _UNSEEN
        # Line ends between values: those in strings are escaped before.
        self[code] = character if seen or character == "\n" else json.dumps(character)[1:-1]
        return self[code]


_IN_JSON = _InJson({0x7F: "\\u007f"})


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
