"""Unicode's normal forms, in time that grows with the length of a text only.

Normalising sorts the marks that stand on one letter, and Python does so by insertion: 20,000 marks
on each side of an order take seconds. No language has more than a few. The bound is that of the
Stream-Safe Text Format (UAX #15, section 13), which breaks longer runs.
"""

import re
import unicodedata
from typing import Literal

MOST_MARKS = 30
"""On one letter; further ones are left out."""

# No mark is a letter, digit or blank to `re`; what is found may hold signs as well.
_PERHAPS_MARKS = re.compile(rf"[^\w\s]{{{MOST_MARKS + 1},}}")


def normalised(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """The text in a normal form of Unicode."""
    if text.isascii():
        return text
    return unicodedata.normalize(form, _PERHAPS_MARKS.sub(_with_few_marks, text))


def _with_few_marks(found: re.Match[str]) -> str:
    kept, run = [], 0
    for each in found[0]:
        run = run + 1 if unicodedata.combining(each) else 0
        if run <= MOST_MARKS:
            kept.append(each)
    return "".join(kept)
