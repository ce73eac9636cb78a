"""An index of training products, in which the ones nearest to a product are looked up.

Nearness is the cosine of what a model makes of two products, see `representation`: the mean of the
image's and the words'.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from shelfsort.core.errors import InputError
from shelfsort.training.spaces import Space

IMAGE_PART = "image"
MOST_INDEXED = 20_000
"""Products in an index. Of more, the first are a random sample: ids come in the order of a hash.

They are also those that are found soonest when the split is read again.
"""
_VERSION = 1


@dataclass(frozen=True)
class Neighbour:
    """A training product near to another.

    Attributes:
        product_id: of it.
        label: id of its category.
        similarity: mean cosine, at most 1.
    """

    product_id: str
    label: str
    similarity: float


@dataclass(frozen=True)
class TrainingIndex:
    """Labelled products of the split `train`.

    Attributes:
        categories: K ids.
        product_ids: n ids.
        labels: (n,) int32 places in `categories`.
        groups: (n,) int64, equal for variants of one product.
        spaces: by part of a representation, the directions that are kept of it.
        vectors: likewise, (n, directions) float16 of unit length; zeros where a product lacks it.
    """

    categories: Sequence[str]
    product_ids: Sequence[str]
    labels: np.ndarray
    groups: np.ndarray
    spaces: Mapping[str, Space]
    vectors: Mapping[str, np.ndarray]

    def nearest(self, seen: Mapping[str, np.ndarray], count: int) -> list[Neighbour]:
        """The training products nearest to one product, at most one of a group, nearest first.

        Args:
            seen: by part, (features,) numbers of the product, see `representation`.
            count: of products.

        Returns:
            Fewer where there are fewer, none where the product has neither image nor words.
        """
        own = {
            part: directions(self.spaces[part], values[np.newaxis])[0]
            for part, values in seen.items()
            if part in self.spaces and values.any()
        }
        return self._near(own, count)

    def nearest_of(self, product_id: str, count: int) -> list[Neighbour]:
        """The same for a product of the index, without its own group; none where it is not here."""
        if product_id not in self._places:
            return []
        place = self._places[product_id]
        own = {
            part: each[place].astype(np.float32)
            for part, each in self.vectors.items()
            if each[place].any()
        }
        return self._near(own, count, without=int(self.groups[place]))

    def _near(
        self, own: Mapping[str, np.ndarray], count: int, without: int | None = None
    ) -> list[Neighbour]:
        if not own or not self.product_ids:
            return []
        weights = {part: self._weight(part) for part in own}
        similarities = sum(
            weights[part] * (self.vectors[part].astype(np.float32) @ own[part]) for part in own
        ) / sum(weights.values())
        found: list[Neighbour] = []
        groups = {without}
        for place in np.argsort(-similarities, kind="stable").tolist():
            if len(found) == count:
                break
            if (group := int(self.groups[place])) in groups:
                continue
            groups.add(group)
            label = self.categories[self.labels[place]]
            found.append(Neighbour(self.product_ids[place], label, float(similarities[place])))
        return found

    def _weight(self, part: str) -> float:
        """Image and words count alike, however many parts the words have."""
        return 1.0 if part == IMAGE_PART else 1 / (len(self.vectors) - 1)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {product_id: place for place, product_id in enumerate(self.product_ids)}

    def to_bytes(self) -> bytes:
        """In NumPy's compressed form."""
        arrays: dict[str, Any] = {
            "version": np.array(_VERSION),
            "categories": np.array(list(self.categories), "U"),
            "product_ids": np.array(list(self.product_ids), "U"),
            "labels": self.labels,
            "groups": self.groups,
        }
        for part, space in self.spaces.items():
            arrays[f"{part}/centre"], arrays[f"{part}/basis"] = space.centre, space.basis
            arrays[f"{part}/vectors"] = self.vectors[part]
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, where: str) -> "TrainingIndex":
        """Reads what `to_bytes` wrote.

        Args:
            content: of the file.
            where: names it in errors.

        Raises:
            InputError: it has another form.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as found:
                if int(found["version"]) > _VERSION:
                    raise ValueError(f"version {found['version']}")
                parts = [name.split("/")[0] for name in found if name.endswith("/vectors")]
                return cls(
                    found["categories"].tolist(),
                    found["product_ids"].tolist(),
                    found["labels"],
                    found["groups"],
                    {p: Space(found[f"{p}/centre"], found[f"{p}/basis"]) for p in parts},
                    {part: found[f"{part}/vectors"] for part in parts},
                )
        except Exception as error:  # zipfile, zlib and NumPy raise many kinds
            raise InputError(
                f"{where}: not an index of training products that this version of Shelfsort "
                f"reads ({error}). Train the model again."
            ) from error


def directions(space: Space, features: np.ndarray) -> np.ndarray:
    """(n, features) → (n, directions) of unit length; zeros stay zeros."""
    inside = (features - space.centre) @ space.basis
    inside /= np.maximum(np.linalg.norm(inside, axis=1, keepdims=True), 1e-9)
    return np.where(features.any(axis=1, keepdims=True), inside, 0.0)
