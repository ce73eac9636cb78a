"""The decision rule in the served graph: from logits to categories, scores and what is accepted."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from shelfsort.contract import signatures
from shelfsort.contract.calibration import Calibration, NodeThreshold
from shelfsort.contract.modalities import MODALITIES
from shelfsort.contract.signatures import TOP
from shelfsort.contract.targets import accepted, parent_accepted
from shelfsort.training.label_space import LabelSpace, node_index

_ABSTAIN = np.inf


class DecisionRule:
    """Temperature, thresholds and the tree, as constants of the graph.

    Thresholds are of shape (modalities, K): each category's own, or that of a node above it.
    `answer` goes by those of the lowest target. Nothing is accepted above the limit of the unknown
    score.
    """

    def __init__(self, labels: LabelSpace, calibration: Calibration):
        tree, leaves = labels.taxonomy, list(labels.categories)
        self._leaves = leaves
        self._paths = [tree.path(leaf) for leaf in leaves]
        self._leaf_levels = [tree.depth(leaf) for leaf in leaves]
        self._parents = labels.parents
        self._parent_levels = labels.parent_levels
        modalities = [calibration.modalities[modality] for modality in MODALITIES]
        self._temperatures = np.array([each.temperature for each in modalities], np.float32)
        limits = [each.unknown_above for each in modalities]
        self._limits = np.array([1.0 if each is None else each for each in limits], np.float32)
        targets = calibration.targets
        self._lowest = targets[0]
        self._leaf_thresholds = {
            target: _thresholds([each.at(target).categories for each in modalities], leaves)
            for target in targets
        }
        parents = {target: [each.at(target).parents for each in modalities] for target in targets}
        self._parent_thresholds = {
            target: _thresholds(each, self._parents) for target, each in parents.items()
        }
        self._levels = [
            _Level.of(level, labels, parents[self._lowest]) for level in reversed(labels.levels)
        ]

    def log_probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """Calibrated ones: (n, modalities, K) logits → the same shape."""
        return tf.nn.log_softmax(logits / self._temperatures[:, np.newaxis])

    def answer(
        self, logits: tf.Tensor, modality: tf.Tensor, unknown: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The outputs of `evaluate`, without the version.

        Args:
            logits: (n, K).
            modality: (n,) places in MODALITIES.
            unknown: (n,) unknown scores.
        """
        probabilities = tf.nn.softmax(logits / tf.gather(self._temperatures, modality)[:, None])
        top = tf.math.top_k(probabilities, k=min(TOP, len(self._leaves)))
        predicted, score = top.indices[:, 0], top.values[:, 0]
        at_leaf = tf.stack([modality, predicted], axis=1)
        known = unknown <= tf.gather(self._limits, modality)
        level_scores = {
            level.depth: _of_predicted(probabilities, level.index, predicted)
            for level in self._levels
        }
        parent_score = self._of_parent(level_scores, predicted)
        leaf_accepted = {
            accepted(target): known & (score >= tf.gather_nd(thresholds, at_leaf))
            for target, thresholds in self._leaf_thresholds.items()
        }
        parents_accepted = {
            parent_accepted(target): known & (parent_score >= tf.gather_nd(thresholds, at_leaf))
            for target, thresholds in self._parent_thresholds.items()
        }
        answer, level = self._deepest(
            level_scores, predicted, leaf_accepted[accepted(self._lowest)], at_leaf, known
        )
        return {
            "category": tf.gather(tf.constant(self._leaves), predicted),
            "category_path": tf.gather(tf.constant(self._paths), predicted),
            "score": score,
            signatures.UNKNOWN_SCORE: unknown,
            **leaf_accepted,
            "answer": answer,
            "answer_level": level,
            "top_categories": _padded(tf.gather(tf.constant(self._leaves), top.indices), ""),
            "top_scores": _padded(top.values, 0.0),
            "parent": tf.gather(tf.constant(self._parents), predicted),
            "parent_score": parent_score,
            **parents_accepted,
        }

    def _of_parent(self, level_scores: dict[int, tf.Tensor], predicted: tf.Tensor) -> tf.Tensor:
        """(n,) summed probability of the predicted category's parent."""
        depth = tf.gather(tf.constant(self._parent_levels), predicted)
        return tf.add_n(
            [tf.where(depth == level, score, 0.0) for level, score in level_scores.items()]
        )

    def _deepest(self, level_scores, predicted, leaf_accepted, at_leaf, known):
        """The leaf where it is accepted, else the deepest ancestor that passes, else empty."""
        leaf = tf.gather(tf.constant(self._leaves), predicted)
        answer = tf.where(leaf_accepted, leaf, "")
        leaf_level = tf.gather(tf.constant(self._leaf_levels, tf.int64), predicted)
        answer_level = tf.where(leaf_accepted, leaf_level, tf.zeros_like(leaf_level))
        for level in self._levels:
            node = tf.gather(tf.constant(level.nodes), predicted)
            passes = level_scores[level.depth] >= tf.gather_nd(level.thresholds, at_leaf)
            # A category at the top is its own parent, but not an answer above itself.
            take = known & passes & (answer == "") & (node != leaf)
            answer = tf.where(take, node, answer)
            answer_level = tf.where(take, tf.cast(level.depth, tf.int64), answer_level)
        return answer, answer_level


@dataclasses.dataclass(frozen=True)
class _Level:
    """The nodes above the categories at one depth, by category below them.

    Attributes:
        depth: 1 at the top.
        nodes: K ids, "" for a category that has no ancestor there.
        index: (K,) int32, equal for categories below one node, -1 for none.
        thresholds: (modalities, K) float32 at the lowest target.
    """

    depth: int
    nodes: list[str]
    index: np.ndarray
    thresholds: np.ndarray

    @classmethod
    def of(
        cls, depth: int, labels: LabelSpace, parents: Sequence[Mapping[str, NodeThreshold]]
    ) -> "_Level":
        nodes = labels.nodes_at_level(depth)
        thresholds = _thresholds(parents, nodes)
        return cls(depth, [node or "" for node in nodes], node_index(nodes), thresholds)


def _thresholds(
    modalities: Sequence[Mapping[str, NodeThreshold]], nodes: Sequence[str | None]
) -> np.ndarray:
    """(modalities, K) float32 thresholds of the nodes; infinite where nothing is accepted."""

    def lowest(fitted: Mapping[str, NodeThreshold], node: str | None) -> float:
        value = fitted[node].value if node else None
        return _ABSTAIN if value is None else value

    return np.array([[lowest(each, node) for node in nodes] for each in modalities], np.float32)


def _of_predicted(probabilities: tf.Tensor, index: np.ndarray, predicted: tf.Tensor) -> tf.Tensor:
    """Summed probability of the group of the predicted category: (n, K) → (n,); 0 for group -1."""
    groups = int(index.max(initial=-1)) + 1
    sums = tf.math.unsorted_segment_sum(tf.transpose(probabilities), index, groups + 1)
    group = tf.gather(np.where(index < 0, groups, index), predicted)
    return tf.gather_nd(sums, tf.stack([group, tf.range(tf.shape(group)[0])], axis=1))


def _padded(values: tf.Tensor, filler) -> tf.Tensor:
    """(n, at most TOP) → (n, TOP)."""
    values = tf.pad(values, [[0, 0], [0, TOP - values.shape[1]]], constant_values=filler)
    return tf.ensure_shape(values, [None, TOP])
