"""What the Trainer leaves beside its model: suspected labels, failed proofs, what it cost."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from components.documents import Document, json_lines
from shelfsort.contract.targets import percent_of
from shelfsort.core.cost import Cost
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import Place, exists, join, read_bytes
from shelfsort.labeling.label_issues import Suspect, Trial, suspect_lines
from shelfsort.training.neighbours import TrainingIndex

HELD_OUT_FILE = "held_out.npz"
_SUSPECTS_FILE = "label_suspects.jsonl"
_INDEX_FILE = "training_index.npz"


@dataclass(frozen=True)
class ModelRun(Document):
    """What a training took.

    Attributes:
        pictures_embedded: images that were not in the cache.
        cost: by part of the training.
        label_search: how well the search for label issues finds labels changed on purpose; None in
            runs of earlier versions.
        texts_embedded: titles that an encoder read and that were not in the cache.
    """

    FILE: ClassVar[str] = "training.json"

    pictures_embedded: int
    cost: Mapping[str, Cost] = field(default_factory=dict)
    label_search: Trial | None = None
    texts_embedded: int = 0


@dataclass(frozen=True)
class Disagreement:
    """A held-out prediction that differs from its label.

    Attributes:
        product_id: of the product.
        label: id of its category; "" for one that training never saw.
        predicted: id of the predicted category.
        score: of the prediction, 0 to 1.
        title: of the product, "" where it is not known.
    """

    product_id: str
    label: str
    predicted: str
    score: float
    title: str = ""


@dataclass(frozen=True)
class FailedProof:
    """The test that came closest to certifying a target.

    Attributes:
        modality: of the predictions.
        target: the accuracy.
        tested: number of held-out predictions tested, those with the highest scores.
        allowed: most wrong ones with which they would have proven it.
        differing: number of predictions that differ from their label.
        wrong: these, highest score first, up to 50.
    """

    modality: str
    target: float
    tested: int
    allowed: int
    differing: int
    wrong: tuple[Disagreement, ...]

    def __str__(self) -> str:
        """What failed and what would change it, in sentences."""
        missing = self.differing - self.allowed
        differ = "differs from its label" if self.differing == 1 else "differ from their labels"
        most = f"at most {self.allowed:,} may" if self.allowed else "none may"
        labels = "label is" if self.differing == 1 else f"{missing:,} or more of these labels are"
        return (
            f"{percent_of(self.target)} % was tested on the {self.tested:,} held-out predictions "
            f"with the highest scores. {self.differing:,} {differ}, and {most}. If "
            f"{'this ' if self.differing == 1 else ''}{labels} wrong, correcting "
            f"{'it' if self.differing == 1 else 'them'} would certify the target."
        )


@dataclass(frozen=True)
class FailedProofs(Document):
    """Why targets could not be certified: `failed_proofs.json`."""

    FILE: ClassVar[str] = "failed_proofs.json"

    proofs: tuple[FailedProof, ...] = ()

    def titled(self, titles: Mapping[str, str]) -> "FailedProofs":
        """The same with titles, given by product id."""
        return FailedProofs(
            tuple(
                replace(
                    proof,
                    wrong=tuple(
                        replace(each, title=titles.get(each.product_id, "")) for each in proof.wrong
                    ),
                )
                for proof in self.proofs
            )
        )

    def of(self, modality: str) -> tuple[FailedProof, ...]:
        """Those of a modality, by rising target."""
        return tuple(each for each in self.proofs if each.modality == modality)


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


def write_index(folder: str, index: TrainingIndex) -> None:
    """Writes the index in which training products near to others are looked up."""
    write_bytes(join(folder, _INDEX_FILE), index.to_bytes())


def read_index(folder: Place) -> TrainingIndex | None:
    """The index; None in runs of earlier versions."""
    path = join(folder, _INDEX_FILE)
    return TrainingIndex.from_bytes(read_bytes(path), path) if exists(path) else None
