"""Pre-annotation: what a worker is shown of a line of the manifest.

Event and answer: https://docs.aws.amazon.com/sagemaker/latest/dg/sms-custom-templates-step3-lambda-requirements.html
"""

from collections.abc import Mapping
from typing import Any

_SHOWN = (
    ("image", ("source-ref",)),
    ("title", ("title", "source")),
    ("description", ("description",)),
    ("price", ("price",)),
)


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Answers Ground Truth before each task.

    Args:
        event: `{"version", "labelingJobArn", "dataObject": a line of the manifest}`.
        context: of AWS Lambda, not used.

    Returns:
        `{"taskInput": fields for the template, "isHumanAnnotationRequired": "true"}`; "false" for a
        line that has nothing to show, which would cost money.
    """
    line = event.get("dataObject")
    shown = task_input(line if isinstance(line, Mapping) else {})
    return {"taskInput": shown, "isHumanAnnotationRequired": "true" if shown else "false"}


def task_input(line: Mapping[str, Any]) -> dict[str, Any]:
    """Image, title, description and price of a line, and nothing else.

    Labels and gold of earlier jobs would tell workers the answer.
    """
    shown = {}
    for name, keys in _SHOWN:
        for key in keys:
            value = line.get(key)
            if isinstance(value, str | int | float) and str(value).strip():
                shown[name] = value
                break
    return shown
