"""From encoded image bytes to the backbone's pixels: the one path for training and serving."""

import tensorflow as tf


def decode_picture(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decodes one picture, keeps its aspect and pads it to a white square.

    Args:
        encoded: scalar string, the bytes of a JPEG, PNG, GIF (first frame) or BMP.
        size: side of the square, in pixels.

    Returns:
        (size, size, 3) uint8 pixels in 0..255.

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no such picture.
    """
    pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    pixels.set_shape([None, None, 3])
    shape = tf.cast(tf.shape(pixels)[:2], tf.float32)
    fitted = tf.cast(tf.maximum(tf.round(shape * size / tf.reduce_max(shape)), 1.0), tf.int32)
    pixels = tf.image.resize(pixels, fitted, method="bilinear", antialias=True)
    margin = size - fitted
    before = margin // 2
    pixels = tf.pad(
        pixels,
        [[before[0], margin[0] - before[0]], [before[1], margin[1] - before[1]], [0, 0]],
        constant_values=255.0,
    )
    pixels = tf.cast(tf.round(tf.clip_by_value(pixels, 0.0, 255.0)), tf.uint8)
    return tf.ensure_shape(pixels, [size, size, 3])


def decode_pictures(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """`decode_picture` over a batch: (n,) strings → (n, size, size, 3) uint8."""
    return tf.map_fn(
        lambda one: decode_picture(one, size),
        encoded,
        fn_output_signature=tf.TensorSpec([size, size, 3], tf.uint8),
    )
