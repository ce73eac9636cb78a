"""Checks that the op that serves can decode an image."""

import tensorflow as tf

from shelfsort.products.images.checks import Picture
from shelfsort.products.manifest.rejects import RejectedLine


def check_decodes(content: bytes, picture: Picture) -> None:
    """Decodes an image that Pillow accepts as TensorFlow does when training and serving.

    The two differ over damaged headers and checksums, and one image that TensorFlow refuses
    would stop Transform, hours later and without naming the product. JPEGs are decoded at an
    eighth of their size, which reads the whole stream.

    Raises:
      RejectedLine: `unreadable_image`.
    """
    try:
        if picture.format == "jpeg":
            tf.io.decode_jpeg(content, channels=3, ratio=8)
        else:
            tf.io.decode_image(content, channels=3, expand_animations=False)
    except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
        detail = str(error).split("}} ")[-1].split(" [Op:")[0]
        raise RejectedLine("unreadable_image", f"TensorFlow: {detail}") from error
