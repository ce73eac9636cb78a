"""What would change for the catalogue if the candidate replaced the live model."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from components.evaluator.artifact import CategoryFigures
from shelfsort.stats.paired import Paired


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
    `newly_decided` and `no_longer_decided` speak of the decisions at the target that both models
    have, and the two `*_decided_wrong` count the decisions that are wrong.
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


def changes(candidate: pd.DataFrame, live: pd.DataFrame, decided_by: str) -> Changes:
    """Compares two models product by product.

    Args:
        candidate: columns product_id, category, predicted and `decided_by`; one row a product.
        live: the same columns; rows of products the candidate lacks are ignored.
        decided_by: the column that says whether the model decided, such as accepted_95.
    """
    both = candidate.merge(live, on="product_id", suffixes=("", "_live"))
    right, live_right = both.predicted == both.category, both.predicted_live == both.category
    decided, live_decided = (both[name].astype(bool) for name in (decided_by, f"{decided_by}_live"))
    answers = Paired.of(live_right, right, both.product_id)
    decisions = Paired.of(live_decided, decided, both.product_id)
    return Changes(
        n=answers.n,
        fixed=answers.only_b,
        broken=answers.only_a,
        both_right=answers.both,
        both_wrong=answers.neither,
        newly_decided=decisions.only_b,
        no_longer_decided=decisions.only_a,
        decided_wrong=int((decided & ~right).sum()),
        live_decided_wrong=int((live_decided & ~live_right).sum()),
    )


def category_changes(categories: Sequence[CategoryFigures], most: int = 6) -> list[CategoryChange]:
    """The categories that gain or lose most products, losses first.

    Weighted by products: 1 of 2 lost in a tiny category is less than 5 of 100 in a large one.
    """
    changed = filter(None, map(_category_change, categories))
    moved = sorted(
        (change for change in changed if change.difference), key=lambda c: c.difference * c.n
    )
    losses = [change for change in moved if change.difference < 0][:most]
    gains = [change for change in reversed(moved) if change.difference > 0][:most]
    return losses + gains


def _category_change(each: CategoryFigures) -> CategoryChange | None:
    """None where one of the models has no accuracy there."""
    accuracy, before = each.figures["accuracy"], (each.live or {}).get("accuracy")
    if accuracy is None or before is None:
        return None
    return CategoryChange(each.category, int(each.figures["n"] or 0), accuracy, before)
