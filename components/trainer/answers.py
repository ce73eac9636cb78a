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
from components.trainer.pooling import Pool
from components.trainer.thresholds import fit_all, fit_threshold
from labeling.taxonomy import Taxonomy

MODES = ("combined", "text", "image")
TARGETS = (0.95, 0.98)


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


def fit_answers(
    calibration: Products,
    logits: dict[str, np.ndarray],
    pool: Pool,
    shelves: Shelves,
    confidence: float,
    scope: str,
) -> dict[str, dict]:
    """Fits every mode on the calibration split.

    Args:
        calibration: the split; label -1 (a category that training never saw) counts as a miss.
        logits: its tower logits.
        pool: of the towers.
        shelves: the categories and their tree.
        confidence: of each promise, in (0, 1).
        scope: `overall` or `category`, see `thresholds.fit_all`.

    Returns:
        By mode: what `thresholds.fit_all` returns, and `levels`: {depth: {"95": t}} for the inner
        nodes that an answer can fall back to.
    """
    rows = mode_rows(calibration)
    return {
        mode: _fit_mode(
            values[rows[mode]], calibration.labels[rows[mode]], shelves, confidence, scope
        )
        for mode, values in mode_logits(logits, pool).items()
    }


def threshold_version(answers: dict[str, dict], pool: Pool) -> str:
    """12 hex digits that change whenever an answer could."""
    canonical = json.dumps([answers, dataclasses.asdict(pool)], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _fit_mode(
    logits: np.ndarray, labels: np.ndarray, shelves: Shelves, confidence: float, scope: str
) -> dict:
    known = labels >= 0
    temperature = fit_temperature(logits[known], labels[known])
    probabilities = softmax(logits, temperature)
    predicted = probabilities.argmax(axis=1) if len(logits) else np.zeros(0, int)
    categories, parents = np.array(shelves.categories, object), np.array(shelves.parents, object)
    fitted = fit_all(
        scores=probabilities.max(axis=1, initial=0),
        predicted=categories[predicted],
        correct=predicted == labels,
        parent_scores=_rolled_up(probabilities, shelves.parents, predicted),
        predicted_parent=parents[predicted],
        parent_correct=known & (parents[predicted] == parents[labels]),
        targets=TARGETS,
        confidence=confidence,
        scope=scope,
        categories=list(shelves.categories),
        temperature=temperature,
    )
    levels = {
        str(level): {"95": _fit_level(probabilities, predicted, labels, shelves, level, confidence)}
        for level in range(1, shelves.depth)
    }
    return {**fitted, "levels": levels}


def _fit_level(
    probabilities: np.ndarray,
    predicted: np.ndarray,
    labels: np.ndarray,
    shelves: Shelves,
    level: int,
    confidence: float,
) -> float | None:
    """Threshold of the predicted leaf's ancestor at one depth of the tree."""
    nodes = np.array(shelves.ancestors_at(level), object)
    scores = _rolled_up(probabilities, list(nodes), predicted)
    has_node = np.array([nodes[k] is not None for k in predicted], bool)
    correct = (labels >= 0) & (nodes[predicted] == nodes[labels])
    return fit_threshold(scores[has_node], correct[has_node], TARGETS[0], confidence).value


def _rolled_up(
    probabilities: np.ndarray, nodes: Sequence[str | None], predicted: np.ndarray
) -> np.ndarray:
    """Summed probability of the predicted category's node: (n, K) → (n,); 0 where it has none."""
    index = node_index(nodes)
    sums = np.zeros((index.max(initial=-1) + 2, len(probabilities)), probabilities.dtype)
    np.add.at(sums, index[index >= 0], probabilities.T[index >= 0])
    return sums[index[predicted], np.arange(len(predicted))]
