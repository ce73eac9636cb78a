"""One step of each tower's fit: a batch's loss, its gradients, and an update.

Each tower's logits are those of `towers.build_towers`, computed here from the variables of that
model: words as a sparse matrix of the terms that the batch has, embeddings in coordinates in which
a fit converges fast. `finish` puts the result back into the model.
"""

import functools
from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from shelfsort.training.batches import sparse_terms
from shelfsort.training.dataset import Products
from shelfsort.training.losses import Targets
from shelfsort.training.optimizers import AdamW, SparseAdagrad
from shelfsort.training.rows import evenly
from shelfsort.training.settings import FitConfig, TrainingConfig
from shelfsort.training.towers import ENCODER, IMAGE, PRICE_DROPOUT, EmbeddingTower

# Adagrad's learning rate for the tables, in terms of AdamW's.
_TABLE_RATE = 10.0
# The weight decay of towers on embeddings, in terms of the text tower's: an embedding has many
# directions that tell categories apart in the training products alone.
_EMBEDDING_DECAY = 200.0
# The mean of the embeddings and their variance: more would not move them.
_CENTRED_ON = 10_000
_INT, _INTS = tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.int32)
_RATE, _FLOATS, _STEP = tf.TensorSpec([]), tf.TensorSpec([None]), tf.TensorSpec([2], tf.int32)


class Steps(Protocol):
    """The steps of one tower's fits, compiled once and taken by one fit after another."""

    def begin(self, towers: keras.Model, products: Products, rows: np.ndarray, seed: int) -> None:
        """Starts a fit from the values of its towers.

        Args:
            towers: from `towers.build_towers`.
            products: that the fit is on.
            rows: (m,) of the products in the fit.
            seed: of dropout.
        """
        ...

    def step(
        self, products: Products, rows: np.ndarray, weights: np.ndarray, rate: float, number: int
    ) -> tf.Tensor:
        """Takes one step on a batch.

        Args:
            products: that the batch is of.
            rows: (m,) of the products in the batch.
            weights: (n,) float32 of all products.
            rate: learning rate.
            number: of the step, from 1.

        Returns:
            Scalar mean of the batch's weighted losses.
        """
        ...

    def finish(self) -> None:
        """Puts what was learnt into the towers."""
        ...


class CompiledSteps:
    """Steps of all towers. Tables, vocabularies and categories may differ from fit to fit.

    Args:
        config: settings of every fit that takes them.
        embedding_size: width of the image embeddings.
        text_embedding_size: width of the encoder's vectors; 0 without an encoder.
        inner: whether some products are labelled with inner categories.
    """

    def __init__(
        self,
        config: TrainingConfig,
        embedding_size: int,
        text_embedding_size: int = 0,
        inner: bool = False,
    ):
        self._config = config
        self._embedding_size = embedding_size
        self._text_embedding_size = text_embedding_size
        self._inner = inner

    @classmethod
    def for_products(cls, config: TrainingConfig, products: Products) -> "CompiledSteps":
        """Steps for products with the features of these."""
        return cls(
            config,
            products.embedding_size,
            products.text_embedding_size,
            products.inner is not None,
        )

    def of(self, tower: str) -> Steps:
        """The steps of the tower `text`, `image` or `encoder`."""
        if tower == "text":
            return self._text
        return self._image if tower == IMAGE.name else self._encoder

    @functools.cached_property
    def _text(self) -> "TextSteps":
        return TextSteps(self._config.fit, self._config.text.units, self._inner)

    @functools.cached_property
    def _image(self) -> "EmbeddingSteps":
        units = self._config.image.units
        return EmbeddingSteps(self._config.fit, IMAGE, units, self._embedding_size, self._inner)

    @functools.cached_property
    def _encoder(self) -> "EmbeddingSteps":
        units = self._config.text.encoder_units
        size = self._text_embedding_size
        return EmbeddingSteps(self._config.fit, ENCODER, units, size, self._inner)


