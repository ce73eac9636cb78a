"""The layers of a Transformer as a Keras network that can be trained, and back again.

The served `Transformer` is made of plain variables, which the TF1-style loader of TF Serving can
restore, and reads the tokens of all texts without padding. Neither is Keras. So what is trained is
this network, under any backend of Keras, and its weights go back into the served form. A test holds
both equal.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from shelfsort.training.encoders.transformer import Dense, LayerWeights, Norm

_DENSE = ("query", "key", "value", "attended", "hidden", "output")
_NORMS = ("attended_norm", "output_norm")
_EXCLUDED = -1e9


def trainable_network(
    layers: Sequence[LayerWeights],
    heads: int,
    epsilon: float,
    *,
    first: int = 1,
    centre: np.ndarray | None = None,
    precision: str = "float32",
) -> keras.Model:
    """Builds the network of some layers.

    Args:
        layers: consecutive layers of a transformer, the last one included.
        heads: number of attention heads.
        epsilon: added to the variance in each normalisation.
        first: number of the first of `layers`, from 1; layers are named `layer1` and so on.
        centre: (size,) that embeddings of unit length are moved by; None for none.
        precision: Keras' name of the types that layers compute in.

    Returns:
        Model from the vectors of tokens, (n, longest, size), in which rows of zeros are padding, to
        (n, size) float32 embeddings of unit length.
    """
    size = len(layers[0].attended.bias)
    tokens = keras.Input((None, size), name="tokens")
    x = tokens
    for place, weights in enumerate(layers):
        hidden = len(weights.hidden.bias)
        layer = TransformerLayer(
            heads, hidden, epsilon, name=f"layer{first + place}", dtype=precision
        )
        x = layer(x)
        layer.load(weights)
    offset = None if centre is None else [float(each) for each in centre]
    return keras.Model(tokens, Embedding(offset, name="embedding", dtype="float32")(x))


def layer_weights(network: keras.Model) -> list[LayerWeights]:
    """Those of the layers of `trainable_network`, in order."""
    return [each.weights_of() for each in network.layers if isinstance(each, TransformerLayer)]


@keras.saving.register_keras_serializable("shelfsort")
class TransformerLayer(keras.layers.Layer):
    """One layer of BERT: (n, longest, size) → the same; rows of zeros are padding and stay so.

    Args:
        heads: number of attention heads.
        hidden: units of the layer's network.
        epsilon: added to the variance in each normalisation.
        options: of Keras' Layer.
    """

    def __init__(self, heads: int, hidden: int, epsilon: float, **options):
        super().__init__(**options)
        self.heads, self.hidden_units, self.epsilon = heads, hidden, epsilon

    def build(self, shape) -> None:
        """See Keras."""
        size, kind = shape[-1], self.dtype_policy
        units = dict.fromkeys(_DENSE, size) | {"hidden": self.hidden_units}
        self.parts = {
            **{name: keras.layers.Dense(units[name], name=name, dtype=kind) for name in _DENSE},
            **{
                name: keras.layers.LayerNormalization(epsilon=self.epsilon, name=name, dtype=kind)
                for name in _NORMS
            },
        }
        for name, part in self.parts.items():
            part.build((None, None, self.hidden_units if name == "output" else size))

    def call(self, x):
        """See the class."""
        given = ops.any(ops.not_equal(x, 0), axis=-1, keepdims=True)
        x = self.parts["attended_norm"](x + self.parts["attended"](self._attention(x, given)))
        hidden = ops.gelu(self.parts["hidden"](x), approximate=False)
        x = self.parts["output_norm"](x + self.parts["output"](hidden))
        return ops.where(given, x, ops.zeros_like(x))

    def _attention(self, x, given):
        longest, size = ops.shape(x)[1], x.shape[-1]
        width = size // self.heads

        def by_head(name: str):
            inward = ops.reshape(self.parts[name](x), (-1, longest, self.heads, width))
            return ops.transpose(inward, (0, 2, 1, 3))

        query, key, value = map(by_head, ("query", "key", "value"))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        scores = ops.cast(scores, "float32") * width**-0.5
        excluded = ops.where(given, 0.0, _EXCLUDED)
        shares = ops.softmax(scores + ops.transpose(excluded, (0, 2, 1))[:, None])
        attended = ops.matmul(ops.cast(shares, value.dtype), value)
        return ops.reshape(ops.transpose(attended, (0, 2, 1, 3)), (-1, longest, size))

    def load(self, weights: LayerWeights) -> None:
        """Takes weights."""
        for name, part in self.parts.items():
            part.set_weights(list(vars(getattr(weights, name)).values()))

    def weights_of(self) -> LayerWeights:
        """Its weights."""
        found: dict[str, Any] = {
            **{name: Dense(*self.parts[name].get_weights()) for name in _DENSE},
            **{name: Norm(*self.parts[name].get_weights()) for name in _NORMS},
        }
        return LayerWeights(**found)

    def get_config(self) -> dict:
        """See Keras."""
        own = {"heads": self.heads, "hidden": self.hidden_units, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("shelfsort")
class Embedding(keras.layers.Layer):
    """Mean of the vectors that are not zeros, at unit length: (n, longest, size) → (n, size).

    Args:
        centre: of the embeddings; None for none.
        options: of Keras' Layer.
    """

    def __init__(self, centre: Sequence[float] | None, **options):
        super().__init__(**options)
        self.centre = centre

    def call(self, x):
        """See the class."""
        given = ops.cast(ops.any(ops.not_equal(x, 0), axis=-1, keepdims=True), x.dtype)
        mean = ops.sum(x, axis=1) / ops.maximum(ops.sum(given, axis=1), 1)
        found = ops.normalize(mean, axis=-1, epsilon=1e-6)
        if self.centre is None:
            return found
        return ops.normalize(found - ops.convert_to_tensor(self.centre), axis=-1, epsilon=1e-6)

    def get_config(self) -> dict:
        """See Keras."""
        return {**super().get_config(), "centre": self.centre}
