"""The transformer encoder of BERT in plain TensorFlow ops, for inference.

Devlin et al. 2019, https://arxiv.org/abs/1810.04805: layers with the normalisation after each sum.
The weights are plain `tf.Variable`s, which the TF1-style loader of TF Serving can restore.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from shelfsort.core.errors import InputError


@dataclasses.dataclass(frozen=True)
class Dense:
    """Weights of x → x · kernel + bias: kernel (in, out), bias (out,), float32."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclasses.dataclass(frozen=True)
class Norm:
    """Weights of a layer normalisation: both (size,) float32."""

    scale: np.ndarray
    offset: np.ndarray


@dataclasses.dataclass(frozen=True)
class LayerWeights:
    """Weights of one transformer layer of the given size."""

    query: Dense
    key: Dense
    value: Dense
    attended: Dense
    attended_norm: Norm
    hidden: Dense
    output: Dense
    output_norm: Norm


@dataclasses.dataclass(frozen=True)
class TransformerWeights:
    """Weights of an encoder but for its table of tokens.

    Attributes:
        positions: (positions, size) float32 added to the tokens' vectors, token types included.
        norm: of the sum.
        layers: in order.
        heads: number of attention heads.
        epsilon: added to the variance in each normalisation.
    """

    positions: np.ndarray
    norm: Norm
    layers: Sequence[LayerWeights]
    heads: int
    epsilon: float


