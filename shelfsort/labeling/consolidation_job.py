"""Consolidates a file of answers: reads it, judges each task, writes a manifest."""

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs
from shelfsort.core.storage import absolute, scheme
from shelfsort.labeling.answer_files import (
    answer_rows,
    is_table,
    json_record,
    read_gold,
)
from shelfsort.labeling.answers import UNSURE, Answers, is_unsure
from shelfsort.labeling.choice import AUTO
from shelfsort.labeling.consensus import Consolidated, consolidate_answers
from shelfsort.labeling.label_tree import LabelTree, Resolve
from shelfsort.labeling.manifest_answers import ManifestAnswers, task_of, with_verdict
from shelfsort.labeling.model_scores import (
    TITLES,
    scores_by_task,
    scores_file,
    title_scores,
)
from shelfsort.labeling.page_answers import refuse_page_answers
from shelfsort.products.manifest.annotations import CUSTOM, METADATA_SUFFIX
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.manifest.lines import file_lines
from shelfsort.products.manifest.writing import write_manifest
from shelfsort.products.tables.rows import CATEGORY

_Value = TypeVar("_Value")

_MANY_UNKNOWN = 0.1


@dataclass(frozen=True)
class ConsolidationJob:
    """What to consolidate and how.

    Attributes:
        data: a manifest (file, folder or pattern), or a table with a row for each answer.
        method: one of `choice.METHODS`.
        gold, taxonomy: files, "" for none.
        scores: as `model_scores.given_scores` takes them, `model_scores.TITLES`, or "" for none.
        attribute: that holds the label, "" for the only one of a manifest, `category` of a table.
        min_confidence: smallest posterior of a label or a parent category, in [0, 1].
        unsure: the answer that means "cannot tell".
    """

    data: str
    method: str = AUTO
    gold: str = ""
    scores: str = ""
    taxonomy: str = ""
    attribute: str = ""
    min_confidence: float = 0.5
    unsure: str = UNSURE

    def run(self) -> "Result":
        """Reads all files and consolidates.

        Raises:
            InputError: one line with file, line and remedy.
        """
        files = find_manifest_files(self.data)
        refuse_page_answers(files)
        table = len(files) == 1 and is_table(files[0])
        tree = LabelTree.load(self.taxonomy, self.unsure)
        resolve = tree.resolve
        found = self._of_table(files[0], resolve) if table else self._of_manifest(files, resolve)
        if not found.answers:
            raise InputError(
                f"{self.data}: no line has workers' answers under {found.attribute!r}. "
                "Give a job's output with its answers, or a table with task, worker and label."
            )
        if self.taxonomy:
            labels = (each.label for each in found.answers)
            tree.refuse_other(self.taxonomy, self.data, labels)
        gold = _by_task(read_gold(self.gold, tree.gold), found) if self.gold else {}
        if self.gold and not gold:
            raise InputError(f"{self.gold}: no task of {self.data} is in it. Use the same ids.")
        scores = self._scores(found, resolve) if self.scores else None
        try:
            consolidated = consolidate_answers(
                found.answers,
                self.method,
                min_confidence=self.min_confidence,
                unsure=self.unsure,
                above=tree.above,
                gold=gold,
                scores=scores,
            )
        except ValueError as error:
            raise InputError(f"{self.data}: {error}.") from error
        beside = (self.gold, scores_file(self.scores), self.taxonomy)
        return Result(files, table, found, consolidated, tree, beside)

    def _scores(self, found: ManifestAnswers, resolve: Resolve) -> dict[str, dict[str, float]]:
        if self.scores == TITLES:
            return self._title_scores(found)
        scores = scores_by_task(self.scores, found.ids, resolve)
        if not scores:
            raise InputError(f"{self.scores}: no task of {self.data} is in it. Use the same ids.")
        return scores

    def _title_scores(self, found: ManifestAnswers) -> dict[str, dict[str, float]]:
        answers = [each for each in found.answers if not is_unsure(each.label, self.unsure)]
        if not answers or not any(found.texts.values()):
            raise InputError(f"{self.data}: no titles. Give --scores a file, or leave it out.")
        given = Answers.of((each.task, each.worker, each.label) for each in answers)
        return title_scores(given.tasks, [found.texts.get(task, "") for task in given.tasks], given)

    def _of_manifest(self, files: tuple[str, ...], resolve: Resolve) -> ManifestAnswers:
        attribute = self.attribute or find_label_attribute(files, option="--attribute NAME")
        found = ManifestAnswers(attribute, resolve)
        for file in files:
            for line in file_lines(file):
                found.add(json_record(line))
        return found

    def _of_table(self, file: str, resolve: Resolve) -> ManifestAnswers:
        found = ManifestAnswers(self.attribute or CATEGORY, resolve)
        for row in answer_rows(file):
            found.add_answer(row.answer)
        found.ids = {answer.task: answer.task for answer in found.answers}
        return found


