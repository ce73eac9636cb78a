"""Parses a line of a manifest into a product and what the job says about it."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shelfsort.products.manifest.annotations import (
    Annotations,
    encodable,
    read_annotations,
    workers_of,
)
from shelfsort.products.manifest.lines import LONGEST_LINE_BYTES, Line
from shelfsort.products.manifest.price import parse_price
from shelfsort.products.manifest.rejects import Reject, RejectedLine
from shelfsort.products.product import Product
from shelfsort.products.text import as_read

MAX_TEXT_CHARS = 20_000
_LONGEST_ID_BYTES = 512
_LARGEST_FLOAT32 = (2 - 2**-23) * 2.0**127
_JSON_TYPES: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a Boolean",
    type(None): "null",
}


@dataclass(frozen=True)
class Record:
    """A line as JSON.

    Attributes:
        line: that it stands on.
        fields: of the JSON object, empty where there is none.
        fault: why there is no JSON object on the line, None where there is one.
    """

    line: Line
    fields: Mapping[str, Any] = field(default_factory=dict)
    fault: RejectedLine | None = None


@dataclass(frozen=True)
class ManifestEntry:
    """What a line says.

    Attributes:
        product: that it is about.
        annotations: what the job says about the product, None on an unlabelled line.
        gold: the true category as written, None where there is none.
        ignored: which fields were cut, left out or set ("text_cut", "price", "gold", and those of
            `Annotations`).
    """

    product: Product
    annotations: Annotations | None = None
    gold: str | None = None
    ignored: tuple[str, ...] = ()


def read_record(line: Line) -> Record:
    """The JSON object on a line, or why there is none. Never raises, whatever the bytes."""
    try:
        if line.fault:
            raise RejectedLine("malformed_row", line.fault)
        if line.too_long:
            raise RejectedLine("line_too_long", f"more than {LONGEST_LINE_BYTES:,} bytes")
        return Record(line, _object(line.content))
    except RejectedLine as fault:
        return Record(line, fault=fault)


def parse_record(
    record: Record, attribute: str, max_text_chars: int = MAX_TEXT_CHARS
) -> ManifestEntry:
    """What a line says.

    Args:
        record: the line.
        attribute: that holds the label.
        max_text_chars: title and description are cut to this many characters each.

    Raises:
        RejectedLine: it describes no product, or its label is malformed.
    """
    if record.fault is not None:
        raise record.fault
    fields = record.fields
    ignored: list[str] = []
    image = _image(fields.get("source-ref"))
    title = _text(fields, "title", max_text_chars, ignored)
    # A text-classification job keeps the words under "source".
    words_key = "source" if fields.get("description") in (None, "") else "description"
    description = _text(fields, words_key, max_text_chars, ignored)
    if words_key == "source" and description == title:
        # A job needs a source, and a product without an image may have a title only.
        description = ""
    id_ = _id(fields.get("id"), image, title + "\n" + description)
    if not (image or title.strip() or description.strip()):
        raise RejectedLine("no_content", "source-ref, title and description are empty")
    annotations = read_annotations(fields, attribute)
    price = _price(fields.get("price"), ignored)
    product = Product(id_, title, description, price, image)
    gold = _gold(fields.get("gold"), ignored)
    ignored += annotations.ignored if annotations else ()
    return ManifestEntry(product, annotations, gold, tuple(ignored))


def rejected(record: Record, attribute: str, why: RejectedLine) -> Reject:
    """The reject that a line becomes, with what the line says about itself."""
    workers = workers_of(record.fields, attribute)
    id_, image = _shown(record.fields.get("id")), _shown(record.fields.get("source-ref"))
    return Reject.of(record.line.file, record.line.number, id_, image, why, workers)


def _object(line: bytes) -> dict[str, Any]:
    """The JSON object on a line. Raises RejectedLine: `not_json` or `not_an_object`."""
    try:
        fields = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RejectedLine("not_json", f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise RejectedLine(
            "not_json", f"{error.msg.removesuffix(' at')} at column {error.colno}"
        ) from error
    except RecursionError as error:
        raise RejectedLine("not_json", "nested too deeply") from error
    except ValueError as error:
        raise RejectedLine("not_json", str(error)) from error
    if not isinstance(fields, dict):
        raise RejectedLine("not_an_object", f"the line is {_json_type(fields)}")
    return fields


def _image(reference: Any) -> str:
    if reference is None or reference == "":
        return ""
    if not isinstance(reference, str):
        raise RejectedLine("missing_image", "source-ref is not text")
    return encodable(reference)


def _text(fields: Mapping[str, Any], key: str, longest: int, ignored: list[str]) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise RejectedLine("invalid_text", f"{key} is {_json_type(value)}")
    if len(value) > longest:
        ignored.append("text_cut")
        value = value[:longest]
    return as_read(encodable(value))


def _id(value: Any, image: str, words: str) -> str:
    if value is None or value == "":
        value = image or "words-" + hashlib.blake2b(words.encode(), digest_size=8).hexdigest()
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RejectedLine("invalid_id", f"the id is {_json_type(value)}")
    id_ = encodable(str(value))
    if len(id_.encode()) > _LONGEST_ID_BYTES:
        raise RejectedLine("invalid_id", f"the id is longer than {_LONGEST_ID_BYTES} bytes")
    return id_


def _price(value: Any, ignored: list[str]) -> float | None:
    """The price as a number that a 32-bit float can hold; None where there is none."""
    if value is None or value == "":
        return None
    try:
        price = math.nan if isinstance(value, bool) else _number(value)
    except (TypeError, ValueError, OverflowError):
        price = math.nan
    if not abs(price) <= _LARGEST_FLOAT32:
        ignored.append("price")
        return None
    return price


def _number(value: Any) -> float:
    return parse_price(value) if isinstance(value, str) else float(value)


def _gold(value: Any, ignored: list[str]) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        ignored.append("gold")
        return None
    return encodable(value)


def _json_type(value: Any) -> str:
    return _JSON_TYPES.get(type(value), "a number")


def _shown(value: Any) -> str:
    return encodable(str(value)) if isinstance(value, str | int) else ""