class Transformer(tf.Module):
    """Ragged token ids → mean of the last layer's vectors.

    Everything but attention runs on the tokens of all texts in one matrix, without padding.

    Args:
        tokens: (t,) int32 ids → (t, size) float32.
        weights: all else.

    Raises:
        InputError: the shapes of the weights do not fit each other.
    """

    def __init__(self, tokens: Callable[[tf.Tensor], tf.Tensor], weights: TransformerWeights):
        super().__init__()
        self.heads, self.epsilon = weights.heads, weights.epsilon
        self._tokens = tokens
        self._positions = tf.Variable(weights.positions, trainable=False, name="positions")
        self._norm = _LayerNorm(weights.norm, self.size, weights.epsilon)
        if not weights.layers or self.size % weights.heads:
            raise InputError(
                f"{len(weights.layers)} layers of size {self.size} "
                f"with {weights.heads} heads are no transformer."
            )
        self._layers = [
            _Layer(each, self.size, weights.heads, weights.epsilon) for each in weights.layers
        ]

    @property
    def size(self) -> int:
        """Length of an embedding."""
        return self._positions.shape[1]

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self._layers)

    def __call__(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """(n, at least 1 each) int32 ids → (n, size) float32 means."""
        return tf.math.segment_mean(self.vectors(ids, self.depth), ids.value_rowids())

    def vectors(self, ids: tf.RaggedTensor, layers: int) -> tf.Tensor:
        """(n, at least 1 each) int32 ids → (tokens, size) float32 after the first `layers`."""
        lengths = ids.row_lengths()
        places = tf.ragged.range(lengths).flat_values
        x = self._norm(self._tokens(ids.flat_values) + tf.gather(self._positions, places))
        batch = _Batch.of(lengths)
        for layer in self._layers[:layers]:
            x = layer(x, batch)
        return x

    def layers(self) -> list[LayerWeights]:
        """Weights of the layers, in order; those of queries are rounded once more."""
        return [layer.weights() for layer in self._layers]

    def with_layers(self, layers: Sequence[LayerWeights]) -> "Transformer":
        """The same tokens, before other layers."""
        positions, norm = self._positions.numpy(), self._norm.weights()
        weights = TransformerWeights(positions, norm, layers, self.heads, self.epsilon)
        return Transformer(self._tokens, weights)


@dataclasses.dataclass(frozen=True)
class _Batch:
    """Where the tokens of a batch of n texts stand when the texts are padded to the longest.

    Attributes:
        tokens: (n, longest) int64 row of each token in the matrix of all, any row for padding.
        places: (tokens,) int64 place of each token among the n · longest.
        excluded: (n, 1, 1, longest) float32: 0 for a token, a large negative number for padding.
    """

    tokens: tf.Tensor
    places: tf.Tensor
    excluded: tf.Tensor

    @classmethod
    def of(cls, lengths: tf.Tensor) -> "_Batch":
        mask = tf.sequence_mask(lengths)
        rows = tf.range(tf.reduce_sum(lengths))
        return cls(
            tokens=tf.RaggedTensor.from_row_lengths(rows, lengths, validate=False).to_tensor(),
            places=tf.where(tf.reshape(mask, [-1]))[:, 0],
            excluded=tf.where(mask, 0.0, -1e9)[:, None, None, :],
        )

    def padded(self, x: tf.Tensor) -> tf.Tensor:
        """(tokens, size) → (n, longest, size)."""
        return tf.gather(x, self.tokens)

    def packed(self, x: tf.Tensor) -> tf.Tensor:
        """(n, longest, size) → (tokens, size)."""
        return tf.gather(tf.reshape(x, [-1, x.shape[-1]]), self.places)


class _Layer(tf.Module):
    def __init__(self, weights: LayerWeights, size: int, heads: int, epsilon: float):
        super().__init__()
        self._heads = heads
        # The scale of the scores, one over the root of a head's size, is in the query's weights.
        self._scale = np.float32((size / heads) ** -0.5)
        query = Dense(weights.query.kernel * self._scale, weights.query.bias * self._scale)
        inward = (query, weights.key, weights.value)
        self._inward = _Dense(
            Dense(
                np.concatenate(
                    [_fitting(each.kernel, "kernel", (size, size)) for each in inward], 1
                ),
                np.concatenate([each.bias for each in inward]),
            ),
            (size, 3 * size),
        )
        hidden = len(weights.hidden.bias)
        self._attended = _Dense(weights.attended, (size, size))
        self._attended_norm = _LayerNorm(weights.attended_norm, size, epsilon)
        self._hidden = _Dense(weights.hidden, (size, hidden))
        self._output = _Dense(weights.output, (hidden, size))
        self._output_norm = _LayerNorm(weights.output_norm, size, epsilon)

    def weights(self) -> LayerWeights:
        """What the layer was made of."""
        inward = self._inward.weights()
        kernels, biases = np.split(inward.kernel, 3, axis=1), np.split(inward.bias, 3)
        query, key, value = map(Dense, kernels, biases)
        return LayerWeights(
            query=Dense(query.kernel / self._scale, query.bias / self._scale),
            key=key,
            value=value,
            attended=self._attended.weights(),
            attended_norm=self._attended_norm.weights(),
            hidden=self._hidden.weights(),
            output=self._output.weights(),
            output_norm=self._output_norm.weights(),
        )

    def __call__(self, x: tf.Tensor, batch: _Batch) -> tf.Tensor:
        x = self._attended_norm(x + self._attended(self._attention(x, batch)))
        hidden = tf.nn.gelu(self._hidden(x), approximate=False)
        return self._output_norm(x + self._output(hidden))

    def _attention(self, x: tf.Tensor, batch: _Batch) -> tf.Tensor:
        size = x.shape[1]
        inward = batch.padded(self._inward(x))
        n, longest = tf.unstack(tf.shape(inward)[:2])
        by_head = tf.reshape(inward, [n, longest, 3, self._heads, size // self._heads])
        query, key, value = tf.unstack(tf.transpose(by_head, [2, 0, 3, 1, 4]))
        scores = tf.matmul(query, key, transpose_b=True) + batch.excluded
        attended = tf.transpose(tf.matmul(tf.nn.softmax(scores), value), [0, 2, 1, 3])
        return batch.packed(tf.reshape(attended, [n, longest, size]))


class _Dense(tf.Module):
    def __init__(self, weights: Dense, shape: tuple[int, int]):
        super().__init__()
        self._kernel = _frozen(weights.kernel, "kernel", shape)
        self._bias = _frozen(weights.bias, "bias", shape[1:])

    def weights(self) -> Dense:
        return Dense(self._kernel.numpy(), self._bias.numpy())

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(tf.matmul(x, self._kernel), self._bias)


class _LayerNorm(tf.Module):
    def __init__(self, weights: Norm, size: int, epsilon: float):
        super().__init__()
        self._scale = _frozen(weights.scale, "scale", (size,))
        self._offset = _frozen(weights.offset, "offset", (size,))
        self._epsilon = epsilon

    def weights(self) -> Norm:
        return Norm(self._scale.numpy(), self._offset.numpy())

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(x, axes=[1], keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + self._epsilon) * self._scale + self._offset


def _frozen(values: np.ndarray, name: str, shape: tuple[int, ...]) -> tf.Variable:
    return tf.Variable(_fitting(values, name, shape), trainable=False, name=name)


def _fitting(values: np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if values.shape != shape:
        raise InputError(f"a layer's {name} is {values.shape}, not {shape}.")
    return values
