"""Fits the temperature and thresholds of each modality on answers of models that never saw them.

The evidence is cross-fitted: every labelled product outside `eval` is answered by towers and a pool
that were fitted without its fold. What shapes an answer's score, or decides whether it may be
accepted at all (the temperature and the floors of categories), is fitted without its fold as well,
so that no product chooses what it is judged by. With a split `calibration` the thresholds are
fitted on its products instead, and everything else on the cross-fitted answers of `train`.

A product is answered in one of three modalities, by what it has: text and image (`combined`), text
only, image only. A score means something different in each, so each has its own temperature and
thresholds.
"""

import dataclasses
import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from shelfsort.contract.calibration import (
    CALIBRATION_SPLIT,
    CROSS_FITTED,
    Calibration,
    ModalityCalibration,
    NodeThreshold,
    Target,
)
from shelfsort.contract.modalities import MODALITIES
from shelfsort.contract.targets import DEFAULT_TARGETS
from shelfsort.stats.design_effect import sizes_by_correlation
from shelfsort.stats.failed_test import FailedTest, closest_failure
from shelfsort.stats.thresholds import Fitted, Trials, fit_thresholds
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import Evidence, Predictions, Scored, by_modality
from shelfsort.training.floors import above_floors, category_floors
from shelfsort.training.held_out import HeldOut, HeldOutAnswers
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.rows import evenly
from shelfsort.training.unknown import UnknownCheck

Scope = Literal["guarded", "overall", "category"]

# Answers that travel with the model: more would not narrow what a comparison can see.
KEPT = 20_000


@dataclasses.dataclass(frozen=True)
class Rules:
    """How thresholds are fitted.

    Attributes:
        confidence: of the guarantee, in (0, 1).
        scope: `guarded` (the overall guarantee, above the categories' floors), `overall` (without
            floors) or `category` (each category proves the guarantee by itself).
        marginal_accuracy: of the answers next to a threshold, at least; in [0, 1).
        targets: accuracies to guarantee, each in (0, 1); at least one.
        unknown_alarms: share of known products that the check for unknown ones may withhold, in
            [0, 1); None for a model without the check.
    """

    confidence: float = 0.95
    scope: Scope = "guarded"
    marginal_accuracy: float = 0.0
    targets: Sequence[float] = DEFAULT_TARGETS
    unknown_alarms: float | None = None

    @property
    def unknown_above(self) -> float | None:
        """The unknown score above which nothing is accepted; None without the check."""
        return None if self.unknown_alarms is None else 1 - self.unknown_alarms


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """Temperatures and thresholds, and the answers that they were fitted on.

    Attributes:
        calibration: of every modality.
        answers: by modality.
        failures: by modality and target, the test that came closest where none proved the target;
            `wrong` are places in `answers`.
    """

    calibration: Calibration
    answers: Mapping[str, "Predictions"]
    failures: Mapping[str, Mapping[float, FailedTest]] = dataclasses.field(default_factory=dict)

    def held_out(self, products: Products, labels: LabelSpace) -> HeldOut:
        """The answers as they travel with the model: of `KEPT` products of each modality at most.

        Args:
            products: that the answers are about.
            labels: the categories and their tree.
        """
        return HeldOut(
            labels.categories,
            {modality: _kept(each, products) for modality, each in self.answers.items()},
        )


def calibrate(
    held_out: Scored, labels: LabelSpace, rules: Rules, calibration: Scored | None = None
) -> Calibrated:
    """Fits temperature and thresholds of every modality.

    The guarantee at a parent is about all products whose summed probability passes there, those
    whose leaf is accepted included. A node that accepts nothing at one target accepts nothing at a
    higher one. Products that are no evidence are left out, and so are those that the check for
    unknown products withholds: they are never accepted.

    Args:
        held_out: the split `train`, cross-fitted. Temperatures and floors come from it.
        labels: the categories and their tree.
        rules: of the fit.
        calibration: the split that thresholds are fitted on; None for `held_out`.
    """
    proof, shaping = by_modality(calibration or held_out), by_modality(held_out)
    fitted = {
        modality: _fit_modality(
            proof[modality],
            shaping[modality],
            labels,
            rules,
            CROSS_FITTED if calibration is None else CALIBRATION_SPLIT,
        )
        for modality in MODALITIES
    }
    return Calibrated(
        Calibration({modality: each for modality, (each, _, _) in fitted.items()}),
        {modality: answers for modality, (_, answers, _) in fitted.items()},
        {modality: failures for modality, (_, _, failures) in fitted.items()},
    )


