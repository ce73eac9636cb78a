"""Fits the temperature and thresholds of each modality on the calibration products.

A product is answered in one of three modalities, by what it has: text and image (`combined`), text
only, image only. A score means something different in each, so each has its own temperature and
thresholds.
"""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from shelfsort.contract.calibration import Calibration, ModalityCalibration, NodeThreshold, Target
from shelfsort.contract.modalities import MODALITIES
from shelfsort.contract.targets import DEFAULT_TARGETS
from shelfsort.stats.design_effect import sizes_by_correlation
from shelfsort.stats.temperature import fit_temperature, softmax
from shelfsort.stats.thresholds import Fitted, Trials, fit_thresholds
from shelfsort.training.dataset import Products
from shelfsort.training.floors import above_floors, category_floors
from shelfsort.training.label_space import LabelSpace, node_index
from shelfsort.training.pooling import Pool
from shelfsort.training.rows import Rows, chunks, evenly

Scope = Literal["guarded", "overall", "category"]

# A temperature is one number: more products than these would not move it.
TEMPERED_ON = 20_000


def modality_rows(products: Products) -> dict[str, np.ndarray]:
    """Row indices of the products that can be answered in each modality."""
    return {
        "combined": np.flatnonzero(products.has_text & products.has_image),
        "text": np.flatnonzero(products.has_text),
        "image": np.flatnonzero(products.has_image),
    }


def modality_logits(logits: dict[str, np.ndarray], pool: Pool) -> dict[str, np.ndarray]:
    """Logits of each modality from those of the towers, all (n, K)."""
    return {"combined": pool.logits(logits["text"], logits["image"]), **logits}


@dataclasses.dataclass(frozen=True)
class Scored:
    """A split with the logits of its products.

    Attributes:
        products: the split; label -1 (a category that training never saw) counts as a miss.
        logits: by tower, n rows of K.
    """

    products: Products
    logits: dict[str, Rows]


def calibrate(
    calibration: Scored,
    held_out: Scored,
    pool: Pool,
    labels: LabelSpace,
    confidence: float,
    scope: Scope,
    targets: Sequence[float] = DEFAULT_TARGETS,
) -> Calibration:
    """Fits temperature and thresholds of every modality.

    The guarantee at a parent is about all products whose summed probability passes there, those
    whose leaf is accepted included. A node that accepts nothing at one target accepts nothing at a
    higher one.

    Args:
        calibration: the split that the accuracy guarantee is proven on.
        held_out: the training split with cross-fitted logits; shapes floors, see `floors`.
        pool: of the towers.
        labels: the categories and their tree.
        confidence: of the guarantee, in (0, 1).
        scope: `guarded` (the overall guarantee, above the categories' floors), `overall` (without
            floors) or `category` (each category proves the guarantee by itself).
        targets: accuracies to guarantee, each in (0, 1); at least one.
    """
    proof, shown = _by_modality(calibration, pool), _by_modality(held_out, pool)
    return Calibration(
        {
            modality: _fit_modality(
                proof[modality], shown[modality], labels, confidence, scope, targets
            )
            for modality in MODALITIES
        }
    )


