"""One step of each tower's fit: a batch's loss, its gradients, and an update.

Each tower's logits are those of `towers.build_towers`, computed here from the variables of that
model: words as a sparse matrix of the terms that the batch has, images in coordinates in which a
fit converges fast. `finish` puts the result back into the model.
"""

from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from shelfsort.training.batches import sparse_terms
from shelfsort.training.dataset import Products
from shelfsort.training.optimizers import AdamW, SparseAdagrad
from shelfsort.training.settings import FitConfig
from shelfsort.training.towers import PRICE_DROPOUT, unit_roots

# Adagrad's learning rate for the tables, in terms of AdamW's.
_TABLE_RATE = 10.0
# The image tower's weight decay, in terms of the text tower's: an embedding has many directions
# that tell categories apart in the training products alone.
_IMAGE_DECAY = 200.0


class Steps(Protocol):
    """The steps of one tower's fit."""

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


class TextSteps:
    """Steps of the text tower.

    Args:
        towers: from `towers.build_towers`; the fit starts from their values.
        config: settings.
        seed: of dropout.
    """

    def __init__(self, towers: keras.Model, config: FitConfig, seed: int):
        self._bags = [
            towers.get_layer(f"{name}_bag").table.embeddings.value
            for name in ("word", "piece", "price")
        ]
        self._starts = (0, *np.cumsum([table.shape[0] for table in self._bags[:2]]).tolist())
        self._table = tf.Variable(tf.concat(self._bags, axis=0))
        self._had = tf.Variable(tf.zeros(self._table.shape[0], tf.bool))
        self._adagrad = SparseAdagrad(self._table)
        self._output = _Dense(towers.get_layer("text"), config.weight_decay)
        self._dropout = _Dropout(seed)
        self._config = config
        scalar, ints = tf.TensorSpec([]), tf.TensorSpec([None], tf.int32)
        floats = tf.TensorSpec([None])
        self._step = tf.function(
            self._traced,
            input_signature=[ints, ints, floats, ints, floats, scalar, scalar],
            autograph=False,
        )

    def step(
        self, products: Products, rows: np.ndarray, weights: np.ndarray, rate: float, number: int
    ) -> tf.Tensor:
        """See `Steps`."""
        terms = sparse_terms(products, rows, self._starts)
        return self._step(*terms, products.labels[rows], weights[rows], rate, float(number))

    def finish(self) -> None:
        """See `Steps`. A term that no product had says nothing: its row becomes 0."""
        known = tf.where(self._had[:, tf.newaxis], self._table, 0.0)
        for table, values in zip(
            self._bags, tf.split(known, [table.shape[0] for table in self._bags]), strict=True
        ):
            table.assign(values)

    def _traced(self, places, ids, term_weights, labels, weights, rate, number):
        products = tf.shape(labels, tf.int64)[0]
        kept = self._dropout.mask(tf.shape(ids), PRICE_DROPOUT, number, 0)
        term_weights = tf.where(ids >= self._starts[-1], term_weights * kept, term_weights)
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
            hidden *= self._dropout.mask(tf.shape(hidden), self._config.dropout, number, 1)
            loss = _loss(self._output.of(hidden), labels, weights, self._config.label_smoothing)
        gradients = tape.gradient(loss, [values, *self._output.variables])
        self._adagrad.apply(rows, gradients[0], _TABLE_RATE * rate)
        self._output.apply(gradients[1:], rate, number)
        return loss


