"""Writes manifest lines in the forms that `parsing` reads, and whole manifests."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.core import files
from shelfsort.products.manifest.annotations import (
    CLASSIFICATIONS,
    CUSTOM,
    METADATA_SUFFIX,
    Annotations,
    encodable,
)
from shelfsort.products.manifest.label_origin import label_origin_fields
from shelfsort.products.manifest.outcomes import CONSOLIDATION
from shelfsort.products.product import Product

_OF_THE_PRODUCT = ("source-ref", "id", "title", "description", "price", "source", "gold")
# Some readers of text take these for line ends.
_LINE_SEPARATORS = {ord(each): f"\\u{ord(each):04x}" for each in "\x85\u2028\u2029"}


@dataclass(frozen=True)
class Job:
    """A labelling job, as the metadata of its lines describe it.

    Attributes:
        attribute: that holds the label.
        type: `groundtruth/custom`, which keeps the workers' answers, or a classification.
        name: of the job, "" for none.
        created: date and time in ISO 8601, "" for none.
    """

    attribute: str
    type: str = CUSTOM
    name: str = ""
    created: str = ""

    def __post_init__(self) -> None:
        names = {self.attribute, self.attribute + METADATA_SUFFIX}
        if not self.attribute or names & set(_OF_THE_PRODUCT):
            raise ValueError(f"{self.attribute!r} cannot hold a label: the name has a meaning")


def product_fields(product: Product) -> dict[str, Any]:
    """The fields of a line that describe a product: all there is on an unlabelled line."""
    fields: dict[str, Any] = {"source-ref": product.image, "id": product.id}
    fields |= {"title": product.title, "description": product.description}
    fields = {name: text for name, text in fields.items() if text}
    return fields if product.price is None else {**fields, "price": product.price}


def labelled_fields(
    product: Product, annotations: Annotations, job: Job, gold: str | None = None
) -> dict[str, Any]:
    """The fields of a labelled line.

    A custom job that failed before anybody answered leaves no label, only its metadata.

    Args:
        product: what the line is about.
        annotations: what the job says about it.
        job: that says so.
        gold: the true category, None where it is not known.

    Raises:
        ValueError: there are answers, which a classification job does not keep.
    """
    shown = product_fields(product)
    label, metadata = (_class if job.type in CLASSIFICATIONS else _custom)(annotations, job, shown)
    metadata |= {"job-name": job.name} if job.name else {}
    metadata |= label_origin_fields(annotations.origin)
    metadata |= {"creation-date": job.created} if job.created else {}
    metadata |= {CONSOLIDATION: {"outcome": annotations.outcome}} if annotations.outcome else {}
    metadata |= {"failure-reason": annotations.failure} if annotations.failure else {}
    fields = shown if label is None else {**shown, job.attribute: label}
    fields = {**fields, f"{job.attribute}{METADATA_SUFFIX}": metadata}
    return fields if gold is None else {**fields, "gold": gold}


def manifest_line(fields: Mapping[str, Any]) -> str:
    """A line of JSON without its line end.

    Fields that came from other files may hold what JSON in UTF-8 cannot. A number that is infinite
    or none becomes null, and half a surrogate pair a question mark: readers take them as these.
    """
    try:
        return exact_line(fields)
    except ValueError:
        return exact_line(_holdable(fields))


def exact_line(fields: Mapping[str, Any]) -> str:
    """As `manifest_line`, with every field as it is.

    Raises:
        ValueError: a number is infinite or none, or a text cannot be encoded.
    """
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    text.encode()
    return text.translate(_LINE_SEPARATORS)


def write_manifest(place: str, lines: Iterable[Mapping[str, Any]]) -> int:
    """Writes a manifest whole or not at all, one line after the other; returns how many.

    Args:
        place: path or address.
        lines: the fields of each line.
    """
    count = 0
    with files.writing(place) as stream:
        for fields in lines:
            stream.write(f"{manifest_line(fields)}\n".encode())
            count += 1
    return count


def _holdable(value: Any) -> Any:
    """A value as JSON in UTF-8 can hold it."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {encodable(name): _holdable(each) for name, each in value.items()}
    return [_holdable(each) for each in value] if isinstance(value, list | tuple) else value


def _custom(
    annotations: Annotations, job: Job, shown: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    metadata = {"type": job.type}
    if annotations.failure and annotations == Annotations(failure=annotations.failure):
        return None, metadata
    label = {
        "workers": [
            {"worker_id": answer.worker, "label": answer.label} for answer in annotations.answers
        ],
        "confidence": annotations.confidence,
        "result": {} if annotations.result is None else {job.attribute: annotations.result},
        "labeledContent": shown,
    }
    return label, metadata


def _class(
    annotations: Annotations, job: Job, shown: Mapping[str, Any]
) -> tuple[int, dict[str, Any]]:
    if annotations.answers:
        raise ValueError("a classification job keeps no answers; write a custom one")
    named = {} if annotations.result is None else {"class-name": annotations.result}
    # The number stands for the class among the job's own; readers go by its name.
    return 0, {**named, "confidence": annotations.confidence, "type": job.type}