def threshold_version(calibration: Calibration, pool: Pool) -> str:
    """12 hex digits that change whenever an answer could."""
    decisive = {name: each.decisive_json() for name, each in calibration.modalities.items()}
    canonical = json.dumps([decisive, pool.to_lists()], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class _Evidence:
    """The products of one modality, and the towers' logits of them.

    Attributes:
        split: that they belong to.
        rows: (n,) of the split.
        groups: (n,) ints, equal for variants of one product.
        modality: that they are answered in.
        pool: of the towers.
    """

    split: Scored
    rows: np.ndarray
    groups: np.ndarray
    modality: str
    pool: Pool

    @property
    def labels(self) -> np.ndarray:
        return self.split.products.labels[self.rows]

    def logits(self, rows: np.ndarray) -> np.ndarray:
        """(m, K) of the split's products at `rows`."""
        towers = {name: logits[rows] for name, logits in self.split.logits.items()}
        return modality_logits(towers, self.pool)[self.modality]

    def temperature(self) -> float:
        """The one that fits best, 1.0 where there is nothing to fit on."""
        rows = evenly(self.rows[self.labels >= 0], TEMPERED_ON)
        return fit_temperature(self.logits(rows), self.split.products.labels[rows])


@dataclasses.dataclass(frozen=True)
class _Predictions:
    """Predictions in one modality at its temperature: of leaves, and rolled up to each level."""

    leaves: Trials
    levels: dict[int, Trials]
    parents: Trials

    @classmethod
    def of(cls, evidence: _Evidence, temperature: float, labels: LabelSpace) -> "_Predictions":
        node_of = np.array([labels.nodes_at_level(level) for level in labels.levels], object)
        scores, predicted, node_scores = _scores(evidence, temperature, node_of)
        leaf_of = np.array(labels.categories, object)
        leaves = Trials(scores, leaf_of[predicted], predicted == evidence.labels, evidence.groups)
        named = node_of[:, predicted]
        right = (named == node_of[:, evidence.labels]) & (evidence.labels >= 0)

        def at(level: np.ndarray, rows: np.ndarray) -> Trials:
            place = (level[rows] - 1, rows)
            return Trials(node_scores[place], named[place], right[place], evidence.groups[rows])

        rows = np.arange(len(predicted))
        levels = {
            level: at(np.full(len(rows), level), rows[np.isin(predicted, np.flatnonzero(nodes))])
            for level, nodes in zip(labels.levels, node_of, strict=True)
        }
        return cls(leaves, levels, at(np.array(labels.parent_levels)[predicted], rows))


def _by_modality(split: Scored, pool: Pool) -> dict[str, _Evidence]:
    rows, groups = modality_rows(split.products), split.products.groups
    return {
        modality: _Evidence(split, rows[modality], groups[rows[modality]], modality, pool)
        for modality in MODALITIES
    }


def _fit_modality(
    calibration: _Evidence,
    held_out: _Evidence,
    labels: LabelSpace,
    confidence: float,
    scope: Scope,
    targets: Sequence[float],
) -> ModalityCalibration:
    temperature = calibration.temperature()
    proof = _Predictions.of(calibration, temperature, labels)
    shown = _Predictions.of(held_out, temperature, labels)
    fitted = {
        target: _fit_target(proof, shown, labels, target, confidence, scope) for target in targets
    }
    lowest = fitted[min(targets)]
    sizes = sizes_by_correlation(calibration.groups, lowest.correlation)
    return ModalityCalibration(
        temperature=temperature,
        n=len(calibration.rows),
        n_effective=float(sizes[-1]) if len(sizes) else 0.0,
        confidence=confidence,
        scope=scope,
        targets=_in_order(fitted),
        n_by_category=_counted(labels.categories, [proof.leaves]),
        n_by_parent=_counted(lowest.parents, proof.levels.values()),
    )


def _counted(nodes: Iterable[str], predictions: Iterable[Trials]) -> dict[str, int]:
    n = Counter(name for trials in predictions for name in trials.named)
    return {node: n[node] for node in nodes}


def _fit_target(
    proof: _Predictions,
    shown: _Predictions,
    labels: LabelSpace,
    target: float,
    confidence: float,
    scope: Scope,
) -> Target:
    def fit(trials: Trials, nodes: Sequence[str], correlation: float) -> Fitted:
        whose: Literal["category", "overall"] = "category" if scope == "category" else "overall"
        return fit_thresholds(trials, nodes, target, confidence, whose, correlation)

    correlation = shown.leaves.correlation_near(target)
    floors: dict[str, float | None] = dict.fromkeys(labels.categories, 0.0)
    if scope == "guarded":
        floors = category_floors(shown.leaves, labels.categories, target, confidence, correlation)
    eligible = proof.leaves.rows(above_floors(proof.leaves, floors))
    leaves = fit(eligible, labels.categories, correlation)
    levels = {
        level: fit(
            trials,
            sorted(set(filter(None, labels.nodes_at_level(level)))),
            shown.levels[level].correlation_near(target),
        )
        for level, trials in proof.levels.items()
    }
    return Target(
        correlation=correlation,
        overall=leaves.pooled,
        parent=fit(proof.parents, [], shown.parents.correlation_near(target)).pooled,
        levels={level: fitted.pooled for level, fitted in levels.items()},
        categories={
            leaf: NodeThreshold(_not_below(threshold, floors[leaf]), floors[leaf])
            for leaf, threshold in leaves.in_force.items()
        },
        parents={
            node: NodeThreshold(threshold)
            for fitted in levels.values()
            for node, threshold in fitted.in_force.items()
        },
    )


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


def _scores(
    evidence: _Evidence, temperature: float, node_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of predictions, leaf by leaf and rolled up.

    Args:
        evidence: of n products.
        temperature: of the modality.
        node_of: (levels, K) id of each category's ancestor at each level, None where it has none.

    Returns:
        (n,) score of the predicted leaf; (n,) its index; (levels, n) summed score of its ancestor
        at each level, without meaning where it has none.
    """
    n, levels = len(evidence.rows), [node_index(nodes) for nodes in node_of]
    scores, predicted = np.zeros(n), np.zeros(n, np.int32)
    node_scores = np.zeros((len(node_of), n))
    for places in chunks(np.arange(n)):
        probabilities = softmax(evidence.logits(evidence.rows[places]), temperature)
        predicted[places] = probabilities.argmax(axis=1)
        scores[places] = probabilities.max(axis=1)
        for level, index in enumerate(levels):
            node_scores[level, places] = _rolled_up(probabilities, index, predicted[places])
    return scores, predicted, node_scores


def _rolled_up(probabilities: np.ndarray, index: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Summed probability of the predicted category's node: (n, K) → (n,); 0 where it has none.

    `index` is (K,), see `node_index`.
    """
    sums = np.zeros((index.max(initial=-1) + 2, len(probabilities)), probabilities.dtype)
    np.add.at(sums, index[index >= 0], probabilities.T[index >= 0])
    return sums[index[predicted], np.arange(len(predicted))]
