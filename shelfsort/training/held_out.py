"""A model's answers about products that it was not fitted on: the evidence for its thresholds.

They travel with the model (`assets.extra/held_out.npz`), so that its thresholds can be fitted again
on redrawn products when it is compared with a later model. The file holds no ids and no words.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from shelfsort.contract.modalities import MODALITIES
from shelfsort.core.errors import InputError

MOST_BYTES = 64_000_000
_CATEGORIES = "categories"


@dataclass(frozen=True)
class HeldOutAnswers:
    """The answers in one modality, arrays of shape (N,).

    Attributes:
        groups: int64, equal for variants of one product.
        labels: int32 places of the labels among the categories, -1 for another category.
        predicted: int32 places of the predicted categories.
        scores: float32 of the predicted categories, in [0, 1].
        parent_scores: float32 of their parents, in [0, 1].
        unknown: float32 unknown scores, in [0, 1]; 0 in files of versions without them.
    """

    groups: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray
    parent_scores: np.ndarray
    unknown: np.ndarray

    def __len__(self) -> int:
        return len(self.groups)


_KINDS = {
    "groups": np.int64,
    "labels": np.int32,
    "predicted": np.int32,
    "scores": np.float32,
    "parent_scores": np.float32,
    "unknown": np.float32,
}


@dataclass(frozen=True)
class HeldOut:
    """The answers in every modality.

    Attributes:
        categories: K leaf ids.
        answers: by modality.
    """

    categories: Sequence[str]
    answers: Mapping[str, HeldOutAnswers]

    def to_bytes(self) -> bytes:
        """In NumPy's compressed form."""
        arrays = {_CATEGORIES: np.array(list(self.categories), "U")}
        for modality, answers in self.answers.items():
            for each in fields(answers):
                values = getattr(answers, each.name)
                arrays[f"{modality}/{each.name}"] = np.asarray(values, _KINDS[each.name])
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, where: str) -> "HeldOut":
        """Reads what `to_bytes` wrote.

        Args:
            content: of the file.
            where: names it in errors.

        Raises:
            InputError: it has another form.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as found:
                categories = [str(name) for name in found[_CATEGORIES]]
                answers = {
                    modality: HeldOutAnswers(**_arrays(found, modality))
                    for modality in MODALITIES
                    if f"{modality}/groups" in found
                }
            for each in answers.values():
                _check(each, len(categories))
        except Exception as error:  # zipfile, zlib and NumPy raise many kinds
            raise InputError(
                f"{where}: not the answers that this version of Shelfsort writes ({error}). Train "
                "the model again."
            ) from error
        return cls(categories, answers)


def _arrays(found: Mapping[str, np.ndarray], modality: str) -> dict[str, np.ndarray]:
    arrays = {name: found[key] for name in _KINDS if (key := f"{modality}/{name}") in found}
    # Versions without unknown scores wrote none.
    return {"unknown": np.zeros(len(arrays["groups"]), np.float32), **arrays}


def _check(answers: HeldOutAnswers, categories: int) -> None:
    for name, kind in _KINDS.items():
        values = getattr(answers, name)
        if values.shape != (len(answers),) or values.dtype != kind:
            raise ValueError(f"{name} is {values.dtype} {values.shape}")
    places = np.concatenate([answers.labels, answers.predicted, [0]])
    if not (places.min() >= -1 and places.max() < categories):
        raise ValueError("a category is none of the model's")
    if not (np.isfinite(answers.scores).all() and np.isfinite(answers.unknown).all()):
        raise ValueError("a score is not finite")