class ImageSteps:
    """Steps of the image tower, on `unit_roots` less their mean, scaled to a variance of 1.

    Args:
        towers: from `towers.build_towers`; the fit starts from their values.
        config: settings.
        seed: of dropout.
        images: (m, size) embeddings from which the mean and the variance are taken.
    """

    def __init__(self, towers: keras.Model, config: FitConfig, seed: int, images: np.ndarray):
        roots = unit_roots(tf.constant(images))
        self._centre = tf.reduce_mean(roots, axis=0)
        self._spread = tf.maximum(tf.math.reduce_std(roots - self._centre), 1e-6)
        self._hidden, self._linear, self._output = (
            _Dense(towers.get_layer(name), _IMAGE_DECAY * config.weight_decay)
            for name in ("image_relu", "image_linear", "image")
        )
        self._parts = (self._hidden, self._linear, self._output)
        self._into(self._spread, self._centre)
        self._dropout = _Dropout(seed)
        self._config = config
        scalar, ints = tf.TensorSpec([]), tf.TensorSpec([None], tf.int32)
        self._step = tf.function(
            self._traced,
            input_signature=[
                tf.TensorSpec([None, images.shape[1]]),
                ints,
                tf.TensorSpec([None]),
                scalar,
                scalar,
            ],
            autograph=False,
        )

    def step(
        self, products: Products, rows: np.ndarray, weights: np.ndarray, rate: float, number: int
    ) -> tf.Tensor:
        """See `Steps`."""
        images = products.features[rows]["embeddings"]
        return self._step(images, products.labels[rows], weights[rows], rate, float(number))

    def finish(self) -> None:
        """See `Steps`."""
        self._into(1 / self._spread, -self._centre / self._spread)

    def _into(self, scale: tf.Tensor, shift: tf.Tensor) -> None:
        """Rewrites the layers for inputs x' where they had `scale * x' + shift`."""
        for layer, bias in ((self._hidden, self._hidden), (self._linear, self._output)):
            kernel = layer.variables[0]
            bias.variables[1].assign_add(tf.linalg.matvec(kernel, shift, transpose_a=True))
            kernel.assign(kernel * scale)

    def _traced(self, images, labels, weights, rate, number):
        inputs = (unit_roots(images) - self._centre) / self._spread
        inputs *= self._dropout.mask(tf.shape(inputs), self._config.dropout, number, 0)
        variables = [variable for part in self._parts for variable in part.variables]
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(self._hidden.of(inputs))
            hidden *= self._dropout.mask(tf.shape(hidden), self._config.dropout, number, 1)
            logits = self._output.of(hidden) + self._linear.of(inputs)
            loss = _loss(logits, labels, weights, self._config.label_smoothing)
        gradients = iter(tape.gradient(loss, variables))
        for part in self._parts:
            part.apply([next(gradients) for _ in part.variables], rate, number)
        return loss


class _Dropout:
    """Masks of dropout that depend on a seed and the number of the step alone."""

    def __init__(self, seed: int):
        self._seed = seed

    def mask(self, shape: tf.Tensor, share: float, number: tf.Tensor, which: int) -> tf.Tensor:
        """0 for `share` of the values and 1 / (1 - share) for the others, of the shape given."""
        seed = tf.stack([tf.cast(number, tf.int32) * 4 + which, self._seed])
        kept = tf.random.stateless_uniform(shape, seed) >= share
        return tf.cast(kept, tf.float32) / (1 - share)


class _Dense:
    """A dense layer's variables and their AdamW; the weight decay spares the bias."""

    def __init__(self, layer: keras.layers.Dense, decay: float):
        self.variables = [each.value for each in layer.weights]
        decays = [decay if len(each.shape) > 1 else 0.0 for each in self.variables]
        self._adams = [AdamW(*each) for each in zip(self.variables, decays, strict=True)]

    def of(self, inputs: tf.Tensor) -> tf.Tensor:
        """(m, inputs) → (m, outputs), before any activation."""
        outputs = tf.matmul(inputs, self.variables[0])
        return outputs + self.variables[1] if len(self.variables) > 1 else outputs

    def apply(self, gradients, rate: tf.Tensor, number: tf.Tensor) -> None:
        """Takes one step; gradients in the order of the variables."""
        for adam, gradient in zip(self._adams, gradients, strict=True):
            adam.apply(gradient, rate, number)


def _loss(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Mean of weighted cross-entropies with smoothed one-hot targets."""
    categories = logits.shape[-1]
    targets = tf.one_hot(labels, categories) * (1 - smoothing) + smoothing / categories
    return tf.reduce_mean(weights * tf.nn.softmax_cross_entropy_with_logits(targets, logits))
