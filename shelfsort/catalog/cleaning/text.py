"""What is wrong with a text by itself: encodings, entities, HTML. Pure functions."""

import html
import re

import ftfy
from selectolax.lexbor import LexborHTMLParser

from shelfsort.products.text import ENTITY, TAG

MOST_TAGS = 2_000
"""Of a text that is parsed. More may cost time as their square, so tags are cut out instead."""
MOST_ROUNDS = 4
"""Of decoding: what is HTML again after these stays so."""
_DROPPED = frozenset({"script", "style", "template", "noscript", "head", "-comment"})
_LINE_NAMES = (
    "address article aside blockquote br dd div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hr li main nav ol option p pre section table td th tr ul"
)
_LINES = frozenset(_LINE_NAMES.split())
_BLANKS = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r" ?\n[ \n]*")
_BLOCK = re.compile(rf"<(?:/?(?:{'|'.join(sorted(_LINES))}))\b", re.IGNORECASE)


def without_mojibake(text: str) -> str:
    """The text with what was decoded in a wrong encoding decoded rightly; "schÃ¶n" is "schön"."""
    return text if text.isascii() else ftfy.fix_encoding(text)


def without_entities(text: str) -> str:
    """The text with characters instead of HTML's entities, once; "a &amp;lt; b" is "a &lt; b"."""
    return ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


def has_tags(text: str) -> bool:
    """Whether a text holds a tag or a comment of HTML; "a < b" holds none."""
    return "<" in text and TAG.search(text) is not None


def html_as_text(text: str) -> str:
    """HTML as a person reads it: a line for each paragraph, heading, cell and item of a list.

    Scripts, styles, templates and comments are dropped, and entities become characters once.
    """
    if text.count("<") > MOST_TAGS:
        broken = _BLOCK.sub(lambda found: "\n" + found[0], text)
        return tidy(without_entities(TAG.sub(" ", broken)))
    if not _BLOCK.search(text):
        # Words with a few tags: their own lines are lines.
        text = text.replace("\n", "<br>")
    parts: list[str] = []
    body = LexborHTMLParser(text).body
    node = body.child if body is not None else None
    depth = 0
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            parts.append(_BLANKS.sub(" ", node.text(deep=False).replace("\n", " ")))
        elif tag in _LINES:
            parts.append("\n")
        inner = None if tag in _DROPPED else node.child
        if inner is not None:
            node, depth = inner, depth + 1
            continue
        while node is not None and node.next is None and depth:
            node, depth = node.parent, depth - 1
            if node is not None and node.tag in _LINES:
                parts.append("\n")
        node = node.next if node is not None else None
    return tidy("".join(parts))


def tidy(text: str) -> str:
    """The text with one blank between words, and without empty lines."""
    return _EMPTY_LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def decoded(text: str, entities: bool = True, tags: bool = True) -> tuple[str, frozenset[str]]:
    """The text without HTML, however often it was encoded.

    Args:
        text: as a source gave it.
        entities: whether entities become characters outside of HTML.
        tags: whether HTML becomes text.

    Returns:
        The text, and which of "html" and "entities" changed it.
    """
    changed = set()
    for _ in range(MOST_ROUNDS):
        if tags and has_tags(text):
            name, after = "html", html_as_text(text)
        elif entities:
            name, after = "entities", without_entities(text)
        else:
            break
        if after == text:
            break
        text = after
        changed.add(name)
    return text, frozenset(changed)
