"""What the Trainer leaves beside its model: suspected labels, held-out answers, what it cost."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from components.documents import Document, json_lines
from shelfsort.core.cost import Cost
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import Place, join
from shelfsort.labeling.label_issues import Suspect, suspect_lines

HELD_OUT_FILE = "held_out.npz"
_SUSPECTS_FILE = "label_suspects.jsonl"


@dataclass(frozen=True)
class ModelRun(Document):
    """What a training took.

    Attributes:
        pictures_embedded: images that were not in the cache.
        cost: by part of the training.
    """

    FILE: ClassVar[str] = "training.json"

    pictures_embedded: int
    cost: Mapping[str, Cost] = field(default_factory=dict)


def write_suspects(folder: str, suspects: Iterable[Suspect]) -> None:
    """Writes the suspected label errors, the most suspect first."""
    lines = "".join(f"{line}\n" for line in suspect_lines(suspects))
    write_bytes(join(folder, _SUSPECTS_FILE), lines.encode())


def read_suspects(folder: Place) -> Iterator[Suspect]:
    """The suspected label errors, the most suspect first."""
    return json_lines(join(folder, _SUSPECTS_FILE), Suspect)


def write_held_out(folder: str, archive: bytes) -> None:
    """Writes the cross-fitted answers of training products, in NumPy's compressed form."""
    write_bytes(join(folder, HELD_OUT_FILE), archive)
