"""Tunes a network on some products, in stages, from where an earlier process was killed."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from shelfsort.core.progress import progress
from shelfsort.training.finetuning.checkpoints import Checkpoints, State
from shelfsort.training.finetuning.classifier import fit_classifier
from shelfsort.training.finetuning.devices import Devices, compiled_steps
from shelfsort.training.finetuning.inputs import Examples, Order
from shelfsort.training.finetuning.optimizer import optimizer_of
from shelfsort.training.rows import Rows
from shelfsort.training.settings import FineTuning

_VERSION = 1
"""Changes with what makes the same settings give other weights."""
_SAY_NOTHING = ("gpus", "tunings")


@dataclasses.dataclass(frozen=True)
class Stage:
    """Layers that are tuned together.

    Attributes:
        model: inputs → (n, K) logits; what is trained of it is tuned.
        passes: over the products.
        batches: from the order of the products, and the steps already taken, to the steps left.
        sizes: (n,) of the products, where a batch costs as much as its largest; None where all are
            alike.
    """

    model: keras.Model
    passes: int
    batches: Callable[[Order, int], tf.data.Dataset]
    sizes: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Network:
    """A copy of a pretrained network with a classifier on top.

    Attributes:
        tuned: whose weights come of the tuning.
        classifier: a dense layer on its embeddings.
        stages: in order.
    """

    tuned: keras.Model
    classifier: keras.layers.Dense
    stages: Sequence[Stage]


class Subject(Protocol):
    """What is tuned.

    Attributes:
        examples: n products to learn from.
        embeddings: n of them, by the pretrained network.
        key: names the network's weights and its preprocessing.
    """

    @property
    def examples(self) -> Examples: ...

    @property
    def embeddings(self) -> Rows: ...

    @property
    def key(self) -> str: ...

    def network(
        self, classifier: tuple[np.ndarray, np.ndarray], precision: str, seed: int
    ) -> Network:
        """A fresh copy.

        Args:
            classifier: (embedding, K) kernel and (K,) bias to start from.
            precision: that layers compute in.
            seed: of dropout.
        """


class Tuner:
    """Tunes copies of one network, each on products of its own.

    Args:
        subject: what is tuned.
        config: settings; `layers` is not "none".
        seed: of the order, of dropout and of what else is random.
        devices: to run on.
        checkpoints: of this and earlier processes.
    """

    def __init__(
        self,
        subject: Subject,
        config: FineTuning,
        *,
        seed: int,
        devices: Devices,
        checkpoints: Checkpoints,
    ):
        self._subject = subject
        self._config = config
        # Of TensorFlow's stateless draws, which take 32 bits.
        self._seed = seed % 2**30
        self._devices = devices
        self._checkpoints = checkpoints

    def weights(self, rows: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        """Tunes a copy of the network on these products and no others.

        The weights of several tunings are averaged: Wortsman et al., "Model soups", ICML 2022.

        Args:
            rows: (m,) products with a content, m > 0.

        Returns:
            The tuned network's weights, and the (embedding, K) kernel and (K,) bias of the
            classifier that was tuned on top of it.
        """
        found = [self._of_one(rows, self._seed + more) for more in range(self._config.tunings)]
        *weights, kernel, bias = (np.mean(each, axis=0) for each in zip(*found, strict=True))
        return weights, kernel, bias

    def _of_one(self, rows: np.ndarray, seed: int) -> Sequence[np.ndarray]:
        """The weights of the network, and of its classifier, after one tuning."""
        key = self._key(rows, seed)
        weights = self._checkpoints.result(key)
        if weights is None:
            weights = self._tuned_weights(rows, key, seed)
            self._checkpoints.keep_result(key, weights)
        return weights

    def _tuned_weights(self, rows: np.ndarray, key: str, seed: int) -> list[np.ndarray]:
        subject, examples = self._subject, self._subject.examples
        classifier = fit_classifier(
            subject.embeddings, rows, examples.labels, examples.weights, examples.categories
        )
        with self._devices.strategy.scope():
            network = subject.network(classifier, self._devices.precision, seed)
        state = self._checkpoints.state(key) or State(0, 0, ())
        for number, stage in enumerate(network.stages):
            if number >= state.stage:
                begin = state if number == state.stage else State(number, 0, ())
                order = Order.of(
                    rows, self._config.batch_size, stage.passes, seed + 1000 * number, stage.sizes
                )
                self._fit(stage, order, begin, key)
        found = (*network.tuned.get_weights(), *network.classifier.get_weights())
        return [np.asarray(each) for each in found]

    def _fit(self, stage: Stage, order: Order, state: State, key: str) -> None:
        model, steps = stage.model, len(order.rows)
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
                stage.batches(order, state.steps),
                initial_epoch=state.steps // order.a_pass,
                epochs=stage.passes,
                steps_per_epoch=order.a_pass,
                callbacks=[_Keeper(self._checkpoints, key, state.stage, order)],
                verbose=0,
            )

    def _key(self, rows: np.ndarray, seed: int) -> str:
        """Names all that the weights depend on."""
        examples = self._subject.examples
        digest = hashlib.blake2b(digest_size=16)
        for each in (
            _VERSION,
            self._subject.key,
            sorted(_telling(self._config).items()),
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
            digest.update(examples.contents.digests[row])
        digest.update(np.asarray(examples.labels[rows], np.int64).tobytes())
        digest.update(np.asarray(examples.weights[rows], np.float64).tobytes())
        return digest.hexdigest()


def _telling(config: FineTuning) -> Mapping[str, Any]:
    """The settings that weights depend on."""
    given = dataclasses.asdict(config)
    return {name: value for name, value in given.items() if name not in _SAY_NOTHING}


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


def weights_digest(weights: Sequence[np.ndarray]) -> str:
    """32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    for each in weights:
        digest.update(np.asarray(each, "<f4").tobytes())
    return digest.hexdigest()