class TextSteps:
    """Steps of the text tower.

    Args:
        config: settings.
        units: ReLU units of the tower.
        inner: whether some products are labelled with inner categories.
    """

    def __init__(self, config: FitConfig, units: int, inner: bool):
        self._targets = Targets(config.label_smoothing, inner)
        self._table = tf.Variable(tf.zeros([0, units]), shape=[None, units])
        self._had = tf.Variable(tf.zeros([0], tf.bool), shape=[None])
        self._adagrad = SparseAdagrad(self._table)
        self._output = _Dense(units, None, config.weight_decay)
        self._config = config
        self._compiled = _compiled(
            self._traced, _INTS, _INTS, _FLOATS, _INTS, _FLOATS, _RATE, _STEP, _INT
        )

    def begin(self, towers: keras.Model, products: Products, rows: np.ndarray, seed: int) -> None:
        """See `Steps`."""
        self._bags = [
            towers.get_layer(f"{name}_bag").table.embeddings.value
            for name in ("word", "piece", "price")
        ]
        self._targets.begin(products)
        self._starts = (0, *np.cumsum([table.shape[0] for table in self._bags[:2]]).tolist())
        self._table.assign(tf.concat(self._bags, axis=0))
        self._had.assign(tf.zeros(tf.shape(self._table)[0], tf.bool))
        self._adagrad.begin()
        self._output.begin(towers.get_layer("text"))
        self._seed = seed

    def step(
        self, products: Products, rows: np.ndarray, weights: np.ndarray, rate: float, number: int
    ) -> tf.Tensor:
        """See `Steps`."""
        return self._compiled(
            *sparse_terms(products, rows, self._starts),
            products.targets(rows),
            weights[rows],
            np.float32(rate),
            np.array([number, self._seed], np.int32),
            np.int32(self._starts[-1]),
        )

    def finish(self) -> None:
        """See `Steps`. A term that no product had says nothing: its row becomes 0."""
        known = tf.where(self._had[:, tf.newaxis], self._table, 0.0)
        for table, values in zip(
            self._bags, tf.split(known, [table.shape[0] for table in self._bags]), strict=True
        ):
            table.assign(values)
        self._output.finish()

    def _traced(self, places, ids, term_weights, labels, weights, rate, step, prices):
        products = tf.shape(labels, tf.int64)[0]
        kept = _dropout(tf.shape(ids), PRICE_DROPOUT, step, 0)
        term_weights = tf.where(ids >= prices, term_weights * kept, term_weights)
        rows, columns = tf.unique(ids)
        matrix = tf.SparseTensor(
            tf.cast(tf.stack([places, columns], axis=1), tf.int64),
            term_weights,
            tf.stack([products, tf.size(rows, tf.int64)]),
        )
        self._had.scatter_update(tf.IndexedSlices(tf.ones_like(rows, tf.bool), rows))
        values = tf.gather(self._table, rows)
        with tf.GradientTape() as tape:
            tape.watch(values)
            hidden = tf.nn.relu(tf.sparse.sparse_dense_matmul(matrix, values))
            hidden *= _dropout(tf.shape(hidden), self._config.dropout, step, 1)
            loss = self._targets.loss(self._output.of(hidden), labels, weights)
        gradients = tape.gradient(loss, [values, *self._output.variables])
        self._adagrad.apply(rows, gradients[0], _TABLE_RATE * rate)
        self._output.apply(gradients[1:], rate, step)
        return loss


