"""What a model promises: temperatures and thresholds for each mode, fitted on `calibration`.

A product is answered in one of three modes, by what it has: words and picture (`combined`), words
only (`text`), picture only (`image`). A score means something different in each, so each has its
own temperature and thresholds.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence

import numpy as np

from components.trainer.calibration import fit_temperature, softmax
from components.trainer.dataset import Products
from components.trainer.floors import above_floors, category_floors
from components.trainer.pooling import Pool
from components.trainer.rows import Rows, chunks, evenly
from components.trainer.thresholds import fit_all, fit_threshold, target_key
from labeling.taxonomy import Taxonomy

MODES = ("combined", "text", "image")
TARGETS = (0.95, 0.98)
# A temperature is one number: more products than these would not move it.
TEMPERED_ON = 20_000


@dataclasses.dataclass(frozen=True)
class Shelves:
    """The model's categories in the tree.

    Attributes:
        categories: K leaf ids, in the order of the logits.
        taxonomy: the tree they stand in.
    """

    categories: Sequence[str]
    taxonomy: Taxonomy

    @property
    def parents(self) -> list[str]:
        """Parent shelf of each category: K node ids."""
        return [self.taxonomy.parent_shelf(leaf) for leaf in self.categories]

    @property
    def depth(self) -> int:
        """Depth of the deepest category; 1 in a flat tree."""
        return max(self.taxonomy.depth(leaf) for leaf in self.categories)

    def ancestors_at(self, level: int) -> list[str | None]:
        """Each category's ancestor at depth `level`; None where it is not below that depth."""
        lines = [self.taxonomy.ancestors(leaf) for leaf in self.categories]
        return [line[level - 1] if len(line) >= level else None for line in lines]


def node_index(nodes: Sequence[str | None]) -> np.ndarray:
    """(K,) int32 group of each category: equal for those that share a node, -1 for no node."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(filter(None, nodes)))}
    return np.array([numbers[node] if node else -1 for node in nodes], np.int32)


def mode_rows(products: Products) -> dict[str, np.ndarray]:
    """Row indices of the products that can be answered in each mode."""
    return {
        "combined": np.flatnonzero(products.has_text & products.has_image),
        "text": np.flatnonzero(products.has_text),
        "image": np.flatnonzero(products.has_image),
    }


def mode_logits(logits: dict[str, np.ndarray], pool: Pool) -> dict[str, np.ndarray]:
    """Logits of each mode from those of the towers, all (n, K)."""
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


def fit_answers(
    calibration: Scored,
    held_out: Scored,
    pool: Pool,
    shelves: Shelves,
    confidence: float,
    scope: str,
) -> dict[str, dict]:
    """Fits temperature and thresholds of every mode.

    Args:
        calibration: the split that everything promised is proven on.
        held_out: the training split with cross-fitted logits; shapes floors, see `floors`.
        pool: of the towers.
        shelves: the categories and their tree.
        confidence: of each promise, in (0, 1).
        scope: `guarded` (the overall promise, above the categories' floors), `overall` (without
            floors) or `category` (each category proves the promise by itself).

    Returns:
        By mode: what `thresholds.fit_all` returns, with the floors in force in `by_category`, and
        `levels`: {depth: {"95": t}} for the inner nodes that an answer can fall back to.
    """
    evidence = {
        name: _by_mode(split, pool)
        for name, split in (("calibration", calibration), ("held_out", held_out))
    }
    return {
        mode: _fit_mode(
            evidence["calibration"][mode], evidence["held_out"][mode], shelves, confidence, scope
        )
        for mode in MODES
    }


def threshold_version(answers: dict[str, dict], pool: Pool) -> str:
    """12 hex digits that change whenever an answer could."""
    canonical = json.dumps([answers, pool.to_lists()], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class _Evidence:
    """What the towers say of the products of one mode, at the `rows` of a split."""

    split: Scored
    rows: np.ndarray
    mode: str
    pool: Pool

    @property
    def labels(self) -> np.ndarray:
        return self.split.products.labels[self.rows]

    def logits(self, rows: np.ndarray) -> np.ndarray:
        """(m, K) of the split's products at `rows`."""
        towers = {name: logits[rows] for name, logits in self.split.logits.items()}
        return mode_logits(towers, self.pool)[self.mode]

    def temperature(self) -> float:
        """The one that fits best, 1.0 where there is nothing to fit on."""
        rows = evenly(self.rows[self.labels >= 0], TEMPERED_ON)
        return fit_temperature(self.logits(rows), self.split.products.labels[rows])


