"""Raw worker responses of Amazon SageMaker Ground Truth.

A job without a consolidation function leaves, for each product, files such as
`worker-response/iteration-1/7/2026-01-15_09:00:00.json` with every worker's answer; 7 is the line
of the input manifest, from 0.
"""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.storage import list_files
from shelfsort.labeling.answer_content import label_of, remarks_of
from shelfsort.labeling.imported import ImportedAnswer, json_of
from shelfsort.labeling.manifest_answers import positive_number


def is_response(value: Any) -> bool:
    """Whether a JSON value is a response file of Ground Truth."""
    return isinstance(value, dict) and isinstance(value.get("answers"), list)


def response_files(folder: str) -> list[str]:
    """The response files below a folder, sorted. Raises InputError where there is none."""
    base = folder.rstrip("/")
    patterns = (f"{base}/*/*.json", f"{base}/*/*/*.json")
    found = sorted(file for pattern in patterns for file in list_files(pattern))
    if not found:
        raise InputError(f"{folder}: no worker response (*.json). Give the folder worker-response.")
    return found


def folder_answers(folder: str, field: str) -> Iterator[ImportedAnswer]:
    """The answers of all response files below a folder; see `answers_of`."""
    for file in response_files(folder):
        response = json_of(file)
        if not is_response(response):
            raise InputError(f"{file}: no worker response: it has no list of answers. Remove it.")
        product = posixpath.basename(posixpath.dirname(file))
        yield from answers_of({"datasetObjectId": product, **response}, file, field)


def answers_of(response: Mapping[str, Any], place: str, field: str) -> Iterator[ImportedAnswer]:
    """The answers of one response.

    Args:
        response: of Ground Truth.
        place: file, or file and line, for error messages.
        field: of the answer that holds the label, "" for `label` or the only field there is.

    Raises:
        InputError: the response names no product.
    """
    product = response.get("datasetObjectId")
    if not isinstance(product, str | int):
        raise InputError(f"{place}: no datasetObjectId. Give the folder worker-response instead.")
    for answer in response["answers"]:
        if not isinstance(answer, dict):
            yield ImportedAnswer(str(product), "", "", others={"answer": answer})
            continue
        content = answer.get("answerContent")
        label = label_of(content, field)
        submitted = answer.get("submissionTime")
        others = {"submitted": submitted} if submitted else {}
        remarks = remarks_of(content) if label and not field else {}
        seconds = remarks.pop("seconds", None)
        worker = answer.get("workerId")
        yield ImportedAnswer(
            str(product),
            str(worker) if isinstance(worker, str | int) else "",
            label,
            positive_number(answer.get("timeSpentInSeconds")) or seconds,
            others={**remarks, **others} if label else {**others, "answer": content},
        )
