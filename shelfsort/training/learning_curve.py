"""Measures how fast more labels help, where a target cannot be certified yet.

Towers are fitted once on a quarter and once on half of the training groups, which costs three
quarters of one fit, and score the products that were kept from them. The cross-fit has the answers
at all of the labels. Runs that certify every target measure nothing.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from shelfsort.contract.calibration import Calibration
from shelfsort.contract.learning_curve import (
    CurvePoint,
    LearningCurve,
    ModalityCurve,
    NeedyCategory,
    Shortfall,
)
from shelfsort.contract.modalities import COMBINED, MODALITIES
from shelfsort.core.progress import note
from shelfsort.stats.binomial import interval
from shelfsort.stats.design_effect import effective_size
from shelfsort.stats.learning_curve import (
    Goal,
    Point,
    neediest,
    project,
    proven_coverage,
)
from shelfsort.stats.temperature import softmax
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import modality_rows
from shelfsort.training.fitting import CrossFit, VocabularySizes, part_logits
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.rows import Rows, evenly
from shelfsort.training.settings import TrainingConfig

_PARTS = 4
_SCORED = 20_000
_NAMED = 8


def learning_curve(
    train: Products,
    crossed: CrossFit,
    sizes: VocabularySizes,
    labels: LabelSpace,
    calibration: Calibration,
    config: TrainingConfig,
    splits: Mapping[str, int],
) -> LearningCurve | None:
    """What more labelled products would bring; None where no target falls short on what there is.

    Args:
        train: the training split.
        crossed: its cross-fit.
        sizes: of the vocabularies.
        labels: the categories.
        calibration: of the model.
        config: settings of the training.
        splits: shares of the products, by name.
    """
    rows = _evidence_rows(train)
    short = {each: goals for each, goals in _short(calibration).items() if len(rows[each])}
    if not short:
        return None
    if train.fold_embeddings or train.fold_encoded:
        # A network tuned on the products that are kept from the towers would flatter them.
        note("no learning curve: each of its points would need a network tuned for it")
        return None
    note("a target cannot be certified: fitting on a quarter and on half of the labels to say why")
    answers = [*_of_parts(train, sizes, config), _Answers.of_all(train, crossed, config)]
    # As many products stand behind each that a cross-fitted model was trained on.
    labelled = int(train.has_leaf.sum())
    per_label = sum(splits.values()) / splits["train"] * labelled / answers[-1].labels
    curves = {}
    for modality, targets in short.items():
        fitted = calibration.of(modality)
        points = [each.point(modality, rows[modality], crossed.fusion) for each in answers]
        if not all(len(each.scores) for each in points) or not fitted.n_effective:
            continue
        evidence = fitted.n_effective / points[-1].labels
        decidable = 1.0 if fitted.unknown_above is None else fitted.unknown_above
        goals = [
            Goal(target, fitted.confidence, evidence, decidable) for target in calibration.targets
        ]
        curves[modality] = ModalityCurve(
            points=tuple(_shown(each, goals, per_label) for each in points),
            shortfalls=tuple(
                _shortfall(points, goal, per_label) for goal in goals if goal.target in targets
            ),
        )
    return LearningCurve(
        products=round(answers[-1].labels * per_label),
        modalities=curves,
        categories=_needy(train, answers[-1], labels, crossed.fusion),
    )


def _short(calibration: Calibration) -> dict[str, list[float]]:
    """The targets that are not certified, by modality; modalities without any are left out."""
    found = {
        modality: [
            target
            for target in calibration.targets
            if not calibration.of(modality).accepts_any(target)
        ]
        for modality in MODALITIES
    }
    return {modality: targets for modality, targets in found.items() if targets}


class _Answers:
    """Towers' logits of products that were kept from them.

    Attributes:
        train: the training split.
        labels: products with a leaf behind the towers.
        logits: by tower, rows of K of the training split.
        kept: (n,) bool, which of its products were kept from the towers.
    """

    def __init__(self, train: Products, labels: int, logits: Mapping[str, Rows], kept: np.ndarray):
        self.train, self.labels, self.logits, self.kept = train, labels, logits, kept

    @classmethod
    def of_all(cls, train: Products, crossed: CrossFit, config: TrainingConfig) -> "_Answers":
        labelled, folds = int(train.has_leaf.sum()), config.fit.folds
        kept = np.ones(len(train), bool)
        return cls(train, labelled * (folds - 1) // folds, crossed.held_out, kept)

    def predicted(
        self, modality: str, rows: np.ndarray, fusion: Fusion
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(m,) rows that were kept from the towers, at most `_SCORED`, their scores and answers."""
        rows = evenly(rows[self.kept[rows]], _SCORED)
        towers = {name: logits[rows] for name, logits in self.logits.items()}
        probabilities = softmax(fusion.logits_in(modality, towers), 1.0)
        return rows, probabilities.max(axis=1), probabilities.argmax(axis=1)

    def point(self, modality: str, rows: np.ndarray, fusion: Fusion) -> Point:
        rows, scores, predicted = self.predicted(modality, rows, fusion)
        right = predicted == self.train.labels[rows]
        return Point(self.labels, scores, right, self.train.groups[rows])


