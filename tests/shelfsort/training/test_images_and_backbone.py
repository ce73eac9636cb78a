"""Geometry of pictures, and the backbone that looks at them."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from sklearn.datasets import load_sample_image

from shelfsort.core.errors import InputError
from shelfsort.products.images.orientation import served_orientation
from shelfsort.training import efficientnet_lite
from shelfsort.training.backbones import _APPLICATIONS, embedding_key, load_backbone, resized
from shelfsort.training.images import decode_picture, decode_pictures
from shelfsort.training.settings import ImageConfig
from shelfsort.training.weights import REGISTRY, read_weights
from tests.fixtures.tuning import tiny_backbone


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


# Stored pixels that each orientation makes `_corners`, as Pillow's exif_transpose undoes it.
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def _corners() -> Image.Image:
    """Wide, with a colour of its own in each quarter."""
    image = Image.new("RGB", (64, 48), (250, 250, 0))
    image.paste((250, 0, 0), (0, 0, 32, 24))
    image.paste((0, 0, 250), (32, 0, 64, 24))
    image.paste((0, 250, 0), (0, 24, 32, 48))
    return image


@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("orientation", _STORED)
def test_a_jpeg_is_seen_upright_by_its_orientation(orientation, byte_order):
    exif = Image.Exif()
    exif.endian = byte_order
    exif[0x010F] = "Maker"
    exif[0x0112] = orientation
    change = _STORED[orientation]
    stored = _corners().transpose(change) if change is not None else _corners()
    buffer = io.BytesIO()
    stored.save(buffer, "JPEG", quality=95, exif=exif)
    upright = io.BytesIO()
    _corners().save(upright, "JPEG", quality=95)
    assert served_orientation(buffer.getvalue()) == orientation
    seen = decode_picture(buffer.getvalue(), 32).numpy().astype(int)
    expected = decode_picture(upright.getvalue(), 32).numpy().astype(int)
    assert np.abs(seen - expected).mean() < 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_parts_of_a_png_are_white(mode):
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    image.paste((60, 60, 60, 255), (0, 0, 8, 16))
    image.paste((0, 0, 0, 102), (8, 8, 16, 16))
    encoded = _encoded(image.quantize() if mode == "PA" else image.convert(mode))
    pixels = decode_picture(encoded, 16).numpy().astype(int)
    assert np.abs(pixels[4, 4] - 60).max() <= 1
    assert (pixels[4, 12] == 255).all()
    # 40 % black on white.
    assert np.abs(pixels[12, 12] - 153).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_an_opaque_png_keeps_its_pixels(mode):
    image = _corners().convert(mode)
    pixels = decode_picture(_encoded(image), 64).numpy()
    assert (pixels[8:56] == np.asarray(image.convert("RGB"))).all()


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
@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_the_backbone_recognises_what_imagenet_taught_it(name):
    if REGISTRY[name].folder() is None:
        pytest.skip(f"{REGISTRY[name].requirement} is not installed")
    encoded = _encoded(Image.fromarray(load_sample_image("china.jpg")))
    backbone = load_backbone(name)
    pixels = decode_picture(encoded, backbone.image_size)[None]
    embedding = backbone.model(tf.cast(pixels, tf.float32)).numpy()
    assert embedding.shape == (1, backbone.embedding_size)
    kernel, bias = efficientnet_lite.classifier_weights(name, read_weights(name))
    assert (embedding @ kernel + bias).argmax() == 442  # "bell cote"


@pytest.mark.parametrize(
    ("name", "image_size", "convolutions"),
    [
        ("efficientnet_lite0", 224, 49),
        ("efficientnet_lite1", 240, 64),
        ("efficientnet_lite2", 260, 64),
    ],
)
def test_a_larger_network_has_more_blocks_and_pixels(name, image_size, convolutions):
    model = efficientnet_lite.build(name)
    layers = [layer for layer in model.layers if "conv" in layer.name]
    assert model.input_shape[1:] == (image_size, image_size, 3)
    assert model.output_shape == (None, 1280)
    assert len(layers) == convolutions


def test_an_unknown_backbone_and_missing_weights_are_named():
    with pytest.raises(InputError, match="resnet500"):
        load_backbone("resnet500")
    with pytest.raises(InputError, match="backbone_weights"):
        load_backbone("resnet50")
    with pytest.raises(InputError, match="imagenet is not a file"):
        load_backbone("resnet50", "imagenet")


@pytest.mark.parametrize("name", ["efficientnet_lite1", "mobilenet_v2"])
def test_a_file_that_is_no_weights_is_refused(tmp_path, name):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match=f"weights.h5: holds no weights of {name}"):
        load_backbone(name, str(path))


@pytest.mark.slow
def test_weights_of_another_network_of_the_family_do_not_fit():
    packaged = REGISTRY["efficientnet_lite0"]
    path = packaged.folder() / packaged.files[0].path
    with pytest.raises(InputError, match="do not fit block3_depthwise_conv of efficientnet_lite1"):
        load_backbone("efficientnet_lite1", str(path))


@pytest.mark.parametrize("name", sorted(_APPLICATIONS))
def test_every_keras_application_has_a_network_and_its_preprocessing(name):
    class_name, module_name, size = _APPLICATIONS[name]
    assert callable(getattr(keras.applications, class_name))
    assert callable(getattr(keras.applications, module_name).preprocess_input)
    assert size == (299 if name == "inception_v3" else 224)


@pytest.mark.slow
def test_a_keras_application_is_built_from_a_weights_file(tmp_path):
    path = tmp_path / "mobilenet.weights.h5"
    keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(224, 224, 3), pooling="avg"
    ).save_weights(path)
    backbone = load_backbone("mobilenet_v2", str(path))
    assert backbone.model(np.zeros((1, 224, 224, 3), np.float32)).shape == (1, 1280)


def test_a_backbone_sees_images_of_another_size_with_the_same_weights():
    backbone = tiny_backbone()
    other = resized(backbone, 24)
    assert other.model.input_shape == (None, 24, 24, 3)
    for mine, given in zip(other.model.get_weights(), backbone.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, given)
    flat = np.full((1, 24, 24, 3), 99, np.float32)
    np.testing.assert_allclose(
        other.model(flat), backbone.model(flat[:, :16, :16]), rtol=1e-5, atol=1e-5
    )
    assert embedding_key(other) != embedding_key(backbone)
    assert resized(backbone, 0) is resized(backbone, 16) is backbone


def test_an_image_that_does_not_reach_the_last_layer_is_refused():
    with pytest.raises(InputError, match="cannot see images of 3 x 3 pixels"):
        resized(tiny_backbone(), 3)


@pytest.mark.parametrize("size", [1, 31, 1025])
def test_a_size_that_is_no_size_of_an_image_is_refused(size):
    with pytest.raises(ValidationError):
        TypeAdapter(ImageConfig).validate_python({"image_size": size})
