"""Post-annotation: one label for each product, with every worker's answer.

Event and answer: https://docs.aws.amazon.com/sagemaker/latest/dg/sms-custom-templates-step3-lambda-requirements.html
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from shelfsort.labeling.answer_content import label_of, remarks_of, strict_json

_ANSWER, _WORKER = "answer", "worker_id"


def handler(event: Mapping[str, Any], context: object = None) -> list[dict[str, Any]]:
    """Answers Ground Truth after a batch of tasks.

    Args:
        event: `{"version", "labelingJobArn", "labelAttributeName", "payload": {"s3Uri"}, …}`.
        context: of AWS Lambda, not used.

    Returns:
        `{"datasetObjectId", "consolidatedAnnotation": {"content": {attribute: label}}}` for each
        product of the payload.

    Raises:
        ValueError: the payload is not a list of products.
    """
    payload = _read(event["payload"]["s3Uri"])
    return consolidated(payload, str(event["labelAttributeName"]))


def consolidated(payload: Any, attribute: str) -> list[dict[str, Any]]:
    """The labels of a payload; see `handler`. An answer that cannot be read is kept as it came."""
    if not isinstance(payload, list):
        raise ValueError("the payload is no list of annotated products")
    return [
        {
            "datasetObjectId": each.get("datasetObjectId"),
            "consolidatedAnnotation": {"content": {attribute: _label(each, attribute)}},
        }
        for each in payload
        if isinstance(each, dict)
    ]


def _label(product: Mapping[str, Any], attribute: str) -> dict[str, Any]:
    given = product.get("annotations")
    workers = [_worker(each) for each in given] if isinstance(given, list) else []
    result, confidence = _majority([each["label"] for each in workers if each["label"]])
    shown = product.get("dataObject")
    return {
        "workers": workers,
        "confidence": confidence,
        "result": {attribute: result} if result else {},
        "labeledContent": shown if isinstance(shown, dict) else {},
    }


def _worker(annotation: Any) -> dict[str, Any]:
    held = annotation if isinstance(annotation, dict) else {}
    data = held.get("annotationData")
    content = data.get("content") if isinstance(data, dict) else None
    label = label_of(content)
    worker = held.get("workerId")
    name = str(worker) if isinstance(worker, str | int) else ""
    if label:
        return {_WORKER: name, "label": label, **_others(content)}
    return {_WORKER: name, "label": "", _ANSWER: content if held else annotation}


def _others(content: Any) -> dict[str, Any]:
    return {key: value for key, value in remarks_of(content).items() if key != _WORKER}


def _majority(labels: list[str]) -> tuple[str, float]:
    """The most frequent label and its share of the answers; "" and the share where two tie."""
    if not labels:
        return "", 0.0
    ranked = Counter(labels).most_common(2)
    tied = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
    return "" if tied else ranked[0][0], ranked[0][1] / len(labels)


def _read(address: str) -> Any:
    import boto3

    bucket, _, key = address.removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return strict_json(body)
