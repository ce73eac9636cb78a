"""Workers' answers in the lines of a manifest, and verdicts written back into them."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shelfsort.labeling.answers import Answer
from shelfsort.labeling.choice import MODEL_ASSISTED
from shelfsort.labeling.consensus import Verdict
from shelfsort.products.manifest.annotations import CUSTOM, METADATA_SUFFIX, read_annotations
from shelfsort.products.manifest.label_origin import label_origin_fields, read_label_origin
from shelfsort.products.manifest.outcomes import CONSOLIDATION
from shelfsort.products.manifest.parsing import Record
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.product import ASSISTED

ODDITIES = {
    "no_answers": "line without answers of workers, left as it was",
    "job_failed": "line whose job failed, left as it was",
    "machine_label": "line that a machine labelled, left as it was",
    "invalid_label": "line whose label or answers cannot be read, left as it was",
    "repeated_id": "line whose id an earlier line has",
    "no_id": "line without an id, to which neither gold nor scores can belong",
    "no_worker": "answer without a worker's id; all of these count as one worker's",
    "empty_answer": "answer without a label, left out",
    "repeated_answer": "further answer of the same worker about the same product",
    "unknown_label": "answer that is no leaf of the tree; it counts as it is written",
    "consolidated_before": "line that was consolidated before; its label was replaced",
}
"""What is counted and what each count means."""


@dataclass
class ManifestAnswers:
    """The answers of a manifest's lines; each line is a task, named by its file and number.

    Attributes:
        attribute: that holds the label.
        resolve: the name under which a label counts, None for one that is no leaf.
        answers: of all lines.
        ids: the product's id of each task with answers that has one.
        texts: title and description of each line.
        counts: of `ODDITIES`.
        first_unknown: the first answer that is no leaf, as it was given.
    """

    attribute: str
    resolve: Callable[[str], str | None]
    answers: list[Answer] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    first_unknown: Answer | None = None
    _seen: set[str] = field(default_factory=set)
    _answered: set[tuple[str, str]] = field(default_factory=set)

    def add(self, record: Record) -> None:
        """Takes up a line that holds a JSON object."""
        task, fields = task_of(record), record.fields
        self._note_id(task, fields)
        self.texts[task] = text_of(fields)
        try:
            annotations = read_annotations(fields, self.attribute)
        except RejectedLine:
            self.counts["invalid_label"] += 1
            return
        if annotations is None or not (annotations.answers or annotations.failure):
            machine = annotations is not None and "machine_label" in annotations.ignored
            self.counts["machine_label" if machine else "no_answers"] += 1
            self.ids.pop(task, None)
            return
        if annotations.failure:
            self.counts["job_failed"] += 1
            return
        self.counts["consolidated_before"] += bool(annotations.outcome)
        self.counts["empty_answer"] += annotations.ignored.count("empty_answer")
        times = _seconds(fields[self.attribute])
        for each, seconds in zip(annotations.answers, times, strict=True):
            self.add_answer(Answer(task, each.worker, each.label, seconds))

    def add_answer(self, answer: Answer) -> None:
        """Takes up one answer."""
        if not answer.label:
            self.counts["empty_answer"] += 1
            return
        name = self.resolve(answer.label)
        if name is None:
            self.counts["unknown_label"] += 1
            self.first_unknown = self.first_unknown or answer
        self.counts["no_worker"] += not answer.worker
        by = answer.task, answer.worker
        self.counts["repeated_answer"] += bool(answer.worker) and by in self._answered
        self._answered.add(by)
        self.answers.append(replace(answer, label=name or answer.label))

    def _note_id(self, task: str, fields: Mapping[str, Any]) -> None:
        id_ = fields.get("id") or fields.get("source-ref")
        if not isinstance(id_, str | int):
            self.counts["no_id"] += 1
            return
        self.counts["repeated_id"] += str(id_) in self._seen
        self._seen.add(str(id_))
        self.ids[task] = str(id_)


def text_of(fields: Mapping[str, Any]) -> str:
    """The words that describe a product: title and description."""
    found = [fields.get(name) for name in ("title", "description")]
    return " ".join(each for each in found if isinstance(each, str) and each)


def task_of(record: Record) -> str:
    """The name of the task that a line is."""
    return f"{record.line.file}:{record.line.number:012d}"


def with_verdict(
    fields: Mapping[str, Any], attribute: str, verdict: Verdict, method: str
) -> dict[str, Any]:
    """The fields of a line with the verdict as the job's result; all others stay as they were.

    The result and the confidence that the job gave before are kept in the metadata. A label that a
    model had a part in says so, and is no evidence.
    """
    value = dict(fields[attribute])
    metadata = dict(fields.get(attribute + METADATA_SUFFIX) or {})
    before = metadata.get(CONSOLIDATION)
    replaced = before.get("replaced") if isinstance(before, dict) else None
    if replaced is None:
        replaced = {key: value[key] for key in ("result", "confidence") if key in value}
    value["result"] = {} if verdict.label is None else {attribute: verdict.label}
    # A confidence of 0 means "not scored".
    value["confidence"] = max(round(verdict.confidence, 6), 1e-6)
    metadata.setdefault("type", CUSTOM)
    metadata[CONSOLIDATION] = {
        "method": method,
        "outcome": verdict.outcome,
        **({"replaced": replaced} if replaced else {}),
    }
    if method == MODEL_ASSISTED:
        origin = read_label_origin(metadata)
        metadata |= label_origin_fields(replace(origin, source=ASSISTED))
    return {**fields, attribute: value, attribute + METADATA_SUFFIX: metadata}


def _seconds(value: Mapping[str, Any]) -> list[float | None]:
    """The time of each answer that is not empty, None where it is not given."""
    answered = [each for each in value["workers"] if each.get("label") not in (None, "")]
    return [positive_number(each.get("seconds")) for each in answered]


def positive_number(value: Any) -> float | None:
    """A time in seconds above 0; None for anything else."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number < math.inf else None
