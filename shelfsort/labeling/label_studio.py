"""Label Studio's JSON export: a list of tasks with their annotations.

Its Community edition asks one person about a task, so k answers come from k copies of a task. The
copies are joined by the `id` in their data.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.labeling.imported import ImportedAnswer
from shelfsort.labeling.manifest_answers import positive_number
from shelfsort.labeling.pages.label_studio_config import COMMENT, IMAGE_PROBLEM
from shelfsort.products.taxonomy_forms import PATH_SEPARATOR

_FIELDS = {
    "image": "source-ref",
    "source-ref": "source-ref",
    "title": "title",
    "description": "description",
    "price": "price",
}


def is_export(value: Any) -> bool:
    """Whether a JSON value is an export of Label Studio."""
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and isinstance(value[0].get("annotations"), list)
        and isinstance(value[0].get("data"), dict)
    )


def export_answers(tasks: Sequence[Any], file: str) -> Iterator[ImportedAnswer]:
    """The annotations of all tasks. People are named by number, never by e-mail address.

    Args:
        tasks: of the export.
        file: for error messages.

    Raises:
        InputError: a task has no data or annotations.
    """
    for number, task in enumerate(tasks, start=1):
        data = task.get("data") if isinstance(task, dict) else None
        annotations = task.get("annotations") if isinstance(task, dict) else None
        if not isinstance(data, dict) or not isinstance(annotations, list):
            raise InputError(f"{file}: task {number} has no data or annotations. Export as JSON.")
        product = str(data.get("id") or task.get("id") or number)
        fields = {name: data[key] for key, name in _FIELDS.items() if data.get(key)}
        for annotation in annotations:
            if isinstance(annotation, dict):
                yield _answer(product, annotation, fields)


def _answer(
    product: str, annotation: Mapping[str, Any], fields: Mapping[str, Any]
) -> ImportedAnswer:
    by = annotation.get("completed_by")
    worker = by.get("id") if isinstance(by, dict) else by
    result = annotation.get("result")
    label = "" if annotation.get("was_cancelled") else _label(result)
    return ImportedAnswer(
        product,
        str(worker) if isinstance(worker, int) else "",
        label,
        positive_number(annotation.get("lead_time")),
        _remarks(result) if label else {"answer": result},
        fields,
    )


def _values(result: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The name of each control and what was done with it."""
    for region in result if isinstance(result, list) else []:
        value = region.get("value") if isinstance(region, dict) else None
        if isinstance(value, dict):
            yield region.get("from_name"), value


def _remarks(result: Any) -> dict[str, Any]:
    """What an answer says besides its label, under the names that `label_studio_config` uses."""
    remarks: dict[str, Any] = {}
    for control, value in _values(result):
        if control == IMAGE_PROBLEM and value.get("choices"):
            remarks[IMAGE_PROBLEM] = "yes"
        elif text := value.get("text"):
            remarks[str(control or COMMENT)] = (
                "\n".join(map(str, text)) if isinstance(text, list) else text
            )
    return remarks


def _label(result: Any) -> str:
    """The only choice or the only path of a taxonomy; "" for none or several."""
    found = []
    for control, value in _values(result):
        for key in ("choices", "taxonomy"):
            chosen = value.get(key)
            found += chosen if isinstance(chosen, list) and control != IMAGE_PROBLEM else []
    if len(found) != 1:
        return ""
    path = found[0] if isinstance(found[0], list) else [found[0]]
    return PATH_SEPARATOR.join(str(part).strip() for part in path)
