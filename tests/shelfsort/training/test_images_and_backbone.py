"""Geometry of pictures, and the backbone that looks at them."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_image

from shelfsort.core.errors import InputError
from shelfsort.training import efficientnet_lite
from shelfsort.training.backbones import load_backbone
from shelfsort.training.images import decode_picture, decode_pictures


def _encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def test_a_wide_picture_keeps_its_aspect_between_white_bands():
    pixels = decode_picture(_encoded(Image.new("RGB", (80, 40), (10, 20, 30))), 16).numpy()
    assert pixels.shape == (16, 16, 3)
    assert (pixels[:4] == 255).all() and (pixels[12:] == 255).all()
    assert (pixels[4:12] == [10, 20, 30]).all()


def test_an_extreme_picture_still_has_a_line():
    pixels = decode_picture(_encoded(Image.new("RGB", (2000, 1), (0, 0, 0))), 8).numpy()
    assert (pixels == 0).all(axis=(1, 2)).sum() == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_accepted_format_decodes_to_three_channels(kind, mode):
    encoded = _encoded(Image.new(mode, (30, 30), 128 if mode == "L" else (128,) * 3), kind)
    pixels = decode_pictures(tf.constant([encoded, encoded]), 8).numpy()
    assert pixels.shape == (2, 8, 8, 3)
    assert abs(int(pixels.mean()) - 128) <= 2


def test_half_a_jpeg_is_an_error():
    encoded = _encoded(Image.effect_noise((64, 64), 90).convert("RGB"), "JPEG")
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_picture(encoded[: len(encoded) // 2], 8)


@pytest.mark.slow
def test_the_backbone_recognises_what_imagenet_taught_it():
    encoded = _encoded(Image.fromarray(load_sample_image("china.jpg")))
    backbone = load_backbone("efficientnet_lite0")
    pixels = decode_picture(encoded, backbone.image_size)[None]
    embedding = backbone.model(tf.cast(pixels, tf.float32)).numpy()
    assert embedding.shape == (1, backbone.embedding_size)
    kernel, bias = efficientnet_lite.classifier_weights()
    assert (embedding @ kernel + bias).argmax() == 442  # "bell cote"


def test_an_unknown_backbone_and_missing_weights_are_named():
    with pytest.raises(InputError, match="resnet500"):
        load_backbone("resnet500")
    with pytest.raises(InputError, match="backbone_weights"):
        load_backbone("resnet50")


@pytest.mark.slow
def test_a_keras_application_is_built_from_a_weights_file(tmp_path):
    import keras

    path = tmp_path / "mobilenet.weights.h5"
    keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(224, 224, 3), pooling="avg"
    ).save_weights(path)
    backbone = load_backbone("mobilenet_v2", str(path))
    assert backbone.model(np.zeros((1, 224, 224, 3), np.float32)).shape == (1, 1280)
