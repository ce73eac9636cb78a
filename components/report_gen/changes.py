"""What would change for the catalogue if the candidate replaced the live model."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class CategoryChange:
    """One category under both models; accuracies in [0, 1]."""

    category: str
    n: int
    accuracy: float
    live_accuracy: float

    @property
    def difference(self) -> float:
        return self.accuracy - self.live_accuracy


@dataclass(frozen=True)
class Changes:
    """Counts over the `n` eval products that both models answered.

    `fixed`: the live model was wrong, the candidate is right; `broken`: the other way round.
    `newly_decided` and `no_longer_decided` speak of the 95 % decisions, and the two
    `*_decided_wrong` count the decisions that are wrong.
    """

    n: int
    fixed: int
    broken: int
    both_right: int
    both_wrong: int
    newly_decided: int
    no_longer_decided: int
    decided_wrong: int
    live_decided_wrong: int


def changes(candidate: pd.DataFrame, live: pd.DataFrame) -> Changes:
    """Compares two models product by product.

    Args:
        candidate: columns product_id, category, predicted, accepted_95; one row a product.
        live: the same columns; rows of products the candidate lacks are ignored.
    """
    both = candidate.merge(live, on="product_id", suffixes=("", "_live"))
    right = both.predicted == both.category
    live_right = both.predicted_live == both.category
    accepted = both.accepted_95.astype(bool)
    live_accepted = both.accepted_95_live.astype(bool)
    return Changes(
        n=len(both),
        fixed=int((right & ~live_right).sum()),
        broken=int((~right & live_right).sum()),
        both_right=int((right & live_right).sum()),
        both_wrong=int((~right & ~live_right).sum()),
        newly_decided=int((accepted & ~live_accepted).sum()),
        no_longer_decided=int((~accepted & live_accepted).sum()),
        decided_wrong=int((accepted & ~right).sum()),
        live_decided_wrong=int((live_accepted & ~live_right).sum()),
    )


def category_changes(categories: list[dict], most: int = 6) -> list[CategoryChange]:
    """The categories that gain or lose most products, losses first.

    Weighted by products: 1 of 2 lost in a tiny category is less than 5 of 100 in a large one.
    """
    both = [
        CategoryChange(row["category"], row["n"], row["accuracy"], row["live"]["accuracy"])
        for row in categories
        if row.get("live") and row["accuracy"] is not None and row["live"]["accuracy"] is not None
    ]
    moved = sorted(
        (change for change in both if change.difference), key=lambda c: c.difference * c.n
    )
    losses = [change for change in moved if change.difference < 0][:most]
    gains = [change for change in reversed(moved) if change.difference > 0][:most]
    return losses + gains
