"""What ingestion lets through, TensorFlow must decode: a picture it cannot would stop training."""

import io
import random

import pytest
from PIL import Image

from shelfsort.products.images.checks import check_picture
from shelfsort.products.manifest.rejects import RejectedLine

pytestmark = pytest.mark.slow

MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "GIF": ("L", "P", "RGB"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
}


def encode(image, format_, **options):
    stream = io.BytesIO()
    image.save(stream, format_, **options)
    return stream.getvalue()


def drawn(mode):
    pixels = bytes((n * n * 7919 + n * 31) % 251 for n in range(40 * 30 * 3))
    image = Image.frombytes("RGB", (40, 30), pixels)
    return image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)


def encodings():
    for format_, modes in MODES.items():
        for mode in modes:
            yield encode(drawn(mode), format_)
    yield encode(drawn("RGB"), "JPEG", progressive=True)
    yield encode(drawn("P"), "GIF", save_all=True, append_images=[drawn("P").rotate(90)])


def variants():
    """Every encoding whole, cut at many places and with random bytes changed."""
    chance = random.Random(1)
    for content in encodings():
        yield content
        yield content + b"trailing bytes"
        yield from (content[: len(content) - cut] for cut in (1, 2, 4, 12, 30, len(content) // 2))
        for _ in range(20):
            damaged = bytearray(content)
            damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            yield bytes(damaged)


def test_sound_pictures_have_the_size_that_tensorflow_sees():
    import tensorflow as tf

    for format_ in MODES:
        content = encode(drawn("RGB"), format_)
        picture = check_picture(content, 50_000_000)
        decoded = tf.io.decode_image(content, channels=3, expand_animations=False)
        assert decoded.shape == (picture.height, picture.width, 3)


def test_every_accepted_picture_is_decoded_by_tensorflow():
    import tensorflow as tf

    from shelfsort.products.images.decoder import check_decodes

    accepted, refused = 0, []
    for content in variants():
        try:
            check_decodes(content, check_picture(content, 50_000_000))
        except RejectedLine:
            continue
        accepted += 1
        try:
            tf.io.decode_image(content, channels=3, expand_animations=False)
        except tf.errors.InvalidArgumentError as error:
            refused.append((content[:4], len(content), str(error)[-120:]))
    assert accepted > 150
    assert not refused


def test_a_picture_that_only_tensorflow_refuses_is_rejected_with_its_reason():
    from shelfsort.products.images.decoder import check_decodes

    content = bytearray(encode(drawn("RGB"), "BMP"))
    content[2:6] = (7).to_bytes(4, "little")
    content[10:14] = (90).to_bytes(4, "little")
    content = bytes(content) + bytes(100)
    picture = check_picture(content, 50_000_000)
    with pytest.raises(RejectedLine, match=r"unreadable_image: TensorFlow: .*differ by") as caught:
        check_decodes(content, picture)
    assert "Op:" not in caught.value.detail
