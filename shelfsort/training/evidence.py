"""Answers of models that never saw the products: what thresholds are fitted and proven on."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from shelfsort.contract.modalities import MODALITIES
from shelfsort.stats.temperature import fit_temperature, softmax
from shelfsort.stats.thresholds import Trials
from shelfsort.training.dataset import Products
from shelfsort.training.label_space import LabelSpace, node_index
from shelfsort.training.pooling import Fusion, Logits, towers_in
from shelfsort.training.rows import Rows, chunks, evenly

# A temperature is one number: more products than these would not move it.
TEMPERED_ON = 10_000
_NO_FOLD = -1
_ALONE = Fusion({})


def modality_rows(products: Products) -> dict[str, np.ndarray]:
    """Row indices of the products that can be answered in each modality."""
    return {
        "combined": np.flatnonzero(products.has_text & products.has_image),
        "text": np.flatnonzero(products.has_text),
        "image": np.flatnonzero(products.has_image),
    }


@dataclasses.dataclass(frozen=True)
class Scored:
    """Products with logits of towers that never saw them.

    Attributes:
        products: label -1 (a category that training never saw) counts as a miss.
        logits: by tower, n rows of K.
        folds: (n,) ints, fold that each product was held out with.
        fusions: by fold, each fitted without it.
        unknown: by modality, (n,) unknown scores in [0, 1], see `unknown`; {} where there are none.
    """

    products: Products
    logits: Mapping[str, Rows]
    folds: np.ndarray
    fusions: Mapping[int, Fusion]
    unknown: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @classmethod
    def apart(cls, products: Products, logits: Mapping[str, Rows], fusion: Fusion) -> "Scored":
        """Products of a split that nothing was fitted on, answered by the final model."""
        return cls(products, logits, np.full(len(products), _NO_FOLD), {_NO_FOLD: fusion})


@dataclasses.dataclass(frozen=True)
class Evidence:
    """The products that answer for one modality, and the towers' logits of them.

    Attributes:
        scored: what they are part of.
        rows: (n,) of it.
        modality: that they are answered in.
    """

    scored: Scored
    rows: np.ndarray
    modality: str

    @property
    def labels(self) -> np.ndarray:
        return self.scored.products.labels[self.rows]

    @property
    def groups(self) -> np.ndarray:
        return self.scored.products.groups[self.rows]

    @property
    def folds(self) -> np.ndarray:
        return self.scored.folds[self.rows]

    @property
    def unknown(self) -> np.ndarray:
        """(n,) unknown scores in [0, 1]; 0 where the products have none."""
        found = self.scored.unknown.get(self.modality)
        return np.zeros(len(self.rows)) if found is None else found[self.rows]

    def logits(self, rows: np.ndarray) -> np.ndarray:
        """(m, K) of the products at (m,) `rows`, each from the fusion of its fold."""
        return self._fused(rows, Fusion.logits_in)

    def energies(self, rows: np.ndarray) -> np.ndarray:
        """(m,) of the products at (m,) `rows`, each from the fusion of its fold."""
        return self._fused(rows, Fusion.energies_in)

    def _fused(
        self, rows: np.ndarray, fused: Callable[[Fusion, str, Logits], np.ndarray]
    ) -> np.ndarray:
        names = towers_in(self.modality, list(self.scored.logits))
        towers = {name: self.scored.logits[name][rows] for name in names}
        if names == [self.modality]:
            return fused(_ALONE, self.modality, towers)
        folds = self.scored.folds[rows]
        found = np.empty_like(fused(_ALONE, names[0], towers))
        for fold in np.unique(folds):
            own = folds == fold
            found[own] = fused(
                self.scored.fusions[int(fold)],
                self.modality,
                {name: logits[own] for name, logits in towers.items()},
            )
        return found

    def temperature(self, without: int | None = None) -> float:
        """The one that fits best, 1.0 where there is nothing to fit on; without a fold."""
        kept = (self.labels >= 0) & (self.folds != without)
        rows = evenly(self.rows[kept], TEMPERED_ON)
        return fit_temperature(self.logits(rows), self.scored.products.labels[rows])

    def temperatures(self, folds: np.ndarray) -> dict[int, float]:
        """By fold, the temperature fitted without it."""
        return {int(fold): self.temperature(int(fold)) for fold in np.unique(folds)}


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Predictions in one modality: of leaves, and rolled up to each level.

    Attributes:
        rows: (n,) products that are predicted.
        folds: (n,) fold of each.
        predicted: (n,) ids of the predicted categories, as indices of the label space.
        unknown: (n,) unknown scores in [0, 1].
        leaves: of the predicted categories.
        levels: by depth, of the ancestors of those that have one there.
        level_rows: by depth, (m,) places of these among the n.
        parents: of the direct parents.
    """

    rows: np.ndarray
    folds: np.ndarray
    predicted: np.ndarray
    unknown: np.ndarray
    leaves: Trials
    levels: dict[int, Trials]
    level_rows: dict[int, np.ndarray]
    parents: Trials

    def known(self, limit: float) -> "Predictions":
        """Those whose unknown score is at most `limit`."""
        kept = self.unknown <= limit
        return Predictions(
            rows=self.rows[kept],
            folds=self.folds[kept],
            predicted=self.predicted[kept],
            unknown=self.unknown[kept],
            leaves=self.leaves.rows(kept),
            levels={
                level: trials.rows(kept[self.level_rows[level]])
                for level, trials in self.levels.items()
            },
            level_rows={
                level: (np.cumsum(kept) - 1)[places[kept[places]]]
                for level, places in self.level_rows.items()
            },
            parents=self.parents.rows(kept),
        )

    @classmethod
    def of(
        cls, evidence: Evidence, temperatures: Mapping[int, float], labels: LabelSpace
    ) -> "Predictions":
        """Predicts at the temperature of each product's fold."""
        node_of = np.array([labels.nodes_at_level(level) for level in labels.levels], object)
        scores, predicted, node_scores = _scores(evidence, temperatures, node_of)
        leaf_of = np.array(labels.categories, object)
        leaves = Trials(scores, leaf_of[predicted], predicted == evidence.labels, evidence.groups)
        named = node_of[:, predicted]
        right = (named == node_of[:, evidence.labels]) & (evidence.labels >= 0)

        def at(level: np.ndarray, rows: np.ndarray) -> Trials:
            place = (level[rows] - 1, rows)
            return Trials(node_scores[place], named[place], right[place], evidence.groups[rows])

        rows = np.arange(len(predicted))
        level_rows = {
            level: np.flatnonzero(np.isin(predicted, np.flatnonzero(nodes)))
            for level, nodes in zip(labels.levels, node_of, strict=True)
        }
        return cls(
            rows=evidence.rows,
            folds=evidence.folds,
            predicted=predicted,
            unknown=evidence.unknown,
            leaves=leaves,
            levels={
                level: at(np.full(len(rows), level), places) for level, places in level_rows.items()
            },
            level_rows=level_rows,
            parents=at(np.array(labels.parent_levels)[predicted], rows),
        )


def by_modality(scored: Scored) -> dict[str, Evidence]:
    """The evidence of each modality; products that are no evidence are left out."""
    rows, usable = modality_rows(scored.products), scored.products.evidence
    return {
        modality: Evidence(scored, rows[modality][usable[rows[modality]]], modality)
        for modality in MODALITIES
    }


def _scores(
    evidence: Evidence, temperatures: Mapping[int, float], node_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of predictions, leaf by leaf and rolled up.

    Args:
        evidence: of n products.
        temperatures: by fold.
        node_of: (levels, K) id of each category's ancestor at each level, None where it has none.

    Returns:
        (n,) score of the predicted leaf; (n,) its index; (levels, n) summed score of its ancestor
        at each level, without meaning where it has none.
    """
    n, levels = len(evidence.rows), [node_index(nodes) for nodes in node_of]
    scores, predicted = np.zeros(n), np.zeros(n, np.int32)
    node_scores = np.zeros((len(node_of), n))
    cooled = np.array([temperatures[int(fold)] for fold in evidence.folds])
    for places in chunks(np.arange(n)):
        logits = evidence.logits(evidence.rows[places])
        probabilities = softmax(logits / cooled[places, None])
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