class EmbeddingSteps:
    """Steps of a tower on embeddings: prepared, less their mean, scaled to a variance of 1.

    Args:
        config: settings.
        tower: whose steps they are.
        units: ReLU units of the tower.
        size: width of the embeddings.
        inner: whether some products are labelled with inner categories.
    """

    def __init__(
        self, config: FitConfig, tower: EmbeddingTower, units: int, size: int, inner: bool
    ):
        self._targets = Targets(config.label_smoothing, inner)
        self._tower = tower
        decay = _EMBEDDING_DECAY * config.weight_decay
        self._hidden = _Dense(size, units, decay)
        self._linear = _Dense(size, None, decay, bias=False)
        self._output = _Dense(units, None, decay)
        self._parts = (self._hidden, self._linear, self._output)
        self._centre = tf.Variable(tf.zeros([size]))
        self._spread = tf.Variable(1.0)
        self._config = config
        self._compiled = _compiled(
            self._traced, tf.TensorSpec([None, size]), _INTS, _FLOATS, _RATE, _STEP
        )

    def begin(self, towers: keras.Model, products: Products, rows: np.ndarray, seed: int) -> None:
        """See `Steps`."""
        self._targets.begin(products)
        sample = np.sort(evenly(rows, _CENTRED_ON))
        vectors = tf.constant(products.features[sample][self._tower.feature])
        prepared = self._tower.prepared(vectors)
        self._centre.assign(tf.reduce_mean(prepared, axis=0))
        self._spread.assign(tf.maximum(tf.math.reduce_std(prepared - self._centre), 1e-6))
        for part, layer in zip(self._parts, ("_relu", "_linear", ""), strict=True):
            part.begin(towers.get_layer(f"{self._tower.name}{layer}"))
        self._into(self._spread, self._centre)
        self._seed = seed

    def step(
        self, products: Products, rows: np.ndarray, weights: np.ndarray, rate: float, number: int
    ) -> tf.Tensor:
        """See `Steps`."""
        return self._compiled(
            products.features[rows][self._tower.feature],
            products.targets(rows),
            weights[rows],
            np.float32(rate),
            np.array([number, self._seed], np.int32),
        )

    def finish(self) -> None:
        """See `Steps`."""
        self._into(1 / self._spread, -self._centre / self._spread)
        for part in self._parts:
            part.finish()

    def _into(self, scale: tf.Tensor, shift: tf.Tensor) -> None:
        """Rewrites the layers for inputs x' where they had `scale * x' + shift`."""
        for layer, bias in ((self._hidden, self._hidden), (self._linear, self._output)):
            kernel = layer.variables[0]
            bias.variables[1].assign_add(tf.linalg.matvec(kernel, shift, transpose_a=True))
            kernel.assign(kernel * scale)

    def _traced(self, vectors, labels, weights, rate, step):
        inputs = (self._tower.prepared(vectors) - self._centre) / self._spread
        inputs *= _dropout(tf.shape(inputs), self._config.dropout, step, 0)
        variables = [variable for part in self._parts for variable in part.variables]
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(self._hidden.of(inputs))
            hidden *= _dropout(tf.shape(hidden), self._config.dropout, step, 1)
            logits = self._output.of(hidden) + self._linear.of(inputs)
            loss = self._targets.loss(logits, labels, weights)
        gradients = iter(tape.gradient(loss, variables))
        for part in self._parts:
            part.apply([next(gradients) for _ in part.variables], rate, step)
        return loss


def _compiled(traced: Callable[..., tf.Tensor], *signature: tf.TensorSpec) -> Callable:
    # Without its only concrete function, every call looks for one that fits: 1 ms a step.
    made = tf.function(traced, input_signature=signature, autograph=False)
    return made.get_concrete_function()


def _dropout(shape: tf.Tensor, share: float, step: tf.Tensor, which: int) -> tf.Tensor:
    """0 for `share` of the values and 1 / (1 - share) for the others, of the shape given.

    It depends on `which` and `step`, (2,) ints, alone: the number of the step and a seed.
    """
    seed = tf.stack([step[0] * 4 + which, step[1]])
    kept = tf.random.stateless_uniform(shape, seed) >= share
    return tf.cast(kept, tf.float32) / (1 - share)


class _Dense:
    """A dense layer's variables and their AdamW; the weight decay spares the bias.

    Args:
        inputs: units below.
        outputs: units of the layer; None where they differ from fit to fit.
        decay: weight decay.
        bias: whether the layer has one.
    """

    def __init__(self, inputs: int, outputs: int | None, decay: float, bias: bool = True):
        none = outputs or 0
        self.variables = [tf.Variable(tf.zeros([inputs, none]), shape=[inputs, outputs])]
        if bias:
            self.variables.append(tf.Variable(tf.zeros([none]), shape=[outputs]))
        decays = (decay, 0.0)[: len(self.variables)]
        self._adams = [AdamW(*each) for each in zip(self.variables, decays, strict=True)]

    def begin(self, layer: keras.layers.Dense) -> None:
        """Takes the layer's values, and forgets the moments of an earlier fit."""
        self._layer = layer
        for own, its, adam in zip(self.variables, layer.weights, self._adams, strict=True):
            own.assign(its.value)
            adam.begin()

    def finish(self) -> None:
        """Gives the layer the values."""
        for own, its in zip(self.variables, self._layer.weights, strict=True):
            its.value.assign(own)

    def of(self, inputs: tf.Tensor) -> tf.Tensor:
        """(m, inputs) → (m, outputs), before any activation."""
        outputs = tf.matmul(inputs, self.variables[0])
        return outputs + self.variables[1] if len(self.variables) > 1 else outputs

    def apply(self, gradients, rate: tf.Tensor, step: tf.Tensor) -> None:
        """Takes one step; gradients in the order of the variables."""
        number = tf.cast(step[0], tf.float32)
        for adam, gradient in zip(self._adams, gradients, strict=True):
            adam.apply(gradient, rate, number)
