"""Unicode's normal form and HTML's entities in core TF string ops, for callers that send raw text.

The readers and the Python client pass on what `shelfsort.products.text.as_read` made of a text. A
caller of the graph may send a title as macOS stores it (a letter, then its accent), in full-width
letters or with entities. Here it becomes what `as_read` makes of it, but for two things: characters
whose compatibility form is several others (ligatures, fractions) stay, and of the named entities
only those of the markup and of accented letters are known.

All others are told by one regular expression and left as they are, so that they cost next to
nothing.
"""

import functools
import unicodedata
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

# Of what is below, every pair that composes and every character with a compatibility form is known.
_TABLED = 0x3400
# Full-width letters, half-width katakana and Korean letters.
_WIDTHS = range(0xFF00, 0xFFF0)
# Two marks on one letter, as in Vietnamese, and the three parts of a Korean syllable.
_PASSES = 2
_L, _V, _T, _SYLLABLES = range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3), 0xAC00

_ENTITY = "&#?[A-Za-z0-9]{2,6};"
_ENTITIES = (
    *(
        (f"&([A-Za-z]){name};", f"\\1{mark}")
        for name, mark in (
            ("acute", "\u0301"),
            ("grave", "\u0300"),
            ("circ", "\u0302"),
            ("tilde", "\u0303"),
            ("uml", "\u0308"),
            ("ring", "\u030a"),
            ("cedil", "\u0327"),
            ("caron", "\u030c"),
        )
    ),
    ("&szlig;", "ß"),
    ("&(?:lt|#60|#x3[Cc]);", "<"),
    ("&(?:gt|#62|#x3[Ee]);", ">"),
    ("&(?:nbsp|quot|apos|amp|#39|#x27|#34|#38|#160);", " "),
)


def as_read(text: tf.Tensor) -> tf.Tensor:
    """The text in normal form and without entities; (n,) UTF-8 strings."""
    rows = tf.where(tf.strings.regex_full_match(text, _telling()))

    def put_together() -> tf.Tensor:
        changed = composed(without_entities(tf.gather_nd(text, rows)))
        return tf.tensor_scatter_nd_update(text, rows, changed)

    return tf.cond(tf.size(rows) > 0, put_together, lambda: tf.identity(text))


def without_entities(text: tf.Tensor) -> tf.Tensor:
    """Entities as their characters; (n,) strings."""
    for pattern, character in _ENTITIES:
        text = tf.strings.regex_replace(text, pattern, character)
    return text


def composed(text: tf.Tensor) -> tf.Tensor:
    """Letters and their marks as one character, compatibility characters as plain ones; (n,)."""
    codes = tf.strings.unicode_decode(text, "UTF-8", errors="replace")
    codes = codes.with_values(_plain(codes.flat_values))
    pairs = tuple(tf.constant(each) for each in _pairs())
    for _ in range(_PASSES):
        codes = _composed_once(codes, pairs)
    return tf.strings.unicode_encode(codes, "UTF-8")


def _plain(codes: tf.Tensor) -> tf.Tensor:
    """Characters by their compatibility form, where that is one character; (t,) code points."""
    of_width = _TABLED + codes - _WIDTHS.start
    places = tf.where(_within(codes - _WIDTHS.start, len(_WIDTHS)), of_width, -1)
    places = tf.where(codes < _TABLED, codes, places)
    forms = tf.cast(tf.gather(_singles(), tf.maximum(places, 0)), tf.int32)
    return tf.where(places >= 0, forms, codes)


def _composed_once(codes: tf.RaggedTensor, pairs: tuple[tf.Tensor, ...]) -> tf.RaggedTensor:
    """Every pair that composes becomes one character; ragged (n, characters) code points."""
    first, rows = codes.flat_values, codes.value_rowids()
    second = tf.concat([first[1:], tf.zeros_like(first[:1])], axis=0)
    inside = tf.concat([rows[1:] == rows[:-1], tf.zeros_like(rows[:1], tf.bool)], axis=0)
    together = tf.where(inside, _pair(first, second, pairs), 0)
    joined = together > 0
    taken = tf.concat([tf.zeros_like(joined[:1]), joined[:-1]], axis=0)
    codes = codes.with_values(tf.where(joined, together, first))
    return tf.ragged.boolean_mask(codes, codes.with_values(~taken))


def _pair(first: tf.Tensor, second: tf.Tensor, pairs: tuple[tf.Tensor, ...]) -> tf.Tensor:
    """What two (t,) code points compose to, 0 for nothing."""
    bases, marks, table = pairs
    base = tf.cast(tf.gather(bases, tf.minimum(first, _TABLED)), tf.int32)
    mark = tf.cast(tf.gather(marks, tf.minimum(second, _TABLED)), tf.int32)
    found = tf.cast(tf.gather_nd(table, tf.stack([base, mark], axis=1)), tf.int32)
    return tf.where(found > 0, found, _syllable(first, second))


def _syllable(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Korean syllables of two parts: the Unicode Standard, section 3.12."""
    lead, vowel, tail = first - _L.start, second - _V.start, second - _T.start + 1
    starts = _within(lead, len(_L)) & _within(vowel, len(_V))
    open_syllable = first - _SYLLABLES
    open_ = _within(open_syllable, len(_L) * len(_V) * 28) & (open_syllable % 28 == 0)
    ends = open_ & (tail >= 1) & (tail <= len(_T))
    begun = _SYLLABLES + (lead * len(_V) + vowel) * 28
    return tf.where(starts, begun, tf.where(ends, first + tail, 0))


def _within(values: tf.Tensor, size: int) -> tf.Tensor:
    return (values >= 0) & (values < size)


@functools.cache
def _telling() -> str:
    """Matches a text with an entity, or with a character whose normal form may be another word."""
    characters = [*range(_TABLED), *_WIDTHS]
    changed = {
        code
        for code, form in zip(characters, _singles().tolist(), strict=True)
        if form != code and unicodedata.category(chr(form))[0] in "LMN"
    }
    seconds = set(np.flatnonzero(_pairs()[1]).tolist())
    return f"(?s).*(?:{_ENTITY}|[{_ranges(changed | seconds | {*_V} | {*_T})}]).*"


def _ranges(codes: Iterable[int]) -> str:
    """The inside of a class of a regular expression."""
    found: list[list[int]] = []
    for code in sorted(codes):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in found)


@functools.cache
def _singles() -> np.ndarray:
    """(_TABLED + len(_WIDTHS),) int32: compatibility forms, the character itself without one."""
    codes = [*range(_TABLED), *_WIDTHS]
    forms = [unicodedata.normalize("NFKC", chr(code)) for code in codes]
    plain = [ord(form) if len(form) == 1 else code for code, form in zip(codes, forms, strict=True)]
    return np.array(plain, np.int32)


@functools.cache
def _pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of first and second characters, 0 for others, and what each two compose to; int16."""
    found = {}
    for code in range(_TABLED):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            one, other = (int(part, 16) for part in parts)
            if max(one, other) < _TABLED and (
                unicodedata.normalize("NFC", chr(one) + chr(other)) == chr(code)
            ):
                found[one, other] = code
    firsts, seconds = (sorted({pair[side] for pair in found}) for side in (0, 1))
    bases, marks = np.zeros(_TABLED + 1, np.int16), np.zeros(_TABLED + 1, np.int16)
    bases[firsts], marks[seconds] = np.arange(1, len(firsts) + 1), np.arange(1, len(seconds) + 1)
    table = np.zeros((len(firsts) + 1, len(seconds) + 1), np.int16)
    for (one, other), code in found.items():
        table[bases[one], marks[other]] = code
    return bases, marks, table
