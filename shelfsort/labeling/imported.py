"""An answer as another tool exports it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.storage import read_bytes
from shelfsort.products.tables.rows import reading

_LARGEST = 512 * 2**20


@dataclass(frozen=True)
class ImportedAnswer:
    """One answer.

    Attributes:
        product: the product's id, or its place in the manifest that the job was given.
        worker: id, "" where there is none.
        label: "" where the answer holds no single label.
        seconds: that the worker took, None where not known.
        others: what else is known of the answer; of an answer without a label, all of it.
        fields: of the product, as a manifest line has them.
    """

    product: str
    worker: str
    label: str
    seconds: float | None = None
    others: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


def json_of(file: str) -> Any:
    """The JSON value that a file of at most 512 MiB holds. Raises InputError."""
    with reading(file, "Give a file of JSON in UTF-8."):
        content = read_bytes(file, _LARGEST + 1)
        if len(content) > _LARGEST:
            raise InputError(f"{file}: more than 512 MiB. Export it in parts.")
        return json.loads(content.decode("utf-8-sig"))
