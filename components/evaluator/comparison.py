"""Is the new model worse than the live one? Asked of the same products, not of two averages.

What is decided hangs on thresholds as well, each fitted on the calibration products of its day. So
that a lucky fit is not taken for a better model, both models' thresholds are also fitted anew on
the same calibration products, drawn anew (`redraws`).
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from shelfsort.contract.targets import ANSWER_TARGET
from shelfsort.stats.bootstrap import Answers, coverage_change
from shelfsort.stats.paired import sign_flip_p_value, summed_by_group

TARGET = ANSWER_TARGET


@dataclass(frozen=True)
class Outcomes:
    """What one model did on a split, one entry a product.

    Attributes:
        product_ids: N ids, each once.
        categories: N labels.
        right: bool array of shape (N,), whether the predicted leaf is the label.
        accepted: bool array of shape (N,), whether the model decided on its own at `TARGET`.
        groups: int array of shape (N,), equal for variants of one product.
        scores: float array of shape (N,); -inf where a floor lets none of the category's pass.
    """

    product_ids: Sequence[str]
    categories: Sequence[str]
    right: np.ndarray
    accepted: np.ndarray
    groups: np.ndarray
    scores: np.ndarray

    def rows(self, index: np.ndarray) -> "Outcomes":
        """The products at `index` (ids or a mask)."""
        columns = (np.asarray(getattr(self, each.name)) for each in fields(self))
        return Outcomes(*(column[index] for column in columns))

    def known_to(self, categories: Collection[str] | None) -> np.ndarray:
        """(N,) bools: whether the label is among these; always where they are None."""
        if categories is None:
            return np.ones(len(self.categories), bool)
        return np.isin(np.asarray(self.categories, object), list(categories))


@dataclass(frozen=True)
class Judged:
    """One model's outcomes.

    Attributes:
        eval: on the products it is judged on.
        calibration: on those that thresholds are fitted on.
        correlation: of right and wrong within a group that its thresholds go by, 0 to 1.
    """

    eval: Outcomes
    calibration: Outcomes
    correlation: float = 0.0

    def answers(self, categories: Collection[str] | None) -> Answers:
        """On the products of these categories; of all where they are None."""
        splits = (self.calibration, self.eval)
        calibration, held_out = (each.rows(each.known_to(categories)) for each in splits)
        return Answers(
            calibration.scores,
            calibration.right,
            calibration.groups,
            held_out.scores,
            self.correlation,
        )


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
            of one product are one witness (see `shelfsort.stats.paired`).
    """

    n: int
    candidate: float
    live: float
    only_candidate: int
    only_live: int
    p_worse: float

    @property
    def change(self) -> float:
        """The new model's share less the live one's, for n > 0."""
        return (self.only_candidate - self.only_live) / self.n


@dataclass(frozen=True)
class PairedCoverage(Paired):
    """What two models decide, with the luck of their thresholds.

    Attributes:
        low, high: where the new model's share less the live one's lies in the middle 95 % of
            redraws of the calibration products, both thresholds fitted anew on the same ones; None
            where there are no products to fit on or to decide.
    """

    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """The new model beside the live one.

    Attributes:
        version: the live model's version.
        shared_categories: categories that both know; None where they know the same.
        left_out: products of categories that the live model does not know.
        accuracy: the predicted leaf is right.
        coverage: decided on its own at `TARGET`.
        by_category: accuracy by label.
    """

    version: str
    shared_categories: int | None
    left_out: int
    accuracy: Paired
    coverage: PairedCoverage
    by_category: dict[str, Paired]

    def to_dict(self) -> dict:
        """Plain values for JSON; shares of nothing are None."""
        return _without_nan(asdict(self))


def compare(
    candidate: Judged,
    live: Judged,
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
        ValueError: the two did not score the same eval products.
    """
    if set(candidate.eval.product_ids) != set(live.eval.product_ids):
        raise ValueError("the two models were not scored on the same products")
    place = {product: index for index, product in enumerate(live.eval.product_ids)}
    order = np.array([place[product] for product in candidate.eval.product_ids], dtype=np.int64)
    known = candidate.eval.known_to(live_categories)
    new, old = candidate.eval.rows(known), live.eval.rows(order[known])
    decided = paired(new.accepted, old.accepted, new.groups)
    low, high = _redrawn(candidate.answers(live_categories), live.answers(live_categories))
    return Comparison(
        version=version,
        shared_categories=None if live_categories is None else len(set(live_categories)),
        left_out=int((~known).sum()),
        accuracy=paired(new.right, old.right, new.groups),
        coverage=PairedCoverage(**asdict(decided), low=low, high=high),
        by_category={
            name: paired(new.right[own], old.right[own], new.groups[own])
            for name in sorted(set(new.categories))
            for own in [new.categories == name]
        },
    )


def _redrawn(candidate: Answers, live: Answers) -> tuple[float, float] | tuple[None, None]:
    splits = (candidate.scores, live.scores, candidate.eval_scores)
    if not all(len(scores) for scores in splits):
        return None, None
    return coverage_change(live, candidate, TARGET)


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
