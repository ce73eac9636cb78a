"""Tunes a picture backbone: its last blocks on feature maps, or all layers on random views."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from shelfsort.training.backbones import Backbone, resized
from shelfsort.training.finetuning.checkpoints import Checkpoints
from shelfsort.training.finetuning.devices import Devices, in_precision
from shelfsort.training.finetuning.inputs import (
    Embedded,
    Examples,
    FeatureMaps,
    Order,
    map_batches,
    picture_batches,
)
from shelfsort.training.finetuning.network import CLASSIFIER, TuningNetwork
from shelfsort.training.finetuning.pictures import Pictures
from shelfsort.training.finetuning.tuner import Network, Stage, Tuner, weights_digest
from shelfsort.training.rows import Rows
from shelfsort.training.settings import FineTuningConfig

# With `all`, the share of the epochs that the last blocks are tuned for in advance.
LAST_BLOCKS_FIRST = 0.25


@dataclasses.dataclass(frozen=True)
class TunedBackbone:
    """What comes of a tuning.

    Attributes:
        backbone: in float32, with the digest of its weights.
        kernel, bias: (embedding, K) and (K,) of the classifier that was tuned on top of it.
    """

    backbone: Backbone
    kernel: np.ndarray
    bias: np.ndarray


class PictureTuner:
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
        examples: Examples[Pictures],
        embeddings: Rows,
        config: FineTuningConfig,
        *,
        seed: int,
        devices: Devices,
        checkpoints: Checkpoints,
        start_key: str,
    ):
        self._backbone = backbone
        subject = _Backbone(backbone, examples, embeddings, config, seed % 2**30, start_key)
        self._tuner = Tuner(subject, config, seed=seed, devices=devices, checkpoints=checkpoints)

    def tune(self, rows: np.ndarray) -> TunedBackbone:
        """Tunes a copy of the backbone on these products and no others.

        Args:
            rows: (m,) products with a picture, m > 0.

        Raises:
            InputError: the backbone cannot be cut where the settings say.
        """
        weights, kernel, bias = self._tuner.weights(rows)
        model = in_precision(self._backbone.model, "float32")
        model.set_weights(weights)
        tuned = dataclasses.replace(self._backbone, model=model, tuned=weights_digest(weights))
        return TunedBackbone(tuned, kernel, bias)


class _Backbone:
    """A backbone as the subject of a tuning; see `tuner.Subject`."""

    def __init__(
        self,
        backbone: Backbone,
        examples: Examples[Pictures],
        embeddings: Rows,
        config: FineTuningConfig,
        seed: int,
        key: str,
    ):
        # As it is tuned: for squares of the size that the settings give.
        self._tunable = resized(backbone, config.image_size)
        self.examples = examples
        self.embeddings = (
            embeddings
            if self._tunable is backbone
            else Embedded(self._tunable.model, examples.contents)
        )
        self.key = key
        self._config = config
        self._seed = seed

    def network(
        self, classifier: tuple[np.ndarray, np.ndarray], precision: str, seed: int
    ) -> Network:
        """See `tuner.Subject`."""
        parts = TuningNetwork.of(
            self._tunable, self._config.from_layer, classifier, precision, seed
        )
        epochs = self._config.epochs
        if self._config.layers == "last_blocks":
            stages = [Stage(parts.last, epochs, self._of_maps)]
        else:
            stages = [
                Stage(parts.last, max(1, round(LAST_BLOCKS_FIRST * epochs)), self._of_maps),
                Stage(parts.whole, epochs, self._of_pictures),
            ]
        return Network(parts.backbone, parts.whole.get_layer(CLASSIFIER), stages)

    @property
    def _mixture(self) -> tuple[float, float]:
        return self._config.mixup, self._config.label_smoothing

    def _of_maps(self, order: Order, after: int) -> tf.data.Dataset:
        return map_batches(self.examples, self._maps, order, self._mixture, after)

    def _of_pictures(self, order: Order, after: int) -> tf.data.Dataset:
        size = self._tunable.image_size
        return picture_batches(self.examples, order, size, self._mixture, after)

    @functools.cached_property
    def _maps(self) -> FeatureMaps:
        """By the pretrained layers, which no product has a part in: the same for all tunings."""
        nothing = np.zeros((self._tunable.embedding_size, 1)), np.zeros(1)
        front = TuningNetwork.of(self._tunable, self._config.from_layer, nothing).front
        return FeatureMaps(front, self.examples.contents, self._seed)
