"""What a labelling job says about a product: reads it off a manifest line, decides nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.products.manifest.label_origin import LINE_ORIGIN, read_label_origin
from shelfsort.products.manifest.outcomes import read_outcome
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.product import MACHINE, LabelOrigin

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
        confidence: the job's own, in (0, 1]; 1 where it gives none.
        failure: the reason that the job gives for its failure, "" where it did not fail.
        ignored: what was left out or set, once for each time: "empty_answer", "unscored" (a
            confidence of 0, which Ground Truth writes where one worker answered), "machine_label".
        origin: where the label comes from.
        outcome: one of `outcomes.OUTCOMES` where consolidation has decided about the answers, and
            `result` and `confidence` are what it found; "" where it has not.
    """

    answers: tuple[Annotation, ...] = ()
    result: str | None = None
    confidence: float = 1.0
    failure: str = ""
    ignored: tuple[str, ...] = ()
    origin: LabelOrigin = LabelOrigin()
    outcome: str = ""


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
        RejectedLine: `missing_label` or `invalid_label`: the attribute holds what no job writes.
    """
    metadata = fields.get(attribute + METADATA_SUFFIX)
    metadata = metadata if isinstance(metadata, dict) else {}
    failure = _failure(metadata.get("failure-reason"))
    value = fields.get(attribute)
    if value is None:
        return Annotations(failure=failure) if failure else None
    chosen = {name: fields[name] for name in LINE_ORIGIN if name in fields}
    origin = read_label_origin({**chosen, **metadata})
    ignored = ["machine_label"] if origin.source == MACHINE else []
    if _type(metadata) in CLASSIFICATIONS:
        name, confidence = _name(metadata.get("class-name")), metadata.get("confidence")
        scored = _confidence(confidence, ignored)
        return Annotations((), name, scored, failure, tuple(ignored), origin)
    if isinstance(value, dict):
        result = value.get("result")
        name = _name(result.get(attribute)) if isinstance(result, dict) else None
        answers = _answers(value.get("workers"), ignored)
        scored = _confidence(value.get("confidence"), [] if answers else ignored)
        outcome = read_outcome(metadata)
        return Annotations(answers, name, scored, failure, tuple(ignored), origin, outcome)
    if failure:
        return Annotations(failure=failure)
    if isinstance(value, str) and value.strip():
        return Annotations((), encodable(value), ignored=tuple(ignored), origin=origin)
    reason = "missing_label" if isinstance(value, str) else "invalid_label"
    raise RejectedLine(reason, f"{attribute!r} holds no label and no answers")


def workers_of(fields: Mapping[str, Any], attribute: str) -> tuple[str, ...]:
    """Who answered about a line's product, one entry for each answer, whatever came of it."""
    value = fields.get(attribute)
    workers = value.get("workers") if isinstance(value, dict) else None
    given = workers if isinstance(workers, list) else []
    return tuple(
        _worker(each.get("worker_id"))
        for each in given
        if isinstance(each, dict) and each.get("label") not in (None, "")
    )


def encodable(text: str) -> str:
    """Text that UTF-8 can encode: JSON may escape half a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _type(metadata: Mapping[str, Any]) -> str:
    type_ = metadata.get("type")
    return type_ if isinstance(type_, str) else ""


def _answers(workers: Any, ignored: list[str]) -> tuple[Annotation, ...]:
    """An annotation for each answer; empty ones are counted.

    Raises:
        RejectedLine: `invalid_label`: there is something else than an answer.
    """
    if workers is None:
        return ()
    if not isinstance(workers, list):
        raise RejectedLine("invalid_label", "workers is not a list of answers")
    answers = []
    for each in workers:
        if not isinstance(each, dict):
            raise RejectedLine("invalid_label", "an answer is not an object")
        label = each.get("label")
        if label is None or label == "":
            ignored.append("empty_answer")
            continue
        name = _name(label)
        if name is None:
            raise RejectedLine("invalid_label", f"an answer is {label!r}, which is not text")
        answers.append(Annotation(_worker(each.get("worker_id")), name))
    return tuple(answers)


def _worker(id_: Any) -> str:
    return encodable(str(id_)) if isinstance(id_, str | int) else ""


def _name(value: Any) -> str | None:
    """A label as text: a number counts as it is written, a whole one without a fraction."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return encodable(value) if isinstance(value, str) and value.strip() else None


def _failure(reason: Any) -> str:
    if not reason:
        return ""
    return encodable(reason) if isinstance(reason, str) else "no reason given"


def _confidence(value: Any, ignored: list[str]) -> float:
    """The job's confidence within (0, 1]; 1 where it gives none, or 0 for "not scored".

    Ground Truth gives 0 to the label of a single worker, which says nothing about it:
    https://docs.aws.amazon.com/sagemaker/latest/dg/sms-data-output.html

    Raises:
        RejectedLine: `invalid_label`: it is no number of at least 0.
    """
    if value is None:
        return 1.0
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not number >= 0:
        raise RejectedLine("invalid_label", f"the confidence is {str(value)[:40]!r}")
    if number == 0:
        ignored.append("unscored")
        return 1.0
    return min(number, 1.0)
