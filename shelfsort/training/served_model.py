"""The served graph: from serialised products, or raw ones, to answers.

All weights are attributes of the module, as plain `tf.Variable`s. A Keras 3 model saved as such
loads in TF2 and fails in the TF1-style loader that TF Serving uses ("Could not find variable ...").
"""

import dataclasses
import functools
import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader

from shelfsort.contract import signatures
from shelfsort.contract.calibration import Calibration, NodeThreshold
from shelfsort.contract.modalities import MODALITIES, output_name
from shelfsort.contract.signatures import INPUTS, TOP
from shelfsort.contract.targets import accepted, parent_accepted
from shelfsort.training.backbones import Backbone
from shelfsort.training.dataset import TEXT_EMBEDDINGS, TEXT_TO_ENCODE
from shelfsort.training.images import decode_pictures
from shelfsort.training.label_space import LabelSpace, node_index
from shelfsort.training.pooling import Fusion, Pool
from shelfsort.training.representation import HIDDEN_WORDS, representation, with_hidden_words
from shelfsort.training.unknown import UnknownCheck
from shelfsort.training.unknown_graph import UnknownScores

if TYPE_CHECKING:
    from shelfsort.training.encoders.encoder import TextEncoder

EXPLAIN = "explain"
"""The function that reports ask. It is no signature: servers offer those to clients."""
LOG_PROBABILITIES = "log_probabilities"
_EXAMPLES = tf.TensorSpec([None], tf.string, name="examples")
_ABSTAIN = np.inf


