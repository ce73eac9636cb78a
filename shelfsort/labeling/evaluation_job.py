"""Reads labelling jobs from files and evaluates them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.labeling.answer_files import answer_rows, is_table, json_record, read_gold
from shelfsort.labeling.answers import UNSURE, Answer, is_unsure
from shelfsort.labeling.consensus import Ancestors
from shelfsort.labeling.evaluation import Quality, job_quality
from shelfsort.labeling.label_tree import LabelTree, Resolve
from shelfsort.labeling.manifest_answers import positive_number
from shelfsort.labeling.page_answers import refuse_page_answers
from shelfsort.labeling.pay import TimedAnswer, read_time
from shelfsort.products.manifest.annotations import Annotation, Annotations, read_annotations
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.manifest.lines import file_lines
from shelfsort.products.manifest.rejects import RejectedLine

_SUBMITTED = ("submitted", "submissionTime")


@dataclass(frozen=True)
class EvaluatedJob:
    """A labelling job with its evaluation.

    Attributes:
        name: as it was given.
        quality: of the job.
        answers: under their resolved labels, without those that say "cannot tell".
        times: of all answers.
        gold: true labels of its products.
        above: the ancestors of a label.
    """

    name: str
    quality: Quality
    answers: Sequence[Answer]
    times: Sequence[TimedAnswer]
    gold: Mapping[str, str]
    above: Ancestors


@dataclass
class _Said:
    """What a job says of each product, by id, with gold of its lines and the times of answers."""

    annotations: dict[str, Annotations] = field(default_factory=dict)
    gold: dict[str, str] = field(default_factory=dict)
    times: list[TimedAnswer] = field(default_factory=list)

    def add_time(self, worker: str, entry: Mapping[str, Any]) -> None:
        submitted = next((entry[name] for name in _SUBMITTED if entry.get(name)), None)
        seconds = positive_number(entry.get("seconds"))
        self.times.append(TimedAnswer(worker, seconds, read_time(submitted)))


def evaluate_jobs(
    jobs: Sequence[str],
    gold: str = "",
    taxonomy: str = "",
    attribute: str = "",
    unsure: str = UNSURE,
) -> list[EvaluatedJob]:
    """Evaluates each job.

    Args:
        jobs: manifests (file, folder or pattern), or tables with a row for each answer.
        gold: file of true labels (`answer_files.read_gold`), "" for the `gold` of the lines.
        taxonomy: category tree, "" where labels are paths or have no parent.
        attribute: that holds the label, "" for the only one of each manifest.
        unsure: the answer that means "cannot tell".

    Raises:
        InputError: one line with file, line and remedy.
    """
    tree = LabelTree.load(taxonomy, unsure)
    truth = read_gold(gold, tree.gold) if gold else {}
    found = []
    for job in jobs:
        files = find_manifest_files(job)
        refuse_page_answers(files)
        table = len(files) == 1 and is_table(files[0])
        said = _of_table(files[0]) if table else _of_manifest(files, attribute, tree)
        if not said.annotations:
            raise InputError(f"{job}: no product has a label or an answer. Give a job's output.")
        if taxonomy:
            tree.refuse_other(taxonomy, job, _labels(said.annotations))
        known = {**said.gold, **truth}
        if gold and not set(said.annotations) & set(truth):
            raise InputError(f"{gold}: no product of {job} is in it. Use the same ids.")
        quality = job_quality(said.annotations, known, tree.resolve, tree.above, unsure)
        answers = _resolved(said.annotations, tree.resolve, unsure)
        found.append(EvaluatedJob(job, quality, answers, said.times, known, tree.above))
    return found


def _labels(said: Mapping[str, Annotations]) -> Iterator[str]:
    """All labels that a job names."""
    for each in said.values():
        yield from (answer.label for answer in each.answers)
        yield each.result or ""


def _resolved(said: Mapping[str, Annotations], resolve: Resolve, unsure: str) -> list[Answer]:
    return [
        Answer(product, each.worker, resolve(each.label) or each.label)
        for product, annotations in said.items()
        for each in annotations.answers
        if not is_unsure(each.label, unsure)
    ]


def _of_table(file: str) -> _Said:
    answers: dict[str, list[Annotation]] = {}
    said = _Said()
    for row in answer_rows(file):
        given = answers.setdefault(row.answer.task, [])
        if row.answer.label:
            given.append(Annotation(row.answer.worker, row.answer.label))
            said.add_time(row.answer.worker, {**row.others, "seconds": row.answer.seconds})
    said.annotations = {task: Annotations(tuple(given)) for task, given in answers.items()}
    return said


def _of_manifest(files: Sequence[str], attribute: str, tree: LabelTree) -> _Said:
    """Of several lines with one id the first counts."""
    name = attribute or find_label_attribute(files, option="--attribute NAME")
    said = _Said()
    for file in files:
        for line in file_lines(file):
            fields = json_record(line).fields
            id_ = str(fields.get("id") or fields.get("source-ref") or f"{file}:{line.number}")
            try:
                annotations = read_annotations(fields, name)
            except RejectedLine as why:
                raise InputError(f"{file}:{line.number}: {why}. Correct the line.") from why
            if annotations is None or id_ in said.annotations:
                continue
            said.annotations[id_] = annotations
            if annotations.answers:
                for entry in fields[name]["workers"]:
                    said.add_time(str(entry.get("worker_id", "")), entry)
            truth = fields.get("gold")
            if isinstance(truth, str) and truth.strip():
                said.gold[id_] = tree.gold(f"{file}:{line.number}", truth)
    return said
