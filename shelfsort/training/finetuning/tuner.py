"""Tunes a backbone on some products, in stages, from where an earlier process was killed."""

import dataclasses
import functools
import hashlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from shelfsort.core.progress import progress
from shelfsort.training.backbones import Backbone, resized
from shelfsort.training.finetuning.checkpoints import Checkpoints, State
from shelfsort.training.finetuning.classifier import fit_classifier
from shelfsort.training.finetuning.devices import Devices, compiled_steps, in_precision
from shelfsort.training.finetuning.inputs import (
    Embedded,
    Examples,
    FeatureMaps,
    Order,
    map_batches,
    picture_batches,
)
from shelfsort.training.finetuning.network import CLASSIFIER, TuningNetwork
from shelfsort.training.finetuning.optimizer import optimizer_of
from shelfsort.training.rows import Rows
from shelfsort.training.settings import FineTuningConfig

# With `all`, the share of the epochs that the last blocks are tuned for in advance.
LAST_BLOCKS_FIRST = 0.25
_VERSION = 1
"""Changes with what makes the same settings give other weights."""


@dataclasses.dataclass(frozen=True)
class _Stage:
    """Layers that are tuned together.

    Attributes:
        last_only: whether only the last blocks are.
        passes: over the products.
    """

    last_only: bool
    passes: int


@dataclasses.dataclass(frozen=True)
class Tuned:
    """What comes of a tuning.

    Attributes:
        backbone: in float32, with the digest of its weights.
        kernel, bias: (embedding, K) and (K,) of the classifier that was tuned on top of it.
    """

    backbone: Backbone
    kernel: np.ndarray
    bias: np.ndarray


