"""Embeds the pictures of the examples that the cache does not know yet."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from shelfsort.core.progress import progress
from shelfsort.training.backbones import Backbone
from shelfsort.training.dataset import record_batches
from shelfsort.training.embedding_cache import EmbeddingCache, content_digest
from shelfsort.training.images import decode_picture

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

    @tf.function(input_signature=[tf.TensorSpec([None, size, size, 3], tf.uint8)], autograph=False)
    def embed(pixels: tf.Tensor) -> tf.Tensor:
        return backbone.model(tf.cast(pixels, tf.float32), training=False)

    def new_of(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_digest = {content_digest(picture): picture for picture in pictures if picture}
        known = cache.known(list(by_digest))
        new = {digest: picture for digest, picture in by_digest.items() if digest not in known}
        return np.array(list(new), object), np.array(list(new.values()), object)

    def new_pictures(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        spec = {"image": tf.io.FixedLenFeature([], tf.string, default_value=b"")}
        pictures = tf.io.parse_example(records, spec)["image"]
        digests, new = tf.numpy_function(new_of, [pictures], [tf.string, tf.string])
        return tf.ensure_shape(digests, [None]), tf.ensure_shape(new, [None])

    def decoded(digest: tf.Tensor, picture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return digest, decode_picture(picture, size)

    # AutoGraph finds nothing to rewrite here, and takes a second for it.
    as_it_is = tf.autograph.experimental.do_not_convert
    batches = (
        record_batches(files)
        .map(as_it_is(new_pictures))
        .unbatch()
        .map(as_it_is(decoded), num_parallel_calls=tf.data.AUTOTUNE)
        .batch(_EMBED_BATCH)
        .prefetch(2)
    )
    done = 0
    for digests, pixels in batches:
        cache.put(digests.numpy().tolist(), embed(pixels).numpy())
        done += len(digests)
        progress(done, None, "images embedded")
    return done
