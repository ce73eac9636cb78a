"""What a labelling job says about a product: reads it off a manifest line, decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.products.manifest.rejects import RejectedLine

METADATA_SUFFIX = "-metadata"
CUSTOM = "groundtruth/custom"
IMAGE_CLASSIFICATION = "groundtruth/image-classification"
TEXT_CLASSIFICATION = "groundtruth/text-classification"
CLASSIFICATIONS = frozenset({IMAGE_CLASSIFICATION, TEXT_CLASSIFICATION})
READABLE_TYPES = CLASSIFICATIONS | {CUSTOM}


@dataclass(frozen=True)
class Annotation:
    """One answer of one worker.

    Attributes:
        worker: id, "" where the job does not give one.
        label: as the worker gave it, not empty.
    """

    worker: str
    label: str


@dataclass(frozen=True)
class Annotations:
    """What a job says about one product.

    Attributes:
        answers: of the workers; () where the job kept none.
        result: the job's own label, None where it names none; not blank.
        confidence: the job's own, in [0, 1]; 1 where it gives none.
        failure: the reason that the job gives for its failure, "" where it did not fail.
    """

    answers: tuple[Annotation, ...] = ()
    result: str | None = None
    confidence: float = 1.0
    failure: str = ""


def label_types(fields: Mapping[str, Any]) -> dict[str, str]:
    """The label attributes of a line and the type of each, "" where the line does not say."""
    found = {}
    for key, metadata in fields.items():
        if not key.endswith(METADATA_SUFFIX) or not isinstance(metadata, dict):
            continue
        attribute = key[: -len(METADATA_SUFFIX)]
        if attribute:
            found[attribute] = _type(metadata)
    return found


def read_annotations(fields: Mapping[str, Any], attribute: str) -> Annotations | None:
    """What the job `attribute` says on a line; None on an unlabelled line.

    Raises:
        RejectedLine: `missing_label`: the attribute holds what no job writes.
    """
    metadata = fields.get(attribute + METADATA_SUFFIX)
    metadata = metadata if isinstance(metadata, dict) else {}
    failure = _failure(metadata.get("failure-reason"))
    value = fields.get(attribute)
    if value is None:
        return Annotations(failure=failure) if failure else None
    if _type(metadata) in CLASSIFICATIONS:
        name, confidence = _name(metadata.get("class-name")), metadata.get("confidence")
        return Annotations((), name, _confidence(confidence), failure)
    if isinstance(value, dict):
        result = value.get("result")
        name = _name(result.get(attribute)) if isinstance(result, dict) else None
        answers = _answers(value.get("workers"))
        return Annotations(answers, name, _confidence(value.get("confidence")), failure)
    if failure:
        return Annotations(failure=failure)
    raise RejectedLine("missing_label", f"{attribute!r} is not an object with answers")


def workers_of(fields: Mapping[str, Any], attribute: str) -> tuple[str, ...]:
    """Who answered about a line's product, one entry for each answer, whatever came of it."""
    value = fields.get(attribute)
    answers = _answers(value.get("workers")) if isinstance(value, dict) else ()
    return tuple(answer.worker for answer in answers)


def encodable(text: str) -> str:
    """Text that UTF-8 can encode: JSON may escape half a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _type(metadata: Mapping[str, Any]) -> str:
    type_ = metadata.get("type")
    return type_ if isinstance(type_, str) else ""


def _answers(workers: Any) -> tuple[Annotation, ...]:
    """An annotation for each entry that has a label."""
    if not isinstance(workers, list):
        return ()
    return tuple(
        Annotation(_worker(each.get("worker_id")), encodable(each["label"]))
        for each in workers
        if isinstance(each, dict) and isinstance(each.get("label"), str) and each["label"]
    )


def _worker(id_: Any) -> str:
    return encodable(str(id_)) if isinstance(id_, str | int) else ""


def _name(value: Any) -> str | None:
    return encodable(value) if isinstance(value, str) and value.strip() else None


def _failure(reason: Any) -> str:
    if not reason:
        return ""
    return encodable(reason) if isinstance(reason, str) else "no reason given"


def _confidence(value: Any) -> float:
    """The job's confidence within [0, 1]; 1 where it gives none that is a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 1.0
    return float(min(max(value, 0), 1)) if value == value else 0.0
