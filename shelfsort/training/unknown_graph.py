"""The check for unknown products in the served graph; see `unknown`."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from shelfsort.contract.modalities import MODALITIES
from shelfsort.stats.novelty import TIE
from shelfsort.training.towers import unit_roots
from shelfsort.training.unknown import UnknownCheck, doubting


class UnknownScores:
    """From logits and embeddings to unknown scores in [0, 1].

    Args:
        check: as it was fitted.
    """

    def __init__(self, check: UnknownCheck):
        scales = [check.scales[modality] for modality in MODALITIES]
        self._scales = [
            tf.Variable(np.array([getattr(each, name) for each in scales], np.float32))
            for name in ("centre", "weights", "knots")
        ]
        self._space = [
            tf.Variable(np.asarray(each, np.float32), trainable=False)
            for each in (check.space.centre, check.space.basis)
        ]
        self.variables = [*self._scales, *self._space]

    def measures(
        self, weighed: Mapping[str, tf.Tensor], logits: Mapping[str, tf.Tensor], embeddings
    ) -> tf.Tensor:
        """Measures of n products in each modality; see `unknown.measures`.

        Args:
            weighed: by modality, (n, K) see `Pool.weighed`.
            logits: by modality, (n, K).
            embeddings: (n, width) of the images.

        Returns:
            (n, modalities, 3) float32.
        """
        outside = self._outside(embeddings)
        columns = [
            tf.stack(
                [
                    -tf.reduce_logsumexp(weighed[modality], axis=1),
                    _entropies(logits[doubting(modality)]),
                    outside,
                ],
                axis=1,
            )
            for modality in MODALITIES
        ]
        return tf.stack(columns, axis=1)

    def _outside(self, embeddings: tf.Tensor) -> tf.Tensor:
        """(n,) squared distances of images; see `Space.outside`."""
        centre, basis = self._space
        centred = unit_roots(embeddings) - centre
        inside = tf.reduce_sum(tf.matmul(centred, basis) ** 2, axis=1)
        return tf.maximum(tf.reduce_sum(centred**2, axis=1) - inside, 0.0)

    def scores(self, measures: tf.Tensor, modality: tf.Tensor) -> tf.Tensor:
        """Unknown scores of n products.

        Args:
            measures: (n, modalities, 3).
            modality: (n,) places in MODALITIES, that each is answered in.

        Returns:
            (n,) float32: the share of known products that look less strange.
        """
        centre, weights, knots = (tf.gather(each, modality) for each in self._scales)
        own = tf.gather(measures, modality, axis=1, batch_dims=1)
        sums = tf.reduce_sum((own - centre) * weights, axis=1)
        return _interpolated(sums - TIE, knots)


def _entropies(logits: tf.Tensor) -> tf.Tensor:
    return -tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), axis=1)


def _interpolated(sums: tf.Tensor, knots: tf.Tensor) -> tf.Tensor:
    """(n,) places of the sums among (n, knots) rising ones, from 0 to 1, as `np.interp`."""
    last = knots.shape[1] - 1
    above = tf.searchsorted(knots, sums[:, tf.newaxis], side="right")[:, 0]
    left = tf.clip_by_value(above - 1, 0, last - 1)
    low = tf.gather(knots, left, batch_dims=1)
    high = tf.gather(knots, left + 1, batch_dims=1)
    part = tf.clip_by_value((sums - low) / tf.maximum(high - low, 1e-12), 0.0, 1.0)
    return (tf.cast(left, tf.float32) + part) / last
