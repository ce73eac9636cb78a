"""The interface of the pretrained text encoders: texts → embeddings, all in graph ops."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from shelfsort.training.encoders.transformer import LayerWeights, Transformer

_MAX_BYTES = 4096


class Tokeniser(Protocol):
    """Texts → token ids, in TensorFlow and TF-Text ops that TF Serving links."""

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """(n,) strings in UTF-8 → (n, 2 to the encoder's maximum each) int32 ids."""


class TextEncoder(tf.Module):
    """A frozen text network with its tokeniser.

    A SavedModel that holds one has TF-Text ops: whoever loads it imports tensorflow_text first.

    Attributes:
        name: as in the configuration.
        max_tokens: number of tokens that are read of a text, the two at its ends included.
        key: names weights and preprocessing, for caches and the lineage.
        licence: SPDX identifier of the weights' licence; "" for a site's own weights.
        tuned: digest of the layers if they were fine-tuned; "" for the pretrained ones.
    """

    def __init__(
        self,
        name: str,
        tokeniser: Tokeniser,
        transformer: Transformer,
        *,
        max_tokens: int,
        key: str,
        licence: str,
    ):
        super().__init__(name=name)
        self.max_tokens = max_tokens
        self.key = key
        self.licence = licence
        self.tuned = ""
        self._tokeniser = tokeniser
        self._transformer = transformer
        self._centre: tf.Variable | None = None

    def centre_on(self, texts: Sequence[str]) -> None:
        """Makes the mean embedding of these texts the origin.

        The embeddings of some encoders lie close together around one direction, which says nothing
        about a text.
        """
        mean = tf.reduce_mean(self(tf.constant(texts)), axis=0)
        self._centre = tf.Variable(mean, trainable=False, name="centre")

    @property
    def embedding_size(self) -> int:
        """Length of an embedding."""
        return self._transformer.size

    @property
    def centre(self) -> np.ndarray | None:
        """(embedding_size,) that embeddings of unit length are moved by; None for none."""
        return None if self._centre is None else self._centre.numpy()

    @property
    def transformer(self) -> Transformer:
        """The network between tokens and embeddings."""
        return self._transformer

    def with_layers(self, layers: Sequence[LayerWeights], digest: str) -> "TextEncoder":
        """A copy with other layers, of which the key holds a digest."""
        copy = TextEncoder(
            self.name,
            self._tokeniser,
            self._transformer.with_layers(layers),
            max_tokens=self.max_tokens,
            key=f"{self.key}-tuned-{digest}",
            licence=self.licence,
        )
        copy.tuned, copy._centre = digest, self._centre
        return copy

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """(n,) texts, none of them blank → (n, 2 to `max_tokens` each) int32 ids of tokens."""
        return self._tokeniser(_readable(texts))

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """(n,) texts → (n, embedding_size) float32 embeddings of unit length.

        The first 4,096 bytes of a text are read, which is far more than `max_tokens` take. A text
        of blanks gets zeros, and costs nothing.
        """
        texts = _readable(texts)
        rows = tf.where(tf.strings.strip(texts) != "")
        shape = [tf.shape(texts, out_type=tf.int64)[0], self.embedding_size]

        def embedded() -> tf.Tensor:
            vectors = self._transformer(self._tokeniser(tf.gather_nd(texts, rows)))
            vectors = tf.math.l2_normalize(vectors, axis=1)
            if self._centre is not None:
                vectors = tf.math.l2_normalize(vectors - self._centre, axis=1)
            return tf.scatter_nd(rows, vectors, shape)

        return tf.cond(tf.size(rows) > 0, embedded, lambda: tf.zeros(shape))


def _readable(texts: tf.Tensor) -> tf.Tensor:
    # A request may hold a megabyte, and bytes that are not UTF-8, which the tokenisers expect.
    texts = tf.strings.substr(texts, 0, _MAX_BYTES)
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")