@dataclasses.dataclass(frozen=True)
class _Answered:
    """Answers of one mode at its temperature.

    Attributes:
        scores, predicted, labels: (n,), the score that of the predicted category.
        shelves: the categories and their tree.
        node_scores: by the key in `_levels`, (n,) summed score of the predicted category's node.
    """

    scores: np.ndarray
    predicted: np.ndarray
    labels: np.ndarray
    shelves: Shelves
    node_scores: dict[str, np.ndarray]

    @classmethod
    def of(cls, evidence: _Evidence, temperature: float, shelves: Shelves) -> "_Answered":
        n = len(evidence.rows)
        scores, predicted = np.zeros(n), np.zeros(n, np.int32)
        levels = _levels(shelves)
        node_scores = {key: np.zeros(n) for key in levels}
        for places in chunks(np.arange(n)):
            probabilities = softmax(evidence.logits(evidence.rows[places]), temperature)
            predicted[places] = probabilities.argmax(axis=1)
            scores[places] = probabilities.max(axis=1)
            for key, nodes in levels.items():
                node_scores[key][places] = _rolled_up(probabilities, nodes, predicted[places])
        return cls(scores, predicted, evidence.labels, shelves, node_scores)

    @property
    def leaves(self) -> np.ndarray:
        return np.array(self.shelves.categories, object)[self.predicted]

    @property
    def correct(self) -> np.ndarray:
        return self.predicted == self.labels

    def at(self, key: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rolled up to a node of each category: node, summed score and whether it is right."""
        names = np.array(_levels(self.shelves)[key], object)
        right = (self.labels >= 0) & (names[self.predicted] == names[self.labels])
        return names[self.predicted], self.node_scores[key], right


def _levels(shelves: Shelves) -> dict[str, Sequence[str | None]]:
    """K nodes each: the categories' `parent`, and by depth ("1" below the root) their ancestors."""
    ancestors = {str(level): shelves.ancestors_at(level) for level in range(1, shelves.depth)}
    return {"parent": shelves.parents, **ancestors}


def _by_mode(split: Scored, pool: Pool) -> dict[str, _Evidence]:
    rows = mode_rows(split.products)
    return {mode: _Evidence(split, rows[mode], mode, pool) for mode in MODES}


def _fit_mode(
    calibration: _Evidence, held_out: _Evidence, shelves: Shelves, confidence: float, scope: str
) -> dict:
    temperature = calibration.temperature()
    answered = _Answered.of(calibration, temperature, shelves)
    shown = _Answered.of(held_out, temperature, shelves)
    parents, parent_scores, parent_correct = answered.at("parent")
    fits = []
    for target in TARGETS:
        floors = _floors(shown, shelves, target, confidence, scope)
        fitted = fit_all(
            scores=answered.scores,
            predicted=answered.leaves,
            correct=answered.correct,
            parent_scores=parent_scores,
            predicted_parent=parents,
            parent_correct=parent_correct,
            targets=(target,),
            confidence=confidence,
            scope="category" if scope == "category" else "overall",
            categories=list(shelves.categories),
            eligible=above_floors(answered.scores, answered.leaves, floors),
            temperature=temperature,
        )
        fits.append(_with_floors(fitted, floors, target_key(target)))
    levels = {
        key: {"95": _fit_level(answered, key, confidence)}
        for key in _levels(shelves)
        if key != "parent"
    }
    return {**_merged(fits), "scope": scope, "levels": levels}


def _floors(
    shown: _Answered, shelves: Shelves, target: float, confidence: float, scope: str
) -> dict[str, float | None]:
    if scope != "guarded":
        return dict.fromkeys(shelves.categories, 0.0)
    return category_floors(
        shown.scores, shown.leaves, shown.correct, shelves.categories, target, confidence
    )


def _with_floors(fitted: dict, floors: dict[str, float | None], key: str) -> dict:
    """The thresholds in force: the fitted ones, but never below a category's floor."""
    for leaf, thresholds in fitted["by_category"].items():
        if thresholds[key] is not None:
            floor = floors[leaf]
            thresholds[key] = None if floor is None else max(thresholds[key], floor)
    return fitted


def _merged(fits: Sequence[dict]) -> dict:
    """One mode's fits for several targets as one dict of the form of `fit_all`."""
    merged = dict(fits[0])
    for name in ("overall", "parent"):
        merged[name] = {key: value for fit in fits for key, value in fit[name].items()}
    merged["by_category"] = {
        leaf: {key: value for fit in fits for key, value in fit["by_category"][leaf].items()}
        for leaf in fits[0]["by_category"]
    }
    return merged


def _fit_level(answered: _Answered, key: str, confidence: float) -> float | None:
    """Threshold of the predicted leaf's ancestor at one depth of the tree."""
    nodes, scores, correct = answered.at(key)
    has_node = np.array([node is not None for node in nodes], bool)
    return fit_threshold(scores[has_node], correct[has_node], TARGETS[0], confidence).value


def _rolled_up(
    probabilities: np.ndarray, nodes: Sequence[str | None], predicted: np.ndarray
) -> np.ndarray:
    """Summed probability of the predicted category's node: (n, K) → (n,); 0 where it has none."""
    index = node_index(nodes)
    sums = np.zeros((index.max(initial=-1) + 2, len(probabilities)), probabilities.dtype)
    np.add.at(sums, index[index >= 0], probabilities.T[index >= 0])
    return sums[index[predicted], np.arange(len(predicted))]