def _of_parts(train: Products, sizes: VocabularySizes, config: TrainingConfig) -> list[_Answers]:
    parts = train.group_folds(_PARTS, config.fit.seed + _PARTS)
    found = []
    for taken in (1, 2):
        inside = np.flatnonzero(parts < taken)
        if len(inside) and len(inside) < len(train):
            logits = part_logits(train, sizes, config, inside)
            labelled = int(train.has_leaf[inside].sum())
            found.append(_Answers(train, labelled, logits, parts >= taken))
    return found


def _shown(point: Point, goals: list[Goal], per_label: float) -> CurvePoint:
    size = effective_size(point.correct, point.groups)
    low, high = interval(point.accuracy * size, size)
    return CurvePoint(
        products=round(point.labels * per_label),
        accuracy=point.accuracy,
        low=low,
        high=high,
        coverage={goal.target: proven_coverage(point, goal) for goal in goals},
    )


def _shortfall(points: list[Point], goal: Goal, per_label: float) -> Shortfall:
    found = project(points, goal, (2.0,))
    needed, doubled = found.labels, found.coverage[2.0]
    lower_target, lower_coverage = _lower(points[-1], goal)
    return Shortfall(
        target=goal.target,
        products=_rounded(needed.value, per_label),
        low=_rounded(needed.low, per_label),
        high=_rounded(needed.high, per_label),
        doubled=doubled.value or 0.0,
        doubled_low=doubled.low or 0.0,
        doubled_high=doubled.high or 0.0,
        lower_target=lower_target,
        lower_coverage=lower_coverage,
    )


def _lower(point: Point, goal: Goal) -> tuple[float | None, float]:
    """The highest lower target, in whole percent, that the answers would prove, and its share."""
    for percent in range(int(100 * goal.target - 1e-9), 49, -1):
        lower = dataclasses.replace(goal, target=percent / 100)
        if share := proven_coverage(point, lower):
            return lower.target, share
    return None, 0.0


def _rounded(labels: float | None, per_label: float) -> int | None:
    """Products, to two digits and upwards: a projection knows no more."""
    if labels is None:
        return None
    products = labels * per_label
    unit = 10 ** max(len(str(int(products))) - 2, 0)
    return math.ceil(products / unit) * unit


def _evidence_rows(train: Products) -> dict[str, np.ndarray]:
    """By modality, the products whose labels may judge answers."""
    rows = modality_rows(train)
    return {modality: each[train.evidence[each]] for modality, each in rows.items()}


def _needy(
    train: Products, answers: _Answers, labels: LabelSpace, fusion: Fusion
) -> tuple[NeedyCategory, ...]:
    """By the answers of what most products have: the modality that has most of them."""
    rows = _evidence_rows(train)
    modality = max(MODALITIES, key=lambda each: (len(rows[each]), each == COMBINED))
    kept, _, predicted = answers.predicted(modality, rows[modality], fusion)
    held = np.bincount(train.labels[train.labels >= 0], minlength=len(labels.categories))
    ranked = neediest(
        train.labels[kept], predicted == train.labels[kept], len(labels.categories), _NAMED
    )
    named = [(labels.categories[place], int(held[place]), error) for place, error in ranked]
    return tuple(
        NeedyCategory(leaf, labels.taxonomy.path(leaf), n, error) for leaf, n, error in named
    )
