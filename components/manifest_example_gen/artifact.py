"""ManifestExampleGen's artifacts: its summary, the rejects, the tree and the provenance."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from components.documents import Document, json_lines
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import Place, join, read_bytes
from shelfsort.products.manifest.provenance import ORIGIN_FILE, Origin
from shelfsort.products.manifest.rejects import Reject
from shelfsort.products.taxonomy import Taxonomy

_REJECTS_FILE = "rejects.jsonl"
_TAXONOMY_FILE = "taxonomy.json"


@dataclass(frozen=True)
class Labels:
    """The effort of the labelling.

    Attributes:
        workers: number of different people.
        answers: number of their annotations, those of rejected products included.
        products_with_workers: products whose annotations are in the manifest.
    """

    workers: int = 0
    answers: int = 0
    products_with_workers: int = 0


@dataclass(frozen=True)
class Read(Document):
    """What was read, so that it can be compared with what was checked: `read.json` in `rejects`.

    Attributes:
        files: digest of each of the manifest's files, as hex digits.
        local_images: as `ContentDigest.local_images`.
    """

    FILE: ClassVar[str] = "read.json"

    files: Mapping[str, str]
    local_images: str


@dataclass(frozen=True)
class Ingestion(Document):
    """What became of the manifest's lines: `summary.json` in the artifact `rejects`.

    Attributes:
        lines: number of lines in all files.
        accepted, superseded, rejected: numbers of lines; a later file labels a superseded product
            again.
        by_reason: rejected lines by a key of `REASONS`, most first.
        reduction: leaves that were merged, with the categories that they became.
        labels: effort of the labelling.
        files: accepted products by their file.
        splits, categories: accepted products by their names; those that are labelled with an inner
            category have none of `categories`.
        inner: accepted products by the inner category that they are labelled with; they only train.
        ignored: fields that were cut or left out of products that were accepted.
        first_rejects: the first line, by file and number, of each reason; without its workers.
    """

    FILE: ClassVar[str] = "summary.json"

    lines: int
    accepted: int
    superseded: int = 0
    rejected: int = 0
    by_reason: Mapping[str, int] = field(default_factory=dict)
    reduction: Mapping[str, str] = field(default_factory=dict)
    labels: Labels = Labels()
    files: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, int] = field(default_factory=dict)
    categories: Mapping[str, int] = field(default_factory=dict)
    inner: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    first_rejects: Mapping[str, Reject] = field(default_factory=dict)


def write_rejects(folder: str, rejects: Iterable[Reject]) -> None:
    """Writes all rejects into the artifact `rejects`, in the order in which they come."""
    lines = [json.dumps(each.to_json(), ensure_ascii=False) + "\n" for each in rejects]
    write_bytes(join(folder, _REJECTS_FILE), "".join(lines).encode())


def read_rejects(folder: Place) -> Iterator[Reject]:
    """The rejected lines, without their workers."""
    return json_lines(join(folder, _REJECTS_FILE), Reject)


def write_taxonomy(folder: str, taxonomy: Taxonomy) -> None:
    """Writes the tree that the examples are labelled with into the artifact `taxonomy`."""
    text = json.dumps(taxonomy.to_nodes(), indent=1, ensure_ascii=False)
    write_bytes(taxonomy_file(folder), f"{text}\n".encode())


def read_taxonomy(folder: Place) -> Taxonomy:
    """The tree in the artifact `taxonomy`; InputError where there is none."""
    return Taxonomy.load(taxonomy_file(folder))


def taxonomy_file(folder: Place) -> str:
    """Where the artifact `taxonomy` holds the tree."""
    return join(folder, _TAXONOMY_FILE)


def write_origin(folder: str, origin: Origin) -> None:
    """Writes what the examples were made from into the artifact `examples`."""
    write_bytes(join(folder, ORIGIN_FILE), origin.to_json().encode())


def read_origin(folder: Place) -> Origin:
    """What the artifact `examples` was made from."""
    return Origin.from_json(read_bytes(join(folder, ORIGIN_FILE)))
