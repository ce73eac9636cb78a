"""Random crops, flips and mixtures: functions of a seed alone, so that a resumed run repeats them.

Crops: Szegedy et al., "Going deeper with convolutions", CVPR 2015. Mixup: Zhang et al., "mixup:
beyond empirical risk minimization", ICLR 2018.
"""

import numpy as np
import tensorflow as tf

SQUARE = 8 / 7
"""Side of the squares that crops are taken from, as a multiple of the side of a crop."""
_SMALLEST_AREA = 0.5
_WIDEST = 4 / 3
_CROPS, _FLIPS, _MIXTURES = range(3)

Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""Inputs (m, ...), targets (m, K) that add up to 1, weights (m,)."""


def square_size(image_size: int) -> int:
    """Side of the squares that crops of `image_size` pixels are taken from."""
    return round(image_size * SQUARE)


def random_views(squares: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """A random part of each square, every second one mirrored.

    Args:
        squares: (m, side, side, 3) pixels in 0..255.
        size: side of the result.
        seed: (2,) int32.

    Returns:
        (m, size, size, 3) float32 pixels. The parts have at least half of the area and are at most
        a third wider than high, or higher than wide.
    """
    count = _count(squares)
    area, wide, down, right = tf.unstack(
        tf.random.stateless_uniform([4, count], seed + tf.constant([0, _CROPS]))
    )
    area = _SMALLEST_AREA + (1 - _SMALLEST_AREA) * area
    ratio = tf.exp(np.log(_WIDEST) * (2 * wide - 1))
    height = tf.minimum(tf.sqrt(area / ratio), 1.0)
    width = tf.minimum(tf.sqrt(area * ratio), 1.0)
    top, left = down * (1 - height), right * (1 - width)
    mirrored = tf.random.stateless_uniform([count], seed + tf.constant([0, _FLIPS])) < 0.5
    return _parts(squares, size, tf.stack([top, left, top + height, left + width], 1), mirrored)


def whole_views(squares: tf.Tensor, size: int, mirrored: bool) -> tf.Tensor:
    """The whole of each square: (m, side, side, 3) pixels → (m, size, size, 3) float32."""
    count = _count(squares)
    boxes = tf.tile([[0.0, 0.0, 1.0, 1.0]], [count, 1])
    return _parts(squares, size, boxes, tf.fill([count], mirrored))


def _parts(squares: tf.Tensor, size: int, boxes: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    """(m, 4) boxes of top, left, bottom, right in [0, 1]."""
    # A box whose right side comes first is a mirrored one.
    boxes = tf.where(mirrored[:, None], tf.gather(boxes, [0, 3, 2, 1], axis=1), boxes)
    rows = tf.range(_count(squares))
    return tf.image.crop_and_resize(tf.cast(squares, tf.float32), boxes, rows, [size, size])


def _count(squares: tf.Tensor) -> int | tf.Tensor:
    """How many there are: an int where that is known, so that TensorFlow can plan the work."""
    return tf.shape(squares)[0] if squares.shape[0] is None else squares.shape[0]


def mixed(batch: Batch, parameter: float, seed: tf.Tensor) -> Batch:
    """Each example with a share of its neighbour in the batch, by a draw from a beta distribution.

    Args:
        batch: its targets are mixed in proportion to the examples' weights.
        parameter: of the distribution, above 0.
        seed: (2,) int32.
    """
    inputs, targets, weights = batch
    draws = tf.random.stateless_gamma(
        [2, tf.shape(weights)[0]], seed + tf.constant([0, _MIXTURES]), parameter
    )
    share = tf.math.divide_no_nan(draws[0], tf.reduce_sum(draws, axis=0))
    # An example is mixed with its neighbour as often as the neighbour with it.
    share = tf.maximum(share, 1 - share)
    own, other = share * weights, (1 - share) * tf.roll(weights, 1, 0)
    mixture = own[:, None] * targets + other[:, None] * tf.roll(targets, 1, 0)
    total = own + other
    shape = tf.concat([tf.shape(share), tf.ones([tf.rank(inputs) - 1], tf.int32)], 0)
    share = tf.cast(tf.reshape(share, shape), inputs.dtype)
    images = share * inputs + (1 - share) * tf.roll(inputs, 1, 0)
    return images, tf.math.divide_no_nan(mixture, total[:, None]), total


def smoothed(labels: tf.Tensor, categories: int, smoothing: float) -> tf.Tensor:
    """(m,) labels → (m, K) float32 targets with `smoothing` of each spread over all categories."""
    return tf.one_hot(labels, categories) * (1 - smoothing) + smoothing / categories
