"""Compares a new model with the live one on the same products.

Coverage also depends on the thresholds, and each model's were fitted on a sample of products. A
fortunate fit must not pass for a better model, so both models' thresholds are also refitted on
bootstrap samples of the products that they were fitted on (`stats.bootstrap`): on the cross-fitted
answers that travel with a model, or else on this run's split `calibration`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from components.evaluator.artifact import Comparison, CoverageOutcome, Outcome, UnloadableLive
from shelfsort.contract.calibration import Calibration, Target
from shelfsort.contract.modalities import COMBINED
from shelfsort.contract.signatures import UNKNOWN_SCORE
from shelfsort.contract.targets import DEFAULT_TARGETS, accepted
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.bootstrap import Answers, coverage_change, eligible_scores
from shelfsort.stats.paired import Paired
from shelfsort.training.held_out import HeldOut

Columns = Mapping[str, np.ndarray]
"""Arrays of shape (N,) by the names in `columns_at`."""


def common_target(candidate: Calibration, live: Calibration) -> float | None:
    """The lowest target that both models have; None where they have none in common."""
    return min({*candidate.targets} & {*live.targets}, default=None)


def columns_at(target: float | None) -> list[str]:
    """What is needed of a model's predictions to compare decisions at a target."""
    flags = [] if target is None else [accepted(target)]
    return ["product_id", "category", "predicted", *flags, "group", "score", UNKNOWN_SCORE]


