"""Raw worker responses of Amazon SageMaker Ground Truth.

A job without a consolidation function leaves, for each product, files such as
`worker-response/iteration-1/7/2026-01-15_09:00:00.json` with every worker's answer; 7 is the line
of the input manifest, from 0.
"""

import json
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.storage import list_files
from shelfsort.labeling.imported import ImportedAnswer, json_of

_LABEL = "label"


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
        label = _label(content, field)
        submitted = answer.get("submissionTime")
        others = {"submitted": submitted} if submitted else {}
        worker = answer.get("workerId")
        yield ImportedAnswer(
            str(product),
            str(worker) if isinstance(worker, str | int) else "",
            label,
            others=others if label else {**others, "answer": content},
        )


def _label(content: Any, field: str) -> str:
    """The label in an answer, at its top or in its only element; "" where none can be read."""
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return ""
    if not isinstance(content, dict):
        return ""
    for value in (content, *(each for each in content.values() if isinstance(each, dict))):
        named = value.get(field or _LABEL)
        if named is None and not field and len(value) == 1:
            named = next(iter(value.values()))
        if isinstance(named, list) and len(named) == 1:
            named = named[0]
        if isinstance(named, str) and named.strip():
            return named.strip()
    return ""
