"""An answer as another tool exports it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shelfsort.core.files import parse_json
from shelfsort.core.storage import read_input

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
    content = read_input(file, "export", _LARGEST)
    return parse_json(file, content, "Export it again, in parts if it is large.")
