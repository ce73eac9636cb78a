"""Text from outside as a terminal may show it."""

import unicodedata

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


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
