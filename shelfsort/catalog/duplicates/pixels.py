"""The second look at two pictures that may be the same: their pixels."""

import io

import numpy as np
from PIL import Image

from shelfsort.products.images.conversion import on_white

SIDE = 64
VALUES = SIDE * SIDE * 3
_FLAT = 1.0
"""Variance of values below which a picture is of one colour."""
_SAME_COLOUR = 2.0
"""Difference of means, of 255, up to which two of them have the same."""


def small(content: bytes) -> np.ndarray:
    """A picture at 64 x 64, upright and on white: a uint8 array [64, 64, 3], whatever its shape.

    Raises:
        OSError: the bytes are no image that Pillow reads.
    """
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
        return np.asarray(on_white(image).resize((SIDE, SIDE), Image.Resampling.BOX))


def differences(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How much pictures differ: 1 minus the correlation (Pearson) of all their values.

    A white ground counts nothing, and a lighter copy, or one of less contrast, is no other picture.

    Args:
        one: uint8 array [n, 64, 64, 3].
        other: the same.

    Returns:
        float32 array [n] from 0 (the same) to 1 (nothing in common, or one is the other's
        negative). Where a picture is of one colour it differs by 0 from a picture of this colour,
        and by 1 from any other.
    """
    a, b = (each.reshape(len(each), VALUES).astype(np.float32) for each in (one, other))
    apart = np.abs(a.mean(axis=1) - b.mean(axis=1))
    for each in (a, b):
        each -= each.mean(axis=1, keepdims=True)
    a_squares, b_squares = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    least = np.minimum(a_squares, b_squares)
    flat = least < VALUES * _FLAT
    both_flat = np.maximum(a_squares, b_squares) < VALUES * _FLAT
    products = np.einsum("ij,ij->i", a, b)
    correlation = products / np.maximum(np.sqrt(a_squares) * np.sqrt(b_squares), 1.0)
    alike = both_flat & (apart <= _SAME_COLOUR)
    return np.where(flat, np.where(alike, 0.0, 1.0), np.clip(1 - correlation, 0, 1)).astype(
        np.float32
    )
