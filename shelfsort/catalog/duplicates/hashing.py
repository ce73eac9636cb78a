"""What a picture looks like, in 64 bits."""

import io
from collections.abc import Sequence

import imagehash
import numpy as np
from PIL import Image

from shelfsort.products.images.conversion import on_white

BITS = 64


def perceptual_hash(image: Image.Image | bytes) -> str:
    """The pHash of a picture, as 16 hex digits; of its first frame, upright and on white.

    Pictures that look alike have hashes that differ in few bits. The reverse does not hold: things
    of one outline share a hash, so it may propose pairs but not decide about them. (32 x 32 grey
    values, their discrete cosine transform, and of its lowest 8 x 8 coefficients whether each lies
    above the median: Zauner 2010, section 3.2, as ImageHash computes it.)

    Args:
        image: as Pillow opened it, or an encoded image that was checked before.

    Raises:
        OSError: the bytes are no image that Pillow reads.
    """
    if isinstance(image, bytes):
        with Image.open(io.BytesIO(image)) as opened:
            return perceptual_hash(opened)
    return str(imagehash.phash(on_white(image)))


def as_numbers(hashes: Sequence[str]) -> np.ndarray:
    """Hashes in hex as a uint64 array of their length."""
    return np.array([int(each, 16) for each in hashes], dtype=np.uint64)
