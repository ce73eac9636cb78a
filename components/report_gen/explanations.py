"""Why a model answered as it did, as the page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shelfsort.training.neighbours import Neighbour

MOST_WORDS = 40
"""Different words of a product that are left out; those of a title come first."""
LEAST_CHANGE = 0.1
"""Of log-odds that is worth a mention."""


@dataclass(frozen=True)
class Term:
    """A word, or the description or price as a whole, that speaks for a category.

    Attributes:
        kind: see `occlusion.LeftOut`.
        word: "" for another kind.
        change: of the category's log-odds by text alone, with the term less without it. Those of
            probabilities would be zero wherever the model is sure.
    """

    kind: str
    word: str
    change: float


@dataclass(frozen=True)
class Sides:
    """Something about the predicted category, and the same about the label's."""

    predicted: float
    label: float | None


@dataclass(frozen=True)
class Explanation:
    """Why a product was answered as it was.

    Attributes:
        alone: calibrated probabilities by text alone and by image alone; without what it lacks.
        for_predicted, for_label: the terms that speak most for each, strongest first.
        nearest: labelled products of the split `train`, nearest first.
    """

    alone: Mapping[str, Sides]
    for_predicted: tuple[Term, ...]
    for_label: tuple[Term, ...]
    nearest: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Explained:
    """What is explained on a page.

    Attributes:
        errors: by product id.
        labels: the neighbours of suspected training products, by product id.
        titles: of neighbours, by product id; without those that were not found.
    """

    errors: Mapping[str, Explanation] = field(default_factory=dict)
    labels: Mapping[str, tuple[Neighbour, ...]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    def neighbour_ids(self) -> list[str]:
        """Of all neighbours, each once."""
        near = [*(each.nearest for each in self.errors.values()), *self.labels.values()]
        return list(dict.fromkeys(each.product_id for found in near for each in found))

    def titled(self, titles: Mapping[str, str]) -> "Explained":
        """The same with the titles of its neighbours, which `titles` has by product id."""
        own = {each: titles[each] for each in self.neighbour_ids() if each in titles}
        return replace(self, titles=own)
