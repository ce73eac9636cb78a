"""Answers that people gave on the labelling page, as an export."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_folder
from shelfsort.labeling.imported import ImportedAnswer
from shelfsort.labeling.queue.log import is_answer_log, read_log
from shelfsort.labeling.queue.records import Record


def page_answers(file: str) -> Iterator[ImportedAnswer]:
    """The answers that were not taken back, each under the pseudonym of its worker.

    Raises:
        InputError: it is no file of answers.
    """
    answers: dict[tuple[str, str], Record] = {}
    for record in read_log(file):
        by = record.task, record.worker
        answers.pop(by, None)
        if not record.undo:
            answers[by] = record
    for record in answers.values():
        others = {"submitted": _time(record.at)}
        if record.problem:
            others["image_problem"] = "yes"
        yield ImportedAnswer(
            record.task, record.worker, record.label, record.seconds or None, others
        )


def refuse_page_answers(files: Sequence[str]) -> None:
    """Raises InputError where a file is the answers themselves, and a manifest is needed."""
    for file in files:
        if not is_folder(file) and is_answer_log(file):
            raise InputError(
                f"{file}: the answers of the labelling page. Make a manifest of them first: "
                f"shelfsort labels import {shlex.quote(file)} --products PRODUCTS "
                "--output labelled.manifest"
            )


def _time(seconds: float) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return ""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
