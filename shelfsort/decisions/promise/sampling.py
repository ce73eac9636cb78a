"""Which automatic decisions people look at: a random sample that nobody can steer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from shelfsort.decisions.rules.model import REVIEW


def draw_of(product: str, purpose: str = "audit") -> float:
    """A number in [0, 1) that the id of a product alone decides: the same in every run.

    Those of different purposes are independent.
    """
    digest = hashlib.sha256(f"{purpose}:{product}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


@dataclass(frozen=True)
class Sampling:
    """Rates of the sample.

    Attributes:
        rate: share of the automatic decisions, 0 to 1.
        by_category: rates of categories with one of their own, by id.
    """

    rate: float = 0.0
    by_category: Mapping[str, float] = field(default_factory=dict)

    @property
    def least(self) -> float:
        """Rate at which the products of every category are drawn, at least."""
        return min((self.rate, *self.by_category.values()))

    def drawn(self, product: str, category: str, outcome: str) -> dict[str, float | None]:
        """`rate` and `draw` of a decision that is drawn; both None of one that is not."""
        rate, draw = self.by_category.get(category, self.rate), draw_of(product)
        if outcome == REVIEW or draw >= rate:
            return {"rate": None, "draw": None}
        return {"rate": rate, "draw": draw}
