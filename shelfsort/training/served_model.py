"""The served graph: from serialised products, or raw ones, to answers.

All weights are attributes of the module, as plain `tf.Variable`s. A Keras 3 model saved as such
loads in TF2 and fails in the TF1-style loader that TF Serving uses ("Could not find variable ...").
"""

import functools
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader

from shelfsort.contract import signatures
from shelfsort.contract.calibration import Calibration
from shelfsort.contract.modalities import MODALITIES, output_name
from shelfsort.contract.signatures import INPUTS
from shelfsort.training.backbones import Backbone
from shelfsort.training.dataset import TEXT_EMBEDDINGS, TEXT_TO_ENCODE
from shelfsort.training.decision_rule import DecisionRule
from shelfsort.training.images import decode_pictures
from shelfsort.training.label_space import LabelSpace
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


def _fused(fusion: Fusion, modality: str, towers: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """What the towers give, weighed as the pool does: of log-probabilities, `Fusion.logits_in`."""
    pool = fusion.pools.get(modality)
    return towers[modality] if pool is None else _pooled(pool, towers)


def _pooled(pool: Pool, towers: Mapping[str, tf.Tensor]) -> tf.Tensor:
    weighed = [each.astype(np.float32) * towers[name] for name, each in pool.exponents.items()]
    return functools.reduce(operator.add, [*weighed, pool.offset.astype(np.float32)])


def _as_declared(values: tf.Tensor, spec) -> tf.Tensor | tf.SparseTensor:
    """(n,) values in the form that the raw feature was declared in; not given becomes absent."""
    if isinstance(spec, tf.io.FixedLenFeature):
        return tf.reshape(values, [-1, *spec.shape])
    given = tf.where(values >= 0) if values.dtype.is_floating else tf.where(values != "")
    columns = tf.concat([given, tf.zeros_like(given)], axis=1)
    shape = tf.stack([tf.shape(values, out_type=tf.int64)[0], 1])
    return tf.SparseTensor(columns, tf.gather_nd(values, given), shape)