@dataclass(frozen=True)
class Result:
    """What came of a job.

    Attributes:
        files: that were read.
        table: whether they are a table.
        found: the answers, with what was odd about them.
        consolidated: verdicts, method and workers.
        tree: that the labels are from.
        beside: places that were read besides; "" for none.
    """

    files: tuple[str, ...]
    table: bool
    found: ManifestAnswers
    consolidated: Consolidated
    tree: LabelTree
    beside: tuple[str, ...] = ()

    @property
    def first_unknown(self) -> str:
        """The first answer that is no leaf, with the nearest categories; "" where all are."""
        first = self.found.first_unknown
        if first is None:
            return ""
        product = self.found.ids.get(first.task, first.task)
        by = f" by {first.worker!r}" if first.worker else ""
        return f"{self.tree.why_unknown(first.label)}, answered{by} about {product!r}"

    @property
    def mostly_known(self) -> bool:
        """Whether hardly an answer is no leaf; else the tree is likely to be another one."""
        return self.found.counts["unknown_label"] <= _MANY_UNKNOWN * len(self.found.answers)

    @property
    def outcomes(self) -> Counter[str]:
        """Number of tasks with each outcome."""
        return Counter(verdict.outcome for verdict in self.consolidated.verdicts.values())

    def write(self, place: str) -> int:
        """Writes a manifest with every line that was read, or one for each task of a table.

        Returns:
            The number of lines.

        Raises:
            InputError: the place is a file that was read, or images would not be found from there.
        """
        refuse_inputs(place, *self.files, *self.beside)
        lines = self._table_lines() if self.table else self._manifest_lines(place)
        return write_manifest(place, lines)

    def _manifest_lines(self, place: str) -> Iterator[Mapping[str, Any]]:
        attribute, method = self.found.attribute, self.consolidated.choice.method
        for file in self.files:
            for line in file_lines(file):
                record = json_record(line)
                refuse_lost_images(record.fields, file, line.number, place)
                verdict = self.consolidated.verdicts.get(task_of(record))
                yield (
                    record.fields
                    if verdict is None
                    else with_verdict(record.fields, attribute, verdict, method)
                )

    def _table_lines(self) -> Iterator[Mapping[str, Any]]:
        attribute, method = self.found.attribute, self.consolidated.choice.method
        workers: dict[str, list[dict[str, Any]]] = {}
        for row in answer_rows(self.files[0]):
            answer = row.answer
            given = {"worker_id": answer.worker, "label": answer.label, "seconds": answer.seconds}
            entry = {**row.others, **{key: each for key, each in given.items() if each is not None}}
            workers.setdefault(answer.task, []).append(entry)
        for task, entries in workers.items():
            fields = {
                "id": task,
                attribute: {"workers": entries},
                attribute + METADATA_SUFFIX: {"type": CUSTOM, "human-annotated": "yes"},
            }
            verdict = self.consolidated.verdicts.get(task)
            yield fields if verdict is None else with_verdict(fields, attribute, verdict, method)


def refuse_lost_images(fields: Mapping[str, Any], file: str, number: int, place: str) -> None:
    """Raises InputError where an image is relative to another folder than the output's."""
    image = fields.get("source-ref")
    relative = isinstance(image, str) and image and not scheme(image) and not image.startswith("/")
    if relative and _folder(file) != _folder(place):
        raise InputError(
            f"{file}:{number}: the image is relative to the manifest's folder. "
            f"Write the output into {_folder(file)}."
        )


def _by_task(of_ids: Mapping[str, _Value], found: ManifestAnswers) -> dict[str, _Value]:
    return {task: of_ids[id_] for task, id_ in found.ids.items() if id_ in of_ids}


def _folder(file: str) -> str:
    return posixpath.dirname(absolute(file))
