"""Parses one line of a labelled manifest into a product, or says why it is left out."""

import hashlib
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shelfsort.products.manifest.annotations import LeafResolver, read_label, workers_of
from shelfsort.products.manifest.lines import LONGEST_LINE_BYTES, Line
from shelfsort.products.manifest.rejects import Reject, RejectedLine
from shelfsort.products.taxonomy import UnknownLabel

_LONGEST_ID_BYTES = 512
_LARGEST_FLOAT32 = (2 - 2**-23) * 2.0**127


@dataclass(frozen=True)
class ParseRules:
    """How lines are read.

    Attributes:
      label_attribute: the key that holds the label.
      min_confidence: smallest label confidence kept, in [0, 1].
      max_text_chars: title and description are cut to this many characters each.
    """

    label_attribute: str
    min_confidence: float = 0.5
    max_text_chars: int = 20_000


@dataclass(frozen=True)
class Product:
    """One product as the manifest describes it; its picture has not been opened yet.

    Attributes:
      line: line number in its file, from 1.
      id: the given id, else the `source-ref`, else one made of the words' digest.
      title, description: "" where absent.
      price: None where absent.
      image: the `source-ref` as written, "" where there is none.
      category: leaf id after reduction.
      confidence: of the label, in [0, 1].
      workers: who answered, one entry for each answer.
      gold: leaf id of the true category, None where not given or not resolvable.
      ignored: which fields were cut or left out ("text_cut", "price", "gold").
      file: of the manifest; `image` is relative to its folder.
    """

    line: int
    id: str
    title: str
    description: str
    price: float | None
    image: str
    category: str
    confidence: float
    workers: tuple[str, ...]
    gold: str | None
    ignored: tuple[str, ...]
    file: str = ""


def parse_line(line: Line, rules: ParseRules, resolver: LeafResolver) -> Product | Reject:
    """The product on a line, or the reason why it is left out. Never raises, whatever the bytes."""
    record: Mapping[str, Any] = {}
    try:
        if line.too_long:
            raise RejectedLine("line_too_long", f"more than {LONGEST_LINE_BYTES:,} bytes")
        record = parse_object(line.content)
        return _product(record, line, rules, resolver)
    except RejectedLine as why:
        workers = workers_of(record, rules.label_attribute)
        id_, image = _shown(record.get("id")), _shown(record.get("source-ref"))
        return Reject.of(line.file, line.number, id_, image, why, workers)


def parse_object(line: bytes) -> dict[str, Any]:
    """The JSON object on a line.

    Raises:
      RejectedLine: `not_json` or `not_an_object`.
    """
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RejectedLine("not_json", f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise RejectedLine("not_json", f"{error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise RejectedLine("not_json", "nested too deeply") from error
    except ValueError as error:
        raise RejectedLine("not_json", str(error)) from error
    if not isinstance(record, dict):
        raise RejectedLine("not_an_object", f"the line holds a {type(record).__name__}")
    return record


def _product(
    record: Mapping[str, Any], line: Line, rules: ParseRules, resolver: LeafResolver
) -> Product:
    ignored: list[str] = []
    image = _image(record.get("source-ref"))
    title = _text(record, "title", rules.max_text_chars, ignored)
    # A text-classification job keeps the words under "source".
    words_key = "source" if record.get("description") in (None, "") else "description"
    description = _text(record, words_key, rules.max_text_chars, ignored)
    id_ = _id(record.get("id"), image, title + "\n" + description)
    if not (image or title.strip() or description.strip()):
        raise RejectedLine("no_content", "neither source-ref, title nor description")
    label = read_label(record, rules.label_attribute, resolver, rules.min_confidence)
    return Product(
        line=line.number,
        id=id_,
        title=title,
        description=description,
        price=_price(record.get("price"), ignored),
        image=image,
        category=label.category,
        confidence=label.confidence,
        workers=label.workers,
        gold=_gold(record.get("gold"), resolver, ignored),
        ignored=tuple(ignored),
        file=line.file,
    )


def _image(reference: Any) -> str:
    if reference is None or reference == "":
        return ""
    if not isinstance(reference, str):
        raise RejectedLine("missing_image", "source-ref is not a text")
    return _clean(reference)


def _text(record: Mapping[str, Any], key: str, longest: int, ignored: list[str]) -> str:
    value = record.get(key)
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise RejectedLine("invalid_text", f"{key} is a {type(value).__name__}")
    if len(value) > longest:
        ignored.append("text_cut")
        value = value[:longest]
    return _clean(value)


def _id(value: Any, image: str, words: str) -> str:
    if value is None or value == "":
        value = image or "words-" + hashlib.blake2b(words.encode(), digest_size=8).hexdigest()
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RejectedLine("invalid_id", f"the id is a {type(value).__name__}")
    id_ = _clean(str(value))
    if len(id_.encode()) > _LONGEST_ID_BYTES:
        raise RejectedLine("invalid_id", f"the id is longer than {_LONGEST_ID_BYTES} bytes")
    return id_


def _price(value: Any, ignored: list[str]) -> float | None:
    """The price as a number that a 32-bit float can hold; None where there is none."""
    if value is None or value == "":
        return None
    try:
        price = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        price = math.nan
    if not abs(price) <= _LARGEST_FLOAT32:
        ignored.append("price")
        return None
    return price


def _gold(value: Any, resolver: LeafResolver, ignored: list[str]) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        with suppress(UnknownLabel):
            return resolver.leaf(_clean(value))
    ignored.append("gold")
    return None


def _clean(text: str) -> str:
    """Text that UTF-8 can encode: JSON may escape half a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _shown(value: Any) -> str:
    return _clean(str(value)) if isinstance(value, str | int) else ""
