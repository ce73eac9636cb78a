"""Lines of a labelled manifest: a custom Ground Truth job with the workers' answers kept."""

import json
from dataclasses import dataclass

from demo.words import Words
from demo.workers import Answer, majority

LABEL_ATTRIBUTE = "product-category"
_CREATED = "2026-01-15T09:00:00.000000"


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the catalogue as the crowd has labelled it.

    Attributes:
        id: the shop's number.
        words: None where the shop wrote nothing.
        source: the picture's path relative to the manifest, None where there is no picture.
        answers: one for each worker.
        gold: path of the leaf it was made for; None leaves the field out.
    """

    id: str
    words: Words | None
    source: str | None
    answers: list[Answer]
    gold: str | None


def content(product: Product) -> dict[str, str | float]:
    """Returns what the workers were shown: the fields of the line that describe the product."""
    fields: dict[str, str | float] = {}
    if product.source is not None:
        fields["source-ref"] = product.source
    fields["id"] = product.id
    if product.words is not None:
        fields["title"] = product.words.title
        fields["description"] = product.words.description
        if product.words.price is not None:
            fields["price"] = product.words.price
    return fields


def line(product: Product) -> dict:
    """Returns the product's line, ready for `dump`."""
    shown = content(product)
    label, share = majority(product.answers)
    fields = {
        **shown,
        LABEL_ATTRIBUTE: {
            "workers": [
                {"worker_id": answer.worker_id, "label": answer.label} for answer in product.answers
            ],
            "confidence": round(share, 4),
            "result": {LABEL_ATTRIBUTE: label},
            "labeledContent": shown,
        },
        f"{LABEL_ATTRIBUTE}-metadata": {
            "type": "groundtruth/custom",
            "job-name": f"labeling-job/{LABEL_ATTRIBUTE}-1",
            "human-annotated": "yes",
            "creation-date": _CREATED,
        },
    }
    if product.gold is not None:
        fields["gold"] = product.gold
    return fields


def failed_line(product: Product, reason: str) -> dict:
    """Returns the line of a product whose labelling failed: metadata only, no answer."""
    return {
        **content(product),
        f"{LABEL_ATTRIBUTE}-metadata": {
            "type": "groundtruth/custom",
            "job-name": f"labeling-job/{LABEL_ATTRIBUTE}-1",
            "human-annotated": "yes",
            "creation-date": _CREATED,
            "failure-reason": reason,
        },
    }


def dump(fields: dict) -> str:
    """Returns one line of JSON, without its line break."""
    return json.dumps(fields, ensure_ascii=False)
