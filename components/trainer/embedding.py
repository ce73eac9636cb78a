"""Embeds the pictures of the examples that the cache does not know yet."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.progress import progress
from components.trainer.backbones import Backbone
from components.trainer.dataset import record_batches
from components.trainer.embedding_cache import EmbeddingCache, content_digest
from components.trainer.pictures import decode_picture

_EMBED_BATCH = 32


def embed_new_pictures(files: Sequence[str], backbone: Backbone, cache: EmbeddingCache) -> int:
    """Embeds each picture that is not in the cache, and puts it there batch by batch.

    Reading, decoding and the network run at the same time.

    Args:
        files: patterns of gzipped files of raw tf.Examples.
        backbone: embeds.
        cache: gains the new embeddings.

    Returns:
        How many pictures were embedded.
    """
    size = backbone.image_size

    @tf.function(
        input_signature=[tf.TensorSpec([None, size, size, 3], tf.uint8)], autograph=False
    )
    def embed(pixels: tf.Tensor) -> tf.Tensor:
        return backbone.model(tf.cast(pixels, tf.float32), training=False)

    def new_of(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_digest = {content_digest(picture): picture for picture in pictures if picture}
        known = cache.known(list(by_digest))
        new = {digest: picture for digest, picture in by_digest.items() if digest not in known}
        return np.array(list(new), object), np.array(list(new.values()), object)

    batches = (
        record_batches(files)
        .map(_pictures)
        .map(lambda pictures: tf.numpy_function(new_of, [pictures], [tf.string, tf.string]))
        .map(lambda *new: [tf.ensure_shape(each, [None]) for each in new])
        .unbatch()
        .map(
            lambda digest, picture: (digest, decode_picture(picture, size)),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .batch(_EMBED_BATCH)
        .prefetch(2)
    )
    done = 0
    for digests, pixels in batches:
        cache.put(digests.numpy().tolist(), embed(pixels).numpy())
        done += len(digests)
        progress(done, None, "pictures embedded")
    return done


def _pictures(records: tf.Tensor) -> tf.Tensor:
    spec = {"image": tf.io.FixedLenFeature([], tf.string, default_value=b"")}
    return tf.io.parse_example(records, spec)["image"]
