"""Tunes the layers of a text encoder on the texts of some products."""

import functools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from shelfsort.core.errors import InputError
from shelfsort.training.encoders import load_encoder
from shelfsort.training.encoders.encoder import TextEncoder
from shelfsort.training.encoders.trainable import layer_weights, trainable_network
from shelfsort.training.encoders.transformer import LayerWeights
from shelfsort.training.finetuning.checkpoints import Checkpoints
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.finetuning.devices import Devices
from shelfsort.training.finetuning.inputs import Examples, Order
from shelfsort.training.finetuning.network import CLASSIFIER, DROPOUT
from shelfsort.training.finetuning.tokens import TokenVectors, token_batches
from shelfsort.training.finetuning.tuner import Network, Stage, Tuner, weights_digest
from shelfsort.training.rows import Rows
from shelfsort.training.settings import TextConfig, TextFineTuningConfig

_SETTING = "training.text.fine_tuning.from_layer"


class TextTuner:
    """Tunes copies of one encoder, each on products of its own.

    Args:
        encoder: to start from.
        examples: n products.
        embeddings: n embeddings of their texts by `encoder`.
        config: settings; `layers` is not "none".
        seed: of the order and of dropout.
        devices: to run on.
        checkpoints: of this and earlier processes.

    Raises:
        InputError: the encoder cannot be cut where the settings say.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        examples: Examples[Contents],
        embeddings: Rows,
        config: TextFineTuningConfig,
        *,
        seed: int,
        devices: Devices,
        checkpoints: Checkpoints,
    ):
        self._encoder = encoder
        self._subject = _Encoder(encoder, examples, embeddings, config)
        self._tuner = Tuner(
            self._subject, config, seed=seed, devices=devices, checkpoints=checkpoints
        )

    def tune(self, rows: np.ndarray) -> TextEncoder:
        """Tunes a copy of the encoder on these products and no others.

        Args:
            rows: (m,) products with a text, m > 0.

        Returns:
            The encoder with tuned layers, under a key that names them.
        """
        weights, *_ = self._tuner.weights(rows)
        return self._encoder.with_layers(self._subject.layers(weights), weights_digest(weights))


def frozen_layers(encoder: TextEncoder, config: TextFineTuningConfig) -> int:
    """The number of first layers that are not tuned.

    Raises:
        InputError: there is no layer of that name, or none comes after it.
    """
    layers = encoder.transformer.depth
    if config.layers == "all":
        return 0
    names = [f"layer{number}" for number in range(1, layers)]
    if not config.from_layer:
        return layers // 2
    if config.from_layer not in names:
        raise InputError(
            f"{_SETTING}: {encoder.name} cannot be cut after {config.from_layer!r}. Leave it "
            f"empty, or name one of {names[0]} to {names[-1]}."
        )
    return names.index(config.from_layer) + 1


def require_text_layer(config: TextConfig) -> None:
    """Refuses an encoder that cannot be cut where the settings say.

    Raises:
        InputError: the encoder has no such layer, or no weights.
    """
    if config.encoder:
        frozen_layers(load_encoder(config.encoder, config.encoder_weights), config.fine_tuning)


class _Encoder:
    """An encoder as the subject of a tuning; see `tuner.Subject`."""

    def __init__(
        self,
        encoder: TextEncoder,
        examples: Examples[Contents],
        embeddings: Rows,
        config: TextFineTuningConfig,
    ):
        self.examples = examples
        self.embeddings = embeddings
        self.key = encoder.key
        self._encoder = encoder
        self._config = config
        self._frozen = frozen_layers(encoder, config)

    def network(
        self, classifier: tuple[np.ndarray, np.ndarray], precision: str, seed: int
    ) -> Network:
        """See `tuner.Subject`."""
        network, (kernel, _) = self._trainable(precision), classifier
        dropped = keras.layers.Dropout(DROPOUT, seed=seed)(network.outputs[0])
        dense = keras.layers.Dense(kernel.shape[1], dtype="float32", name=CLASSIFIER)
        whole = keras.Model(network.inputs[0], dense(dropped), name="tuned_layers")
        dense.set_weights(classifier)
        stage = Stage(whole, self._config.epochs, self._batches, self._vectors.lengths)
        return Network(network, dense, [stage])

    def layers(self, weights: Sequence[np.ndarray]) -> list[LayerWeights]:
        """All layers of the encoder, the last ones with the weights of a tuned network."""
        network = self._trainable("float32")
        network.set_weights(weights)
        return [*self._encoder.transformer.layers()[: self._frozen], *layer_weights(network)]

    def _trainable(self, precision: str) -> keras.Model:
        transformer = self._encoder.transformer
        return trainable_network(
            transformer.layers()[self._frozen :],
            transformer.heads,
            transformer.epsilon,
            first=self._frozen + 1,
            centre=self._encoder.centre,
            precision=precision,
        )

    def _batches(self, order: Order, after: int) -> tf.data.Dataset:
        smoothing = self._config.label_smoothing
        return token_batches(self.examples, self._vectors, order, smoothing, after)

    @functools.cached_property
    def _vectors(self) -> TokenVectors:
        """By the pretrained layers, which no product has a part in: the same for all tunings."""
        return TokenVectors(self._encoder, self.examples.contents, self._frozen)