def threshold_version(calibration: Calibration, fusion: Fusion, unknown: UnknownCheck) -> str:
    """12 hex digits that change whenever a decision about the towers' answers could."""
    decisive = {name: each.decisive_json() for name, each in calibration.modalities.items()}
    pools = fusion.to_lists()
    # As it stood when words and images were all there was, whose versions stay the same.
    numbers = pools if len(pools) > 1 else pools["combined"]
    canonical = json.dumps([decisive, numbers, unknown.digest()], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _kept(answers: Predictions, products: Products) -> HeldOutAnswers:
    places = evenly(np.arange(len(answers.rows)), KEPT)
    return HeldOutAnswers(
        groups=answers.leaves.groups[places],
        labels=products.labels[answers.rows[places]],
        predicted=answers.predicted[places],
        scores=answers.leaves.scores[places].astype(np.float32),
        parent_scores=answers.parents.scores[places].astype(np.float32),
        unknown=answers.unknown[places].astype(np.float32),
    )


def _fit_modality(
    proof: Evidence, shaping: Evidence, labels: LabelSpace, rules: Rules, kind: str
) -> tuple[ModalityCalibration, Predictions, dict[float, FailedTest]]:
    shown = Predictions.of(shaping, shaping.temperatures(shaping.folds), labels)
    judged = (
        shown
        if proof.scored is shaping.scored
        else Predictions.of(proof, shaping.temperatures(proof.folds), labels)
    )
    limit = 1.0 if rules.unknown_above is None else rules.unknown_above
    known = judged.known(limit)
    both = {
        target: _fit_target(known, shown.known(limit), labels, target, rules)
        for target in rules.targets
    }
    places = np.flatnonzero(judged.unknown <= limit)
    targets = {target: fitted for target, (fitted, _) in both.items()}
    lowest = targets[min(targets)]
    sizes = sizes_by_correlation(known.leaves.groups, lowest.correlation)
    fitted = ModalityCalibration(
        temperature=shaping.temperature(),
        n=len(known.rows),
        n_effective=float(sizes[-1]) if len(sizes) else 0.0,
        confidence=rules.confidence,
        scope=rules.scope,
        targets=_in_order(targets),
        n_by_category=_counted(labels.categories, [known.leaves]),
        n_by_parent=_counted(lowest.parents, known.levels.values()),
        evidence=kind,
        unknown_above=rules.unknown_above,
    )
    failures = {
        target: dataclasses.replace(failed, wrong=places[failed.wrong])
        for target, (_, failed) in both.items()
        if failed
    }
    return fitted, judged, failures


def _counted(nodes: Iterable[str], predictions: Iterable[Trials]) -> dict[str, int]:
    n = Counter(name for trials in predictions for name in trials.named)
    return {node: n[node] for node in nodes}


def _fit_target(
    judged: Predictions, shown: Predictions, labels: LabelSpace, target: float, rules: Rules
) -> tuple[Target, FailedTest | None]:
    """The thresholds, and the test that came closest where no threshold was proven."""
    whose: Literal["category", "overall"] = "category" if rules.scope == "category" else "overall"

    def fit(trials: Trials, nodes: Sequence[str], correlation: float) -> Fitted:
        return fit_thresholds(
            trials,
            nodes,
            target,
            rules.confidence,
            whose,
            correlation,
            marginal=rules.marginal_accuracy,
        )

    correlation = shown.leaves.correlation_near(target)
    floors: dict[str, float | None] = dict.fromkeys(labels.categories, 0.0)
    eligible = np.ones(len(judged.leaves), bool)
    if rules.scope == "guarded":
        fit_floors = functools.partial(
            category_floors,
            categories=labels.categories,
            target=target,
            confidence=rules.confidence,
            correlation=correlation,
        )
        floors = fit_floors(shown.leaves)
        eligible = _eligible(judged, shown, fit_floors)
    leaves = fit(judged.leaves.rows(eligible), labels.categories, correlation)
    failed = None
    if leaves.pooled is None:
        failed = _failed(judged.leaves, eligible, target, rules.confidence, correlation)
    levels = {
        level: fit(
            trials,
            sorted(set(filter(None, labels.nodes_at_level(level)))),
            shown.levels[level].correlation_near(target),
        )
        for level, trials in judged.levels.items()
    }
    fitted = Target(
        correlation=correlation,
        overall=leaves.pooled,
        parent=fit(judged.parents, [], shown.parents.correlation_near(target)).pooled,
        levels={level: found.pooled for level, found in levels.items()},
        categories={
            leaf: NodeThreshold(_not_below(threshold, floors[leaf]), floors[leaf])
            for leaf, threshold in leaves.in_force.items()
        },
        parents={
            node: NodeThreshold(threshold)
            for found in levels.values()
            for node, threshold in found.in_force.items()
        },
    )
    return fitted, failed


def _failed(
    answers: Trials, eligible: np.ndarray, target: float, confidence: float, correlation: float
) -> FailedTest | None:
    found = closest_failure(answers.rows(eligible), target, confidence, correlation)
    if found is None:
        return None
    return dataclasses.replace(found, wrong=np.flatnonzero(eligible)[found.wrong])


def _eligible(
    judged: Predictions,
    shown: Predictions,
    fit_floors: Callable[[Trials], dict[str, float | None]],
) -> np.ndarray:
    """(n,) bools: whether each prediction reaches its floor, fitted without the product's fold."""
    passes = np.zeros(len(judged.leaves), bool)
    for fold in np.unique(judged.folds):
        own = judged.folds == fold
        floors = fit_floors(shown.leaves.rows(shown.folds != fold))
        passes[own] = above_floors(judged.leaves.rows(own), floors)
    return passes


def _not_below(threshold: float | None, floor: float | None) -> float | None:
    return None if threshold is None or floor is None else max(threshold, floor)


def _in_order(targets: dict[float, Target]) -> dict[float, Target]:
    """The targets, rising, with no node accepting at one what it does not accept at those below.

    The thresholds of each target are fitted and refuted separately, so a node could abstain at
    95 % and not at 98 %. Here it abstains at both.
    """
    ordered: dict[float, Target] = {}
    categories: Mapping[str, NodeThreshold] = {}
    parents: Mapping[str, NodeThreshold] = {}
    for target, each in sorted(targets.items()):
        categories = _not_below_each(each.categories, categories)
        parents = _not_below_each(each.parents, parents)
        ordered[target] = dataclasses.replace(each, categories=categories, parents=parents)
    return ordered


def _not_below_each(
    nodes: Mapping[str, NodeThreshold], below: Mapping[str, NodeThreshold]
) -> dict[str, NodeThreshold]:
    everything = NodeThreshold(0.0)
    return {
        node: dataclasses.replace(
            each, value=_not_below(each.value, below.get(node, everything).value)
        )
        for node, each in nodes.items()
    }
