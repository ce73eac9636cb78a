"""Images in a request: what they would cost, and which of them cannot be decoded."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.example import example_pb2

from serving.server.budget import BYTES_PER_PIXEL, DECODED_AT_ONCE
from serving.server.limits import DEFAULT_LIMITS
from serving.server.message_weight import weigh
from serving.status import ServingError
from shelfsort.products.images.headers import ImageTooCostlyError, checked_size, unserved_format

IMAGE = "image"
"""The input, or the feature of a tf.Example, that holds images in a Shelfsort model."""
_FIRST_BYTES = b"\xff\x89GBR\x00"
# Every format has some, and a text such as "BMX bike" has none.
_LOW_BYTES = re.compile(rb"[\x00-\x08]")


@dataclass
class Measured:
    """What the images of a request would cost.

    Attributes:
        pixels: of each image.
        refused: why a row's image is not decoded, by row.
    """

    pixels: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    @property
    def memory(self) -> int:
        """Bytes of the images that are decoded at once."""
        return BYTES_PER_PIXEL * sum(sorted(self.pixels)[-DECODED_AT_ONCE:])


def measure(inputs: Mapping[str, np.ndarray], max_pixels: int) -> Measured:
    """Reads the headers of all images, wherever in the inputs they are.

    Args:
        inputs: arrays by alias; strings may be images, or tf.Examples with images in them.
        max_pixels: of one image.
    """
    measured = Measured()
    for row, content in _images(inputs, measured.refused):
        if unserved := unserved_format(content):
            measured.refused.setdefault(row, f"{unserved}; use JPEG, PNG, GIF or BMP")
            continue
        try:
            size = checked_size(content, max_pixels)
        except ImageTooCostlyError as error:
            measured.refused.setdefault(row, str(error))
        else:
            measured.pixels.append(size.pixels if size else 0)
    return measured


def undecodable(inputs: Mapping[str, np.ndarray]) -> dict[int, str]:
    """Why the images of some rows cannot be decoded, by row: each is decoded once."""
    refused: dict[int, str] = {}
    for row, content in _images(inputs, refused):
        if row not in refused and (reason := _fault(content)):
            refused[row] = reason
    return refused


def _fault(content: bytes) -> str:
    try:
        if content.startswith(b"\xff\xd8\xff"):
            # An eighth of the size reads the whole stream, in a fraction of the time.
            tf.io.decode_jpeg(content, channels=3, ratio=8)
        else:
            tf.io.decode_image(content, channels=3, expand_animations=False)
    except UnicodeDecodeError:
        return "not an image"
    except tf.errors.OpError as error:
        return error.message.split("}} ")[-1].split(" [Op:")[0]
    return ""


def _images(
    inputs: Mapping[str, np.ndarray], refused: dict[int, str]
) -> Iterator[tuple[int, bytes]]:
    """Rows with their images: values named so, and values that begin as images do.

    Args:
        refused: takes the rows that are not read.
    """
    for alias, array in inputs.items():
        if array.dtype != object or not array.ndim or not array.size:
            continue
        each = array.size // array.shape[0]
        for place, value in enumerate(array.ravel().tolist()):
            if not isinstance(value, bytes) or not value:
                continue
            if alias == IMAGE or _begins_as_image(value):
                yield place // each, value
            elif len(inputs) == 1:
                try:
                    weigh(example_pb2.Example, value, DEFAULT_LIMITS.max_message_fields)
                except ServingError as error:
                    refused.setdefault(place // each, error.message)
                    continue
                for content in _example_images(value):
                    yield place // each, content


def _begins_as_image(value: bytes) -> bool:
    return value[0] in _FIRST_BYTES and _LOW_BYTES.search(value) is not None


def _example_images(value: bytes) -> Iterator[bytes]:
    try:
        example = example_pb2.Example.FromString(value)
    except (DecodeError, UnicodeDecodeError):
        return
    for name, feature in example.features.feature.items():
        for content in feature.bytes_list.value:
            if content and (name == IMAGE or _begins_as_image(content)):
                yield content
