"""Reads a labelling job's answer off one manifest line: which attribute, which leaf, how sure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.labeling.consolidation import majority
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.taxonomy import NotALeaf, Taxonomy, UnknownLabel

METADATA_SUFFIX = "-metadata"
CUSTOM = "groundtruth/custom"
CLASSIFICATIONS = frozenset({"groundtruth/image-classification", "groundtruth/text-classification"})
READABLE_TYPES = CLASSIFICATIONS | {CUSTOM}
_MEMO_SIZE = 65_536


@dataclass(frozen=True)
class Label:
    """What a line says the product is.

    Attributes:
      category: id of the leaf.
      confidence: in [0, 1]; share of equal answers, or the job's own figure.
      workers: who answered, one entry for each answer; () where the job kept no answers.
    """

    category: str
    confidence: float
    workers: tuple[str, ...]


class LeafResolver:
    """Maps labels to leaves of the reduced taxonomy, remembering what it has looked up."""

    def __init__(self, taxonomy: Taxonomy, reduction: Mapping[str, str] | None = None):
        """`reduction` maps leaves of `taxonomy` to what they are merged into."""
        self._full = taxonomy
        self._reduction = dict(reduction or {})
        self.taxonomy = taxonomy.reduced(self._reduction) if self._reduction else taxonomy
        self._memo: dict[str, str | UnknownLabel] = {}

    def leaf(self, label: str) -> str:
        """The leaf that `label` means. Raises UnknownLabel as `Taxonomy.resolve` does."""
        found = self._memo.get(label)
        if found is None:
            found = self._look_up(label)
            if len(self._memo) < _MEMO_SIZE:
                self._memo[label] = found
        if isinstance(found, UnknownLabel):
            raise found.with_traceback(None)
        return found

    def _look_up(self, label: str) -> str | UnknownLabel:
        try:
            leaf = self._full.resolve(label)
            return self._reduction.get(leaf, leaf)
        except UnknownLabel as error:
            try:
                # An inner category that the reduction turns into a leaf is a label, too.
                return self.taxonomy.resolve(label) if self._reduction else error
            except UnknownLabel:
                return error


def label_types(record: Mapping[str, Any]) -> dict[str, str]:
    """The label attributes of a line and the type of each, "" where the line does not say."""
    found = {}
    for key, metadata in record.items():
        if not key.endswith(METADATA_SUFFIX) or not isinstance(metadata, Mapping):
            continue
        attribute = key[: -len(METADATA_SUFFIX)]
        if attribute:
            type_ = metadata.get("type")
            found[attribute] = type_ if isinstance(type_, str) else ""
    return found


def read_label(
    record: Mapping[str, Any], attribute: str, resolver: LeafResolver, min_confidence: float
) -> Label:
    """The label of one line.

    Raises:
      RejectedLine: the job failed, there is no label, it is not a leaf of the taxonomy, or the
        workers do not agree.
    """
    metadata = record.get(attribute + METADATA_SUFFIX)
    metadata = metadata if isinstance(metadata, Mapping) else {}
    failure = metadata.get("failure-reason")
    if failure:
        raise RejectedLine("job_failed", failure if isinstance(failure, str) else "no reason given")
    value = record.get(attribute)
    if value is None:
        raise RejectedLine("missing_label", f"no value for {attribute!r}")
    if metadata.get("type") in CLASSIFICATIONS:
        return _single_answer(metadata.get("class-name"), metadata, resolver, min_confidence)
    if not isinstance(value, Mapping):
        raise RejectedLine("missing_label", f"{attribute!r} is not an object with answers")
    answers = _answers(value.get("workers"))
    if answers:
        return _voted(answers, resolver, min_confidence)
    result = value.get("result")
    name = result.get(attribute) if isinstance(result, Mapping) else None
    return _single_answer(name, value, resolver, min_confidence)


def workers_of(record: Mapping[str, Any], attribute: str) -> tuple[str, ...]:
    """Who answered about a line's product, one entry for each answer, whatever came of it."""
    value = record.get(attribute)
    answers = _answers(value.get("workers")) if isinstance(value, Mapping) else []
    return tuple(worker for worker, _ in answers)


def _answers(workers: Any) -> list[tuple[str, str]]:
    """(worker, label) for each entry that has a label."""
    if not isinstance(workers, list):
        return []
    return [
        (_worker(each.get("worker_id")), _clean(each["label"]))
        for each in workers
        if isinstance(each, Mapping) and isinstance(each.get("label"), str) and each["label"]
    ]


def _worker(id_: Any) -> str:
    return _clean(str(id_)) if isinstance(id_, str | int) else ""


def _voted(answers: list[tuple[str, str]], resolver: LeafResolver, min_confidence: float) -> Label:
    # Answers are resolved before they are counted, so that two spellings of one leaf agree; one
    # that names no leaf still counts as an answer, and loses or wins as any other.
    votes = [_leaf_or_label(label, resolver) for _, label in answers]
    consensus = majority(votes, min_confidence)
    if consensus.label is None:
        counts = ", ".join(f"{label!r} {n}" for label, n in Counter(votes).most_common(4))
        raise RejectedLine("no_consensus", f"{len(votes)} answers: {counts}")
    category = _resolved(consensus.label, resolver)
    return Label(category, consensus.confidence, tuple(worker for worker, _ in answers))


def _leaf_or_label(label: str, resolver: LeafResolver) -> str:
    try:
        return resolver.leaf(label)
    except UnknownLabel:
        return label


def _single_answer(
    name: Any, holder: Mapping[str, Any], resolver: LeafResolver, min_confidence: float
) -> Label:
    if not isinstance(name, str) or not name.strip():
        raise RejectedLine("missing_label", "the job names no class")
    category = _resolved(_clean(name), resolver)
    confidence = _confidence(holder.get("confidence"))
    if confidence < min_confidence:
        raise RejectedLine(
            "no_consensus", f"confidence {confidence:.2f} is below {min_confidence:.2f}"
        )
    return Label(category, confidence, ())


def _resolved(label: str, resolver: LeafResolver) -> str:
    try:
        return resolver.leaf(label)
    except NotALeaf as error:
        raise RejectedLine("not_a_leaf", str(error)) from error
    except UnknownLabel as error:
        raise RejectedLine("unknown_label", str(error)) from error


def _confidence(value: Any) -> float:
    """The job's confidence within [0, 1]; 1 where it gives none that is a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 1.0
    return float(min(max(value, 0), 1)) if value == value else 0.0


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
