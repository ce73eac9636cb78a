"""Text as a person reads it: the one definition for training, group keys and requests."""

import html
import re

from shelfsort.core.normal_form import normalised

UNSEEN = "\u00ad\u180e\u200b\u2060\ufeff"
"""Characters without width or meaning: soft hyphen, zero-width spaces and joiners, BOM.

Zero-width (non-)joiners stay: Persian, Indian scripts and emoji are read by them.
"""

_UNSEEN = re.compile(f"[{UNSEEN}]")
# A tag or a comment, bounded: "a < b" has none, and a hostile text costs no more than its length.
TAG = re.compile(r"<(?:/?[A-Za-z][^<>]{0,1000}|!--[^<>]{0,1000}--)>")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def as_read(text: str) -> str:
    """The text without HTML and invisible characters, in Unicode's compatibility form NFKC.

    Tags become blanks, and entities their characters. Equal words from macOS (NFD), from East Asian
    full-width keyboards and from a shop's HTML become equal. Applied twice, it changes nothing that
    is no longer HTML.
    """
    if "<" in text:
        text = TAG.sub(" ", text)
    if "&" in text:
        text = ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return text if text.isascii() else normalised("NFKC", _UNSEEN.sub("", text))
