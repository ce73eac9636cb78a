"""Files about tasks: answers as a table, gold, and a model's scores."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.labeling.answers import Answer
from shelfsort.labeling.manifest_answers import positive_number
from shelfsort.products.manifest.lines import Line, file_lines
from shelfsort.products.manifest.parsing import Record, read_record
from shelfsort.products.tables.forms import Form, form_of, rows_of
from shelfsort.products.tables.rows import Reading

_TASK, _WORKER, _LABEL = ("task", "id"), ("worker", "worker_id"), ("label", "category")
_GOLD = ("gold", *_LABEL)
_SECONDS = "seconds"
_ROUNDING = 0.01


@dataclass(frozen=True)
class AnswerRow:
    """A row of a table of answers.

    Attributes:
        answer: of the row.
        others: cells of further columns that are not empty, by the name of their column.
    """

    answer: Answer
    others: Mapping[str, Any]


def is_table(file: str) -> bool:
    """Whether a file is a table with a row for each answer, and no JSON Lines."""
    return form_of(file) not in (Form.MANIFEST, Form.JSON_LINES, Form.IMAGE_FOLDER)


def has_workers(file: str) -> bool:
    """Whether a table has a column for the worker; one that a shop keeps itself has none."""
    first = next(_cells(file), None)
    return first is None or any(name in first[1] for name in _WORKER)


def label_rows(file: str) -> Iterator[AnswerRow]:
    """The rows of a table with the columns `id` and `category`, as answers of nobody.

    Raises:
        InputError: a column is missing, or a row has no id.
    """
    for number, cells in _cells(file):
        place = f"{file}:{number}"
        task, label = (_column(place, cells, names) for names in (_TASK, _LABEL))
        if not _text(cells[task]):
            raise InputError(f"{place}: no {task}. Give one in every row.")
        others = {
            key: value for key, value in cells.items() if key not in (task, label) and _text(value)
        }
        yield AnswerRow(Answer(_text(cells[task]), "", _text(cells[label])), others)


def answer_rows(file: str) -> Iterator[AnswerRow]:
    """The rows of a table with the columns `task`, `worker`, `label` and perhaps `seconds`.

    Raises:
        InputError: a column is missing, or a row has no task or worker, or a time that is none.
    """
    for number, cells in _cells(file):
        task, worker, label = (
            _column(f"{file}:{number}", cells, names) for names in (_TASK, _WORKER, _LABEL)
        )
        seconds = _text(cells.get(_SECONDS))
        if seconds and positive_number(seconds) is None:
            raise InputError(
                f"{file}:{number}: {seconds[:40]!r} is no number of seconds above 0. Correct it, "
                "or leave the cell empty."
            )
        given = {name: _text(cells[name]) for name in (task, worker, label)}
        for name in (task, worker):
            if not given[name]:
                raise InputError(f"{file}:{number}: no {name}. Give one in every row.")
        known = {task, worker, label, _SECONDS}
        others = {key: value for key, value in cells.items() if key not in known and _text(value)}
        answer = Answer(given[task], given[worker], given[label], positive_number(seconds))
        yield AnswerRow(answer, others)


def read_gold(file: str, named: Callable[[str, str], str] | None = None) -> dict[str, str]:
    """True labels by task or product id.

    Args:
        file: a table with the columns `task` (or `id`) and `gold` (or `label`), or a manifest whose
            lines have `id` and `gold`. Lines without gold are passed over.
        named: gives the name under which a label counts, of its place and the label; may raise
            InputError (`LabelTree.gold`).

    Raises:
        InputError: it cannot be read, holds no gold, or contradicts itself.
    """
    gold: dict[str, str] = {}
    for number, task, label in _gold_of(file):
        name = named(f"{file}:{number}", label) if named else label
        if gold.setdefault(task, name) != name:
            raise InputError(
                f"{file}:{number}: {task!r} is {label!r}, and {gold[task]!r} above. Keep one."
            )
    if not gold:
        raise InputError(f"{file}: no gold label. Give a table with the columns task and gold.")
    return gold


def read_scores(file: str) -> dict[str, dict[str, float]]:
    """A model's probabilities by task or product id, and label.

    Args:
        file: JSON Lines such as `{"id": "p1", "scores": {"Shoes": 0.9, "Hats": 0.1}}`; labels that
            are left out have the probability 0.

    Raises:
        InputError: a line is something else, its scores do not add up to 1, or an id occurs twice.
    """
    found: dict[str, dict[str, float]] = {}
    for line in file_lines(file):
        record = json_record(line)
        id_, scores = record.fields.get("id"), record.fields.get("scores")
        place = f"{file}:{line.number}"
        if not isinstance(id_, str | int) or not isinstance(scores, dict) or not scores:
            raise InputError(
                f'{place}: no scores. Write lines such as {{"id": "p1", "scores": {{"Shoes": 1}}}}.'
            )
        if str(id_) in found:
            raise InputError(f"{place}: the id {str(id_)!r} has scores above. Keep one line.")
        found[str(id_)] = _probabilities(place, scores)
    return found


def json_record(line: Line) -> Record:
    """The JSON object on a line. Raises InputError where there is none."""
    record = read_record(line)
    if record.fault is not None:
        raise InputError(f"{line.file}:{line.number}: {record.fault}. Correct or remove the line.")
    return record


def _probabilities(place: str, scores: Mapping[str, Any]) -> dict[str, float]:
    for label, score in scores.items():
        number = isinstance(score, int | float) and not isinstance(score, bool)
        if not (number and math.isfinite(score) and score >= 0):
            raise InputError(f"{place}: the score of {label[:80]!r} is no probability. Correct it.")
    total = sum(scores.values())
    if abs(total - 1) > _ROUNDING:
        raise InputError(
            f"{place}: the scores add up to {total:.4g}, not 1. Give the probabilities of all "
            "labels."
        )
    return {label: score / total for label, score in scores.items()}


def _gold_of(file: str) -> Iterator[tuple[int, str, str]]:
    if is_table(file):
        for number, cells in _cells(file):
            task, gold = (
                _text(cells[_column(f"{file}:{number}", cells, names)]) for names in (_TASK, _GOLD)
            )
            if task and gold:
                yield number, task, gold
        return
    for line in file_lines(file):
        fields = json_record(line).fields
        id_, truth = fields.get("id"), fields.get("gold")
        if isinstance(id_, str | int) and isinstance(truth, str) and truth.strip():
            yield line.number, str(id_), truth


def _cells(file: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for row in rows_of(file, form_of(file), Reading()):
        if isinstance(row, Line) or row.fault:
            raise InputError(f"{file}:{row.number}: {row.fault}. Correct the row.")
        yield row.number, row.cells


def _column(place: str, cells: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = next((name for name in names if name in cells), None)
    if found is None:
        raise InputError(
            f"{place}: no column {names[0]!r} among {', '.join(map(repr, list(cells)[:10]))}. "
            "Rename the column that holds it."
        )
    return found


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