class ServedModel(tf.Module):
    """Transform's graph, networks, towers, their fusion and the decision rule, in one module.

    Args:
        transform: Transform's graph, from a dict of raw features to transformed ones.
        raw_spec: parsing specification of the raw features it takes.
        backbone: embeds images.
        towers: from `towers.build_towers`.
        fusion: of the towers.
        labels: categories and tree.
        calibration: temperature and thresholds.
        unknown: the check for unknown products.
        version: names the thresholds.
        encoder: embeds the texts that Transform passes on; None without one.
    """

    def __init__(
        self,
        *,
        transform: SavedModelLoader,
        raw_spec: dict,
        backbone: Backbone,
        towers: keras.Model,
        fusion: Fusion,
        labels: LabelSpace,
        calibration: Calibration,
        unknown: UnknownCheck,
        version: str,
        encoder: "TextEncoder | None" = None,
    ):
        super().__init__(name="shelfsort")
        # Its tables. TFT's layer as attribute is traced once more, for Keras: half of an export.
        self.learnt = transform._imported
        self._transform_features = transform.apply_transform_model
        self._raw_spec = raw_spec
        self._backbone = backbone
        # As a mere function: a model as attribute is saved with its optimizer, twice its size.
        self._towers = functools.partial(with_hidden_words(towers), training=False)
        self.weights = [v.value for v in (*backbone.model.variables, *towers.variables)]
        self._encoder = encoder
        self._fusion = fusion
        self._unknown = UnknownScores(unknown)
        self.unknown_weights = self._unknown.variables
        self._decision = DecisionRule(labels, calibration)
        self._for_clients = [each.name for each in signatures.client_outputs(calibration.targets)]
        self._version = version
        # Traced and saved once for all signatures. A `tf.function` as attribute would be one more.
        self._looked = functools.partial(tf.function(self._look, autograph=False))
        # Traced here: what is traced while a model is saved shares nothing with the rest.
        explain = tf.function(self._explain, autograph=False)
        setattr(self, EXPLAIN, explain.get_concrete_function(_EXAMPLES))

    def signatures(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """Concrete functions by signature name."""
        raw = {
            each.name: tf.TensorSpec([None], tf.as_dtype(each.dtype), name=each.name)
            for each in INPUTS
        }
        inputs = tf.TensorSpec([None], tf.string, name="inputs")

        # AutoGraph would look through the source of every layer for control flow; there is none.
        def concrete(function, *args, **kwargs):
            return tf.function(function, autograph=False).get_concrete_function(*args, **kwargs)

        return {
            signatures.SERVING_DEFAULT: concrete(self._serve, _EXAMPLES),
            signatures.PREDICT_RAW: concrete(self._predict_raw, **raw),
            signatures.CLASSIFY: concrete(self._classify, inputs),
            signatures.EVALUATE: concrete(self._evaluate, _EXAMPLES),
            signatures.TRANSFORM_FEATURES: concrete(self._transform, _EXAMPLES),
        }

    def _serve(self, examples):
        return self._client_answer(self._parse(examples))

    def _predict_raw(self, **raw):
        return self._client_answer(raw)

    def _classify(self, inputs):
        answer = self._answer(self._parse(inputs))
        return {"classes": answer["top_categories"], "scores": answer["top_scores"]}

    def _evaluate(self, examples):
        """The answer as served, and what it would be from the text or the image alone."""
        seen = self._seen(self._parse(examples))
        own = _own_modality(seen)
        # One pass for all modalities: the products once more below themselves for each further one.
        answered_in = [own, *(tf.fill(tf.shape(own), i) for i in range(1, len(MODALITIES)))]
        answer = self._answered(seen.repeated(len(MODALITIES)), tf.concat(answered_in, axis=0))
        return {
            output_name(modality, name): part
            for name, values in answer.items()
            for modality, part in zip(MODALITIES, tf.split(values, len(MODALITIES)), strict=True)
        }

    def _explain(self, examples):
        """(n, modalities, K) log-probabilities, and the parts of `representation`."""
        seen, parts = self._looked(self._parse(examples))
        return {LOG_PROBABILITIES: self._decision.log_probabilities(seen.logits), **parts}

    def _transform(self, examples):
        features = self._transformed(self._parse(examples))
        return {name: features[name] for name in features if name not in ("image", TEXT_TO_ENCODE)}

    def _parse(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {
            each.name: tf.io.FixedLenFeature([], tf.as_dtype(each.dtype), each.absent)
            for each in INPUTS
        }
        return tf.io.parse_example(examples, spec)

    def _transformed(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return self._transform_features(
            {name: _as_declared(raw[name], spec) for name, spec in self._raw_spec.items()}
        )

    def _client_answer(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        answer = self._answer(raw)
        return {name: answer[name] for name in self._for_clients}

    def _answer(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        seen = self._seen(raw)
        return self._answered(seen, _own_modality(seen))

    def _seen(self, raw: dict[str, tf.Tensor]) -> "_Seen":
        return self._looked(raw)[0]

    def _look(self, raw: dict[str, tf.Tensor]) -> tuple["_Seen", dict[str, tf.Tensor]]:
        features = self._transformed(raw)
        has_text, has_image = (
            tf.reshape(features[name], [-1]) > 0 for name in ("has_text", "has_image")
        )
        inputs = {
            "word_ids": tf.cast(features["word_ids"], tf.int32),
            "word_weights": features["word_weights"],
            "piece_ids": tf.cast(features["piece_ids"], tf.int32),
            "piece_weights": features["piece_weights"],
            "price_bucket": tf.cast(tf.reshape(features["price_bucket"], [-1]), tf.int32),
            "embeddings": self._embed(tf.reshape(features["image"], [-1]), has_image),
        }
        if self._encoder is not None:
            text = tf.reshape(features[TEXT_TO_ENCODE], [-1])
            inputs[TEXT_EMBEDDINGS] = self._encoder(text)
        towers = self._towers(inputs)
        parts = representation(towers.pop(HIDDEN_WORDS), has_text, inputs)
        logits = self._in_modalities({name: tf.nn.log_softmax(x) for name, x in towers.items()})
        seen = _Seen(
            logits=tf.stack([logits[each] for each in MODALITIES], axis=1),
            measures=self._unknown.measures(
                self._in_modalities(towers), logits, inputs["embeddings"]
            ),
            has_text=has_text,
            has_image=has_image,
        )
        return seen, parts

    def _in_modalities(self, towers: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """By modality, what the towers give, weighed by its pool."""
        return {each: _fused(self._fusion, each, towers) for each in MODALITIES}

    def _answered(self, seen: "_Seen", modality: tf.Tensor) -> dict[str, tf.Tensor]:
        """What was seen of n products, (n,) places in MODALITIES to answer by → outputs."""
        logits = tf.gather(seen.logits, modality, axis=1, batch_dims=1)
        unknown = self._unknown.scores(seen.measures, modality)
        answer = self._decision.answer(logits, modality, unknown)
        version = tf.fill(tf.shape(answer["score"]), self._version)
        return {**answer, "threshold_version": version}

    def _embed(self, images: tf.Tensor, has_image: tf.Tensor) -> tf.Tensor:
        """(n, embedding) rows; only products with an image cost the backbone anything."""
        rows = tf.where(has_image)
        shape = [tf.shape(images, out_type=tf.int64)[0], self._backbone.embedding_size]

        def embedded() -> tf.Tensor:
            pixels = decode_pictures(tf.gather_nd(images, rows), self._backbone.image_size)
            vectors = self._backbone.model(tf.cast(pixels, tf.float32), training=False)
            return tf.scatter_nd(rows, vectors, shape)

        # A convolution over no image at all is an error in TensorFlow's CPU kernels.
        return tf.cond(tf.reduce_any(has_image), embedded, lambda: tf.zeros(shape))


class _Seen(NamedTuple):
    """The towers' output for n products.

    Attributes:
        logits: (n, modalities, K), in the order of MODALITIES.
        measures: (n, modalities, 3) of how strange they look, see `unknown`.
        has_text, has_image: (n,) bool.
    """

    logits: tf.Tensor
    measures: tf.Tensor
    has_text: tf.Tensor
    has_image: tf.Tensor

    def repeated(self, times: int) -> "_Seen":
        """The products, and all of them again below."""
        return _Seen(
            *(tf.tile(values, [times, *(1,) * (values.shape.rank - 1)]) for values in self)
        )


def _own_modality(seen: _Seen) -> tf.Tensor:
    """(n,) int32 place in MODALITIES of all that each product has: text, image, or both."""
    combined, text, image = (MODALITIES.index(each) for each in ("combined", "text", "image"))
    return tf.where(seen.has_image, tf.where(seen.has_text, combined, image), text)


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


def _fused(fusion: Fusion, modality: str, towers: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """What the towers give, weighed as the pool does: of log-probabilities, `Fusion.logits_in`."""
    pool = fusion.pools.get(modality)
    return towers[modality] if pool is None else _pooled(pool, towers)


def _pooled(pool: Pool, towers: Mapping[str, tf.Tensor]) -> tf.Tensor:
    weighed = [each.astype(np.float32) * towers[name] for name, each in pool.exponents.items()]
    return functools.reduce(operator.add, [*weighed, pool.offset.astype(np.float32)])


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


def _as_declared(values: tf.Tensor, spec) -> tf.Tensor | tf.SparseTensor:
    """(n,) values in the form that the raw feature was declared in; not given becomes absent."""
    if isinstance(spec, tf.io.FixedLenFeature):
        return tf.reshape(values, [-1, *spec.shape])
    given = tf.where(values >= 0) if values.dtype.is_floating else tf.where(values != "")
    columns = tf.concat([given, tf.zeros_like(given)], axis=1)
    shape = tf.stack([tf.shape(values, out_type=tf.int64)[0], 1])
    return tf.SparseTensor(columns, tf.gather_nd(values, given), shape)
