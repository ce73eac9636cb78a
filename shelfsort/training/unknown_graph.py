"""The check for unknown products in the served graph; see `unknown`."""

import numpy as np
import tensorflow as tf

from shelfsort.contract.modalities import ALONE, MODALITIES
from shelfsort.stats.novelty import TIE
from shelfsort.training.unknown import FEATURES, Inputs, UnknownCheck


class UnknownScores:
    """From the towers' inputs and logits to unknown scores in [0, 1].

    Args:
        check: as it was fitted.
    """

    def __init__(self, check: UnknownCheck):
        scales = [check.scales[modality] for modality in MODALITIES]
        self._near = check.near
        self._scales = [
            tf.Variable(np.array([getattr(each, name) for each in scales], np.float32))
            for name in ("centre", "weights", "knots")
        ]
        self.variables = [*self._scales, *(v for kind in ALONE for v in check.near[kind].variables)]

    def distances(self, inputs: Inputs) -> tf.Tensor:
        """(n, 2) distances to the training products, by text and by image."""
        return tf.stack([self._near[kind].distance(FEATURES[kind](inputs)) for kind in ALONE], 1)

    def scores(self, distances: tf.Tensor, logits: tf.Tensor, modality: tf.Tensor) -> tf.Tensor:
        """Unknown scores of n products.

        Args:
            distances: (n, 2), see `distances`.
            logits: (n, K) of the modality that each is answered in.
            modality: (n,) places in MODALITIES.

        Returns:
            (n,) float32: the share of known products that look less strange.
        """
        centre, weights, knots = (tf.gather(each, modality) for each in self._scales)
        doubt = 1 - tf.reduce_max(tf.nn.softmax(logits), axis=1)
        measures = tf.concat([distances, doubt[:, tf.newaxis]], axis=1)
        sums = tf.reduce_sum((measures - centre) * weights, axis=1)
        return _interpolated(sums - TIE, knots)


def _interpolated(sums: tf.Tensor, knots: tf.Tensor) -> tf.Tensor:
    """(n,) places of the sums among (n, knots) rising ones, from 0 to 1, as `np.interp`."""
    last = knots.shape[1] - 1
    above = tf.searchsorted(knots, sums[:, tf.newaxis], side="right")[:, 0]
    left = tf.clip_by_value(above - 1, 0, last - 1)
    low = tf.gather(knots, left, batch_dims=1)
    high = tf.gather(knots, left + 1, batch_dims=1)
    part = tf.clip_by_value((sums - low) / tf.maximum(high - low, 1e-12), 0.0, 1.0)
    return (tf.cast(left, tf.float32) + part) / last