@dataclass(frozen=True)
class Outcomes:
    """What one model did on a split, one entry a product.

    Attributes:
        product_ids: N ids, each once.
        categories: N labels.
        right: bool array of shape (N,), whether the predicted leaf is the label.
        accepted: bool array of shape (N,), whether the model decided on its own at the
            target of the comparison.
        groups: int array of shape (N,), equal for variants of one product.
        scores: float array of shape (N,); -inf where a floor or the check for unknown products lets
            none pass.
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
class Scored:
    """One model's predictions, of all that a product has, and its calibration.

    Attributes:
        eval: on the products it is judged on.
        calibration_split: on the split `calibration`, which may be empty.
        calibration: the model's.
        main_modality: answers most products: its floors and its correlation are taken for all.
        held_out: the cross-fitted answers that its thresholds were fitted on, where it has any.
    """

    eval: Columns
    calibration_split: Columns
    calibration: Calibration
    main_modality: str
    held_out: HeldOut | None = None

    def judged(self, target: float | None) -> Judged:
        """The outcomes at a target; without one, nothing counts as accepted."""
        lowest = self.calibration.targets[0]
        main = self.calibration.of(self.main_modality)
        fitted = main.at(lowest if target is None else target)
        limit = 1.0 if main.unknown_above is None else main.unknown_above
        on_eval = _outcomes(self.eval, fitted, target, limit)
        if self.held_out is not None:
            evidence = _held_out_columns(self.held_out, self.main_modality)
        else:
            evidence = self.calibration_split
        return Judged(on_eval, _outcomes(evidence, fitted, None, limit), fitted.correlation)


def compare_with_live(
    candidate: Scored, live: Scored, version: str, taxonomy_version: str, taxonomy: Taxonomy
) -> Comparison | UnloadableLive:
    """Compares a model with the live one, on the categories that both know.

    Args:
        candidate: the new model's predictions.
        live: the live model's.
        version: the live model's.
        taxonomy_version: of the live model's taxonomy.
        taxonomy: the new model's.
    """
    shared = None
    if taxonomy_version != taxonomy.version:
        known = live.calibration.of(COMBINED).n_by_category
        shared = sorted(known.keys() & set(taxonomy.leaves))
        if not shared:
            problem = "its taxonomy is another one and shares no category that it can name"
            return UnloadableLive(version, problem)
    target = common_target(candidate.calibration, live.calibration)
    return compare(candidate.judged(target), live.judged(target), version, shared, target)


def _held_out_columns(held_out: HeldOut, modality: str) -> Columns:
    answers = held_out.answers[modality]
    leaves = np.array(held_out.categories, object)
    return {
        "product_id": np.full(len(answers), "", object),
        "category": np.where(answers.labels < 0, "", leaves[answers.labels]),
        "predicted": leaves[answers.predicted],
        "group": answers.groups,
        "score": answers.scores,
        UNKNOWN_SCORE: answers.unknown,
    }


def _outcomes(
    columns: Columns, fitted: Target, target: float | None, unknown_above: float
) -> Outcomes:
    decided = np.zeros(len(columns["score"])) if target is None else columns[accepted(target)]
    return Outcomes(
        columns["product_id"],
        columns["category"],
        columns["category"] == columns["predicted"],
        decided.astype(bool),
        columns["group"],
        _acceptable_scores(columns, fitted, unknown_above),
    )


def _acceptable_scores(columns: Columns, fitted: Target, unknown_above: float) -> np.ndarray:
    """The scores, -inf where a floor or the check for unknown products allows no acceptance."""
    scores = eligible_scores(columns["score"], columns["predicted"], fitted.floors)
    # A model without the check has NaN, which is above nothing.
    withheld = columns[UNKNOWN_SCORE].astype(np.float32) > np.float32(unknown_above)
    return np.where(withheld, -np.inf, scores)


def compare(
    candidate: Judged,
    live: Judged,
    version: str = "",
    live_categories: Collection[str] | None = None,
    target: float | None = DEFAULT_TARGETS[0],
) -> Comparison:
    """Compares two models on the products that both scored.

    Args:
        candidate: the new model's outcomes.
        live: the live model's.
        version: of the live model, for the record.
        live_categories: what the live model can answer; products labelled otherwise are left
            out. None: the same categories as the new model's.
        target: that decisions are compared at. None: they are not compared.

    Raises:
        ValueError: the two did not score the same eval products.
    """
    if set(candidate.eval.product_ids) != set(live.eval.product_ids):
        raise ValueError("the two models were not scored on the same products")
    place = {product: index for index, product in enumerate(live.eval.product_ids)}
    order = np.array([place[product] for product in candidate.eval.product_ids], dtype=np.int64)
    known = candidate.eval.known_to(live_categories)
    new, old = candidate.eval.rows(known), live.eval.rows(order[known])
    answers = (candidate.answers(live_categories), live.answers(live_categories))
    return Comparison(
        version=version,
        shared_categories=None if live_categories is None else len(set(live_categories)),
        left_out=int((~known).sum()),
        accuracy=outcome(new.right, old.right, new.groups),
        coverage=_coverage(new, old, answers, target),
        by_category={
            name: outcome(new.right[own], old.right[own], new.groups[own])
            for name in sorted(set(new.categories))
            for own in [new.categories == name]
        },
        target=target,
    )


def _coverage(
    new: Outcomes, old: Outcomes, answers: tuple[Answers, Answers], target: float | None
) -> CoverageOutcome:
    if target is None:
        return CoverageOutcome(0, None, None, 0, 0, 1.0)
    decided = outcome(new.accepted, old.accepted, new.groups)
    candidate, live = answers
    low = high = None
    if all(len(each) for each in (candidate.scores, live.scores, candidate.eval_scores)):
        low, high = coverage_change(live, candidate, target)
    return CoverageOutcome(**asdict(decided), low=low, high=high)


def outcome(candidate: np.ndarray, live: np.ndarray, groups: np.ndarray) -> Outcome:
    """Compares two bool arrays of shape (N,) in the same order, of products in groups."""
    pair = Paired.of(live, candidate, groups)
    return Outcome(
        n=pair.n,
        candidate=pair.share_b,
        live=pair.share_a,
        only_candidate=pair.only_b,
        only_live=pair.only_a,
        p_worse=pair.p_b_worse,
    )
