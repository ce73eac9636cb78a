"""Who named a product's category, and who chose the product to be labelled."""

import math
from collections.abc import Mapping
from typing import Any

from shelfsort.products.product import ASSISTED, CATALOGUE, MACHINE, PEOPLE, LabelOrigin

_HUMAN = "human-annotated"
SOURCE, SELECTED_BY, PROBABILITY = "label-source", "selected-by", "selection-probability"
"""In a label's metadata, or in the line itself, as a job keeps the fields of its input."""
LINE_ORIGIN = (SOURCE, SELECTED_BY, PROBABILITY)
_SOURCES = (PEOPLE, CATALOGUE, ASSISTED, MACHINE)
_LONGEST_NAME = 200


def read_label_origin(metadata: Mapping[str, Any]) -> LabelOrigin:
    """Reads the origin off a job's metadata.

    `human-annotated: no` is how Ground Truth marks what its model labelled. A source that is not
    known counts as a machine, because it must not become evidence.
    """
    said = metadata.get(SOURCE, PEOPLE)
    source = said if isinstance(said, str) and said in _SOURCES else MACHINE
    if str(metadata.get(_HUMAN, "yes")).strip().lower() == "no" and source == PEOPLE:
        source = MACHINE
    chosen = metadata.get(SELECTED_BY) or ""
    name = str(chosen).encode("utf-8", "replace").decode()[:_LONGEST_NAME]
    return LabelOrigin(source, name, _probability(metadata.get(PROBABILITY)))


def label_origin_fields(origin: LabelOrigin) -> dict[str, Any]:
    """The metadata that `read_label_origin` reads back; what is a default is left out."""
    fields: dict[str, Any] = {_HUMAN: "no" if origin.source == MACHINE else "yes"}
    if origin.source in (CATALOGUE, ASSISTED):
        fields[SOURCE] = origin.source
    if origin.selected_by:
        fields[SELECTED_BY] = origin.selected_by
    if origin.probability is not None:
        fields[PROBABILITY] = origin.probability
    return fields


def line_origin_fields(origin: LabelOrigin) -> dict[str, Any]:
    """The same for the line itself: for products that people will label, or have labelled."""
    fields = label_origin_fields(origin)
    return {name: fields[name] for name in LINE_ORIGIN if name in fields}


def _probability(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 < value <= 1 else None
