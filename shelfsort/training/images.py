"""From encoded image bytes to the backbone's pixels: the one path for training and serving.

The pixels are those that a person sees: upright by the EXIF orientation of a JPEG, and transparent
parts of a PNG on white. Core operations only, so callers of any model server need not know.
"""

import tensorflow as tf

from shelfsort.products.images.orientation import EXIF_HEAD_BYTES, ORIENTATION_PATTERN

PIXELS_VERSION = 2
"""Changes with what the pixels go through: part of the key of kept embeddings."""

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG"
# EXIF orientations (CIPA DC-008, 4.6.5) that are undone by a transposition and by two flips.
_TRANSPOSED = (b"\x05", b"\x06", b"\x07", b"\x08")
_LEFT_TO_RIGHT = (b"\x02", b"\x03", b"\x06", b"\x07")
_UPSIDE_DOWN = (b"\x03", b"\x04", b"\x07", b"\x08")


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
    pixels = tf.cond(
        tf.strings.substr(encoded, 0, len(_PNG)) == _PNG,
        lambda: _on_white(tf.io.decode_png(encoded)),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    pixels.set_shape([None, None, 3])
    shape = tf.cast(tf.shape(pixels)[:2], tf.float32)
    fitted = tf.cast(tf.maximum(tf.round(shape * size / tf.reduce_max(shape)), 1.0), tf.int32)
    pixels = tf.image.resize(pixels, fitted, method="bilinear", antialias=True)
    pixels = _upright(pixels, _orientation(encoded))
    margin = size - tf.shape(pixels)[:2]
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


def _on_white(pixels: tf.Tensor) -> tf.Tensor:
    """(h, w, 1 to 4) uint8 pixels of a PNG laid on white: (h, w, 3) uint8; opaque ones as they are.

    Not decoded to 4 channels, for which TensorFlow garbles palettes and bits.
    """
    channels = tf.shape(pixels)[2]
    colours = tf.cond(
        channels < 3, lambda: tf.repeat(pixels[:, :, :1], 3, axis=2), lambda: pixels[:, :, :3]
    )

    def laid() -> tf.Tensor:
        share = tf.cast(pixels[:, :, -1:], tf.float32) / 255.0
        over = tf.cast(colours, tf.float32) * share + 255.0 * (1.0 - share)
        return tf.cast(tf.round(over), tf.uint8)

    return tf.cond(channels % 2 == 0, laid, lambda: colours)


def _orientation(encoded: tf.Tensor) -> tf.Tensor:
    """One byte, the EXIF orientation of a JPEG from 2 to 8; anything else where there is none."""
    head = tf.strings.substr(encoded, 0, EXIF_HEAD_BYTES)
    found = tf.strings.regex_replace(head, ORIENTATION_PATTERN, r"\1\2")
    return tf.where(tf.strings.substr(encoded, 0, len(_JPEG)) == _JPEG, found, b"")


def _upright(pixels: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    for values, change in (
        (_TRANSPOSED, lambda each: tf.transpose(each, [1, 0, 2])),
        (_LEFT_TO_RIGHT, lambda each: tf.reverse(each, [1])),
        (_UPSIDE_DOWN, lambda each: tf.reverse(each, [0])),
    ):
        pixels = tf.cond(
            tf.reduce_any(orientation == tf.constant(values)),
            lambda now=pixels, change=change: change(now),
            lambda now=pixels: now,
        )
    return pixels
