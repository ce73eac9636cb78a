"""JSON as TF Serving's REST API reads and writes it: its numbers, its bytes, its layout."""

import base64
import binascii
import json
import math
import re
from typing import Any

import numpy as np

from serving.status import invalid_argument

_INDENT = "    "
_SHOWN_CHARACTERS = 200
# Those that stand for bytes that are no UTF-8, too.
_HALF_PAIRS = re.compile("[\ud800-\udfff]")
# The first byte of a character beyond 16 bits, in UTF-8.
_FOUR_BYTES = re.compile(rb"[\xf0-\xff]")


def count_values(body: bytes) -> int:
    """About how many values, lists and objects a body holds; never fewer than it does.

    Texts count too where they hold commas or brackets.
    """
    return 1 + sum(map(body.count, (b",", b"[", b"{", b":")))


def as_text(body: bytes) -> str:
    """The text of a body. Bytes that are no UTF-8 are kept as they are, as TF Serving keeps them:
    a string may hold them."""
    return body.decode("utf-8", errors="surrogateescape")


def text_bytes(body: bytes) -> int:
    """Bytes that a body takes as a text, and the strings in it once it is parsed, at most.

    Python gives each character of a string as much as the widest takes, an escaped one too.
    """
    width = 1 if body.isascii() else 4 if _FOUR_BYTES.search(body) else 2
    return len(body) * (width + (4 if b"\\u" in body else width))


def parse(text: str) -> dict[str, Any]:
    """The JSON object in the text of a request's body.

    Raises:
        ServingError: INVALID_ARGUMENT: the text is no JSON, or no object.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise invalid_argument(f"JSON Parse error: {error}") from error
    except RecursionError as error:
        raise invalid_argument("JSON Parse error: Nested too deeply") from error
    except ValueError as error:
        raise invalid_argument("JSON Parse error: A number has too many digits") from error
    if not isinstance(document, dict):
        raise invalid_argument(f"The body must be a JSON object, not {show(document)}")
    return document


def show(value: Any) -> str:
    """The beginning of a parsed value as text, for a message."""
    if isinstance(value, str):
        value = value[: 2 * _SHOWN_CHARACTERS]
    text, parts = "", json.JSONEncoder(ensure_ascii=False).iterencode(value)
    try:
        while len(text) <= _SHOWN_CHARACTERS:
            text += next(parts)[: 2 * _SHOWN_CHARACTERS]
    except StopIteration:
        return text
    # The value is nested more deeply than Python calls.
    except RecursionError:
        pass
    return text[:_SHOWN_CHARACTERS] + "..."


def to_bytes(value: str) -> bytes:
    """The bytes of a parsed string.

    Raises:
        ServingError: INVALID_ARGUMENT for half a surrogate pair.
    """
    try:
        return value.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise invalid_argument("A string holds half a surrogate pair") from error


def as_name(value: str) -> str:
    """The string, which is to name something.

    Raises:
        ServingError: INVALID_ARGUMENT: it holds half a surrogate pair, or bytes that are no UTF-8.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise invalid_argument("A name holds characters that are no Unicode") from error
    return value


def is_base64(value: Any) -> bool:
    """True for `{"b64": "…"}`, the way to write bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def from_base64(value: Any) -> bytes:
    """The bytes of `{"b64": "…"}`; padding may be left out.

    Raises:
        ServingError: INVALID_ARGUMENT: another object, or no base64.
    """
    if not is_base64(value):
        raise invalid_argument(f'{show(value)} is not of the form {{"b64": "..."}}')
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_argument("Unable to base64 decode") from error


def decimal(value: float, single: bool) -> str:
    """A number as TF Serving writes it: the fewest of 6 or 9 (17) digits that read back the same.

    Args:
        value: a float, perhaps not finite.
        single: whether it was a 32-bit float, so that 0.2 is not written 0.20000000298.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = f"{value:.6g}"
    same = np.float32(text) == np.float32(value) if single else float(text) == value
    if not same:
        text = f"{value:.9g}" if single else f"{value:.17g}"
    return text if "." in text or "e" in text else text + ".0"


def quoted(value: bytes) -> str:
    """A JSON string of these bytes; what is no UTF-8 passes through `encode`."""
    return json.dumps(value.decode("utf-8", errors="surrogateescape"), ensure_ascii=False)


def encode(text: str) -> bytes:
    """The bytes of a document made with `quoted`."""
    return text.encode("utf-8", errors="surrogateescape")


def on_one_line(items: Any) -> str:
    """Nested lists of texts that are JSON already, as one line."""
    if isinstance(items, str):
        return items
    return "[" + ", ".join(on_one_line(item) for item in items) + "]"


def indented(items: Any, depth: int) -> str:
    """The same with every element on a line of its own, from `depth` levels inwards."""
    if isinstance(items, str):
        return items
    if not items:
        return "[]"
    inner = "\n" + _INDENT * (depth + 1)
    elements = ",".join(inner + indented(item, depth + 1) for item in items)
    return f"[{elements}\n{_INDENT * depth}]"


def error_body(message: str) -> bytes:
    """`{"error": …}`, the message cut as `ServingError.details` cuts it."""
    shown = _HALF_PAIRS.sub("?", message)
    return encode(f'{{\n{_INDENT}"error": {json.dumps(shown, ensure_ascii=False)}\n}}')
