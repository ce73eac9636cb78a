"""Is the new model worse than the live one? Asked of the same products, not of two averages."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from components.paired_test import sign_flip_p_value, summed_by_group


@dataclass(frozen=True)
class Outcomes:
    """What one model did, one entry a product.

    Attributes:
        product_ids: N ids, each once.
        categories: N labels.
        right: bool array of shape (N,), whether the predicted leaf is the label.
        accepted: bool array of shape (N,), whether the model decided on its own at 95 %.
        groups: int array of shape (N,), equal for variants of one product.
    """

    product_ids: Sequence[str]
    categories: Sequence[str]
    right: np.ndarray
    accepted: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Paired:
    """A yes-or-no outcome of two models on the same `n` products.

    Attributes:
        n: products compared.
        candidate: share of yes by the new model; NaN for n = 0.
        live: share of yes by the live model; NaN for n = 0.
        only_candidate: products where only the new model has a yes.
        only_live: products where only the live model has one.
        p_worse: chance of so many `only_live` if the new model were no worse; exact, the variants
            of one product are one witness (see `components.paired_test`).
    """

    n: int
    candidate: float
    live: float
    only_candidate: int
    only_live: int
    p_worse: float


@dataclass(frozen=True)
class Comparison:
    """The new model beside the live one.

    Attributes:
        version: the live model's version.
        shared_categories: categories that both know; None where they know the same.
        left_out: products of categories that the live model does not know.
        accuracy: the predicted leaf is right.
        coverage: decided on its own at 95 %.
        by_category: accuracy by label.
    """

    version: str
    shared_categories: int | None
    left_out: int
    accuracy: Paired
    coverage: Paired
    by_category: dict[str, Paired]

    def to_dict(self) -> dict:
        """Plain values for JSON; shares of nothing are None."""
        return _without_nan(asdict(self))


def compare(
    candidate: Outcomes,
    live: Outcomes,
    version: str = "",
    live_categories: Collection[str] | None = None,
) -> Comparison:
    """Compares two models on the products that both scored.

    Args:
        candidate: the new model's outcomes.
        live: the live model's.
        version: of the live model, for the record.
        live_categories: what the live model can answer; products labelled otherwise are left
            out. None: the same categories as the new model's.

    Raises:
        ValueError: the two did not score the same products.
    """
    if set(candidate.product_ids) != set(live.product_ids):
        raise ValueError("the two models were not scored on the same products")
    place = {product: index for index, product in enumerate(live.product_ids)}
    order = np.array([place[product] for product in candidate.product_ids], dtype=np.int64)
    labels = np.asarray(candidate.categories, dtype=object)
    known = np.ones(len(labels), dtype=bool)
    if live_categories is not None:
        known = np.isin(labels, list(live_categories))
    right, live_right = candidate.right[known], live.right[order][known]
    labels, groups = labels[known], candidate.groups[known]
    return Comparison(
        version=version,
        shared_categories=None if live_categories is None else len(set(live_categories)),
        left_out=int((~known).sum()),
        accuracy=paired(right, live_right, groups),
        coverage=paired(candidate.accepted[known], live.accepted[order][known], groups),
        by_category={
            name: paired(right[own], live_right[own], groups[own])
            for name in sorted(set(labels))
            for own in [labels == name]
        },
    )


def paired(candidate: np.ndarray, live: np.ndarray, groups: np.ndarray) -> Paired:
    """Counts and tests two bool arrays of shape (N,) in the same order, of products in groups."""
    losses = live.astype(int) - candidate.astype(int)
    return Paired(
        n=len(candidate),
        candidate=float(candidate.mean()) if len(candidate) else float("nan"),
        live=float(live.mean()) if len(live) else float("nan"),
        only_candidate=int((losses < 0).sum()),
        only_live=int((losses > 0).sum()),
        p_worse=sign_flip_p_value(summed_by_group(losses, groups), "greater"),
    )


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value
