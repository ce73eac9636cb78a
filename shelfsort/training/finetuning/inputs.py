"""What a tuning sees, step by step: random views of pictures, or feature maps of some views."""

import dataclasses
from collections.abc import Callable
from typing import Generic, TypeVar

import keras
import numpy as np
import tensorflow as tf

from shelfsort.core.progress import progress
from shelfsort.training.finetuning.augmentation import (
    Batch,
    mixed,
    random_views,
    smoothed,
    square_size,
    whole_views,
)
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.finetuning.network import forward
from shelfsort.training.finetuning.pictures import Pictures
from shelfsort.training.rows import RowFile

VIEWS = 4
"""Of each picture that feature maps are kept of: it, its mirror image, and two random views."""
ALIKE = 16
"""Batches among which products of similar size may be swapped, so that little of one is padding."""
_MAP_BATCH = 32


C = TypeVar("C", bound=Contents)


@dataclasses.dataclass(frozen=True)
class Examples(Generic[C]):
    """What a tuning learns from.

    Attributes:
        contents: of n products.
        labels: (n,) ints in [0, K).
        weights: (n,) floats >= 0.
        categories: K.
    """

    contents: C
    labels: np.ndarray
    weights: np.ndarray
    categories: int


@dataclasses.dataclass(frozen=True)
class Order:
    """The products of each step; the same for the same seed.

    Attributes:
        rows: (steps, batch) rows.
        a_pass: steps of one pass over the products.
        seed: of all that is random.
    """

    rows: np.ndarray
    a_pass: int
    seed: int

    @classmethod
    def of(
        cls,
        rows: np.ndarray,
        batch_size: int,
        passes: int,
        seed: int,
        sizes: np.ndarray | None = None,
    ) -> "Order":
        """Passes over (m,) rows; the last batch of each is filled up with its first rows.

        Args:
            rows: of the products.
            batch_size: most of them in a step.
            passes: over all of them.
            seed: of all that is random.
            sizes: (n,) of the products: those of similar size come into one batch, of every ALIKE
                batches. None for all alike.
        """
        batch_size = min(batch_size, len(rows))
        a_pass = -(-len(rows) // batch_size)
        chance = np.random.default_rng(seed)
        orders: list[np.ndarray] = []
        for _ in range(passes):
            order = np.resize(chance.permutation(rows), a_pass * batch_size)
            orders += [order] if sizes is None else _alike(order, sizes, batch_size, chance)
        return cls(np.concatenate(orders).reshape(-1, batch_size), a_pass, seed)


def _alike(
    order: np.ndarray, sizes: np.ndarray, batch_size: int, chance: np.random.Generator
) -> list[np.ndarray]:
    """The order with products of similar size side by side, in batches of a random order."""
    found = []
    for start in range(0, len(order), ALIKE * batch_size):
        some = order[start : start + ALIKE * batch_size]
        batches = some[np.argsort(sizes[some], kind="stable")].reshape(-1, batch_size)
        found.append(chance.permutation(batches).reshape(-1))
    return found


Mixture = tuple[float, float]
"""Parameter of mixup, 0 for none, and label smoothing."""


def picture_batches(
    examples: Examples[Pictures], order: Order, size: int, mixture: Mixture, after: int = 0
) -> tf.data.Dataset:
    """Batches of random views, of (m, size, size, 3) float32, for the steps that are left.

    Args:
        examples: to learn from.
        order: of the steps.
        size: side of the network's input, in pixels.
        mixture: of labels and examples.
        after: steps already taken.
    """
    rows = order.rows[after:]
    squares = examples.contents.squares(rows.reshape(-1), square_size(size))
    batches = squares.batch(rows.shape[1], drop_remainder=True)

    def views(pixels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return random_views(pixels, size, seed)

    return learnt_batches(batches, views, examples, order, mixture, after)


def map_batches(
    examples: Examples[Pictures],
    maps: "FeatureMaps",
    order: Order,
    mixture: Mixture,
    after: int = 0,
) -> tf.data.Dataset:
    """Batches of feature maps of random views, (m, ...) float32; else as `picture_batches`."""
    chance = np.random.default_rng([order.seed, VIEWS])
    views = chance.integers(VIEWS, size=order.rows.shape)[after:]
    rows = order.rows[after:]

    def read(rows: np.ndarray, views: np.ndarray) -> np.ndarray:
        return maps[rows, views].astype(np.float32)

    def batch(rows: tf.Tensor, views: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(read, [rows, views], tf.float32, stateful=False)
        return tf.ensure_shape(found, [None, *maps.shape])

    batches = tf.data.Dataset.from_tensor_slices((rows, views)).map(
        tf.autograph.experimental.do_not_convert(batch), num_parallel_calls=tf.data.AUTOTUNE
    )
    return learnt_batches(batches, lambda found, _: found, examples, order, mixture, after)


def learnt_batches(
    batches: tf.data.Dataset,
    views: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    examples: Examples,
    order: Order,
    mixture: Mixture,
    after: int,
) -> tf.data.Dataset:
    """Batches of inputs with smoothed targets and weights, mixed.

    Args:
        batches: of inputs, for the steps that are left.
        views: from inputs and a (2,) seed to what the network sees of them.
        examples: to learn from.
        order: of the steps.
        mixture: of labels and examples.
        after: steps already taken.
    """
    mixup, smoothing = mixture
    rows = order.rows[after:]
    labels = examples.labels[rows].astype(np.int32)
    weights = examples.weights[rows].astype(np.float32)
    steps = np.arange(after, len(order.rows), dtype=np.int32)

    def prepared(inputs: tf.Tensor, known: tuple[tf.Tensor, ...]) -> Batch:
        labels, weights, step = known
        seed = tf.stack([order.seed, 4 * step])
        targets = smoothed(labels, examples.categories, smoothing)
        batch = views(inputs, seed), targets, weights
        return mixed(batch, mixup, seed) if mixup else batch

    known = tf.data.Dataset.from_tensor_slices((labels, weights, steps))
    prepare = tf.autograph.experimental.do_not_convert(prepared)
    zipped = tf.data.Dataset.zip((batches, known))
    return zipped.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


class Embedded:
    """Embeddings of pictures, made when they are asked for.

    Args:
        model: embeds.
        pictures: of n products.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, model: keras.Model, pictures: Pictures):
        self._forward = forward(model)
        self._size = model.inputs[0].shape[1]
        self._pictures = pictures

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """Of (m,) products that have a picture, m > 0, as they are served: (m, embedding)."""
        batches = self._pictures.squares(index, self._size).batch(_MAP_BATCH).prefetch(2)
        found = [self._forward(each.astype(np.float32)) for each in batches.as_numpy_iterator()]
        return np.concatenate(found)


class FeatureMaps:
    """Feature maps of VIEWS views of each picture, in 16 bits, in a temporary file.

    Attributes:
        shape: of one map.

    Args:
        front: the layers before the maps.
        pictures: of n products.
        seed: of the random views.
    """

    def __init__(self, front: keras.Model, pictures: Pictures, seed: int):
        self.shape = tuple(front.outputs[0].shape[1:])
        rows = np.flatnonzero([bool(digest) for digest in pictures.digests])
        self._place = np.zeros(len(pictures), np.int64)
        self._place[rows] = np.arange(len(rows))
        self._file = RowFile(np.dtype((np.float16, self.shape)), len(rows) * VIEWS)
        size = front.inputs[0].shape[1]

        @tf.function(autograph=False)
        def views_of(squares: tf.Tensor, seed: tf.Tensor) -> list[tf.Tensor]:
            return [
                whole_views(squares, size, False),
                whole_views(squares, size, True),
                *(
                    random_views(squares, size, seed + tf.constant([0, 4 * more]))
                    for more in (1, 2)
                ),
            ]

        maps_of = forward(front)
        batches = pictures.squares(rows, square_size(size)).batch(_MAP_BATCH).prefetch(2)
        done = 0
        for squares in batches:
            places = np.arange(done, done + len(squares))
            for number, view in enumerate(views_of(squares, tf.constant([seed, 16 * done]))):
                self._file[places * VIEWS + number] = maps_of(view.numpy()).astype(np.float16)
            done += len(squares)
            progress(done, len(rows), "images put through the first layers")

    def __getitem__(self, index: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Maps of (m,) products in (m,) views: (m, ...) float16."""
        rows, views = index
        return self._file[self._place[rows] * VIEWS + views]