class FineTuner:
    """Tunes copies of one backbone, each on products of its own.

    Args:
        backbone: to start from.
        examples: n products.
        embeddings: n embeddings by `backbone`.
        config: settings; `layers` is not "none".
        seed: of the order, the views, the mixtures and dropout.
        devices: to run on.
        checkpoints: of this and earlier processes.
        start_key: names the weights and the preprocessing of `backbone`.
    """

    def __init__(
        self,
        backbone: Backbone,
        examples: Examples,
        embeddings: Rows,
        config: FineTuningConfig,
        *,
        seed: int,
        devices: Devices,
        checkpoints: Checkpoints,
        start_key: str,
    ):
        self._backbone = backbone
        # As it is tuned: for squares of the size that the settings give.
        self._tunable = resized(backbone, config.image_size)
        self._examples = examples
        self._embeddings = (
            embeddings
            if self._tunable is backbone
            else Embedded(self._tunable.model, examples.pictures)
        )
        self._config = config
        # Of TensorFlow's stateless draws, which take 32 bits.
        self._seed = seed % 2**30
        self._devices = devices
        self._checkpoints = checkpoints
        self._start_key = start_key

    def tune(self, rows: np.ndarray) -> Tuned:
        """Tunes a copy of the backbone on these products and no others.

        The weights of several tunings are averaged: Wortsman et al., "Model soups", ICML 2022.

        Args:
            rows: (m,) products with a picture, m > 0.

        Raises:
            InputError: the backbone cannot be cut where the settings say.
        """
        found = [self._weights(rows, self._seed + more) for more in range(self._config.tunings)]
        *of_backbone, kernel, bias = (np.mean(each, axis=0) for each in zip(*found, strict=True))
        model = in_precision(self._backbone.model, "float32")
        model.set_weights(of_backbone)
        tuned = dataclasses.replace(self._backbone, model=model, tuned=_digest(of_backbone))
        return Tuned(tuned, kernel, bias)

    def _weights(self, rows: np.ndarray, seed: int) -> Sequence[np.ndarray]:
        """Those of the backbone, and of its classifier, after one tuning."""
        key = self._key(rows, seed)
        weights = self._checkpoints.result(key)
        if weights is None:
            weights = self._tuned_weights(rows, key, seed)
            self._checkpoints.keep_result(key, weights)
        return weights

    def _tuned_weights(self, rows: np.ndarray, key: str, seed: int) -> list[np.ndarray]:
        examples = self._examples
        classifier = fit_classifier(
            self._embeddings, rows, examples.labels, examples.weights, examples.categories
        )
        with self._devices.strategy.scope():
            network = TuningNetwork.of(
                self._tunable,
                self._config.from_layer,
                classifier,
                self._devices.precision,
                seed,
            )
        state = self._checkpoints.state(key) or State(0, 0, ())
        for number, stage in enumerate(self._stages()):
            if number >= state.stage:
                begin = state if number == state.stage else State(number, 0, ())
                order = Order.of(rows, self._config.batch_size, stage.passes, seed + 1000 * number)
                self._fit(network, stage, order, begin, key)
        classifier = network.whole.get_layer(CLASSIFIER).get_weights()
        return [np.asarray(each) for each in (*network.backbone.get_weights(), *classifier)]

    def _stages(self) -> Sequence[_Stage]:
        epochs = self._config.epochs
        if self._config.layers == "last_blocks":
            return [_Stage(True, epochs)]
        return [_Stage(True, max(1, round(LAST_BLOCKS_FIRST * epochs))), _Stage(False, epochs)]

    def _fit(
        self, network: TuningNetwork, stage: _Stage, order: Order, state: State, key: str
    ) -> None:
        model = network.last if stage.last_only else network.whole
        steps = len(order.rows)
        with self._devices.strategy.scope():
            model.compile(
                optimizer_of(model, self._config, steps),
                keras.losses.CategoricalCrossentropy(from_logits=True),
                jit_compile=compiled_steps(),
            )
            model.optimizer.build(model.trainable_variables)
        if state.values:
            for variable, value in zip(_variables(model), state.values, strict=True):
                variable.assign(value)
        if state.steps == steps:
            # Killed between this stage and the next: only the averages are still to be taken over.
            model.optimizer.finalize_variable_values(model.trainable_variables)
        else:
            model.fit(
                self._batches(stage, order, state.steps),
                initial_epoch=state.steps // order.a_pass,
                epochs=stage.passes,
                steps_per_epoch=order.a_pass,
                callbacks=[_Keeper(self._checkpoints, key, state.stage, order)],
                verbose=0,
            )

    def _batches(self, stage: _Stage, order: Order, after: int) -> tf.data.Dataset:
        mixture = self._config.mixup, self._config.label_smoothing
        if stage.last_only:
            return map_batches(self._examples, self._maps, order, mixture, after)
        size = self._tunable.image_size
        return picture_batches(self._examples, order, size, mixture, after)

    @functools.cached_property
    def _maps(self) -> FeatureMaps:
        """By the pretrained layers, which no product has a part in: the same for all tunings."""
        examples = self._examples
        nothing = np.zeros((self._backbone.embedding_size, 1)), np.zeros(1)
        front = TuningNetwork.of(self._tunable, self._config.from_layer, nothing).front
        return FeatureMaps(front, examples.pictures, self._seed)

    def _key(self, rows: np.ndarray, seed: int) -> str:
        """Names all that the weights depend on."""
        examples = self._examples
        digest = hashlib.blake2b(digest_size=16)
        settings = dataclasses.asdict(self._config)
        for says_nothing in ("gpus", "tunings"):
            del settings[says_nothing]
        for each in (
            _VERSION,
            self._start_key,
            sorted(settings.items()),
            seed,
            self._seed,
            self._devices.precision,
            examples.categories,
            tf.__version__,
            keras.__version__,
            keras.backend.backend(),
        ):
            digest.update(f"{each}\0".encode())
        for row in rows.tolist():
            digest.update(examples.pictures.digests[row])
        digest.update(np.asarray(examples.labels[rows], np.int64).tobytes())
        digest.update(np.asarray(examples.weights[rows], np.float64).tobytes())
        return digest.hexdigest()


class _Keeper(keras.callbacks.Callback):
    """Keeps the state after each pass, and reports progress."""

    def __init__(self, checkpoints: Checkpoints, key: str, stage: int, order: Order):
        super().__init__()
        self._checkpoints = checkpoints
        self._key = key
        self._stage = stage
        self._order = order
        self._done = 0

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self._done = epoch * self._order.a_pass

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        progress(self._done + batch + 1, len(self._order.rows), "batches of fine-tuning")

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        steps = (epoch + 1) * self._order.a_pass
        values = [variable.numpy() for variable in _variables(self.model)]
        self._checkpoints.keep_state(self._key, State(self._stage, steps, values))


def _variables(model: keras.Model) -> list[keras.Variable]:
    """All that a fit changes: weights, the state of dropout, and the optimizer's."""
    return [*model.variables, *model.optimizer.variables]


def _digest(weights: Sequence[np.ndarray]) -> str:
    """32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    for each in weights:
        digest.update(np.asarray(each, "<f4").tobytes())
    return digest.hexdigest()
