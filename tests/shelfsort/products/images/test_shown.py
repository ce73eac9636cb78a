import io

import numpy as np
import pytest
from PIL import Image

from shelfsort.products.images.shown import shown_image
from shelfsort.products.manifest.rejects import RejectedLine


def saved(image, format_="JPEG", **options):
    stream = io.BytesIO()
    image.save(stream, format_, **options)
    return stream.getvalue()


def test_a_photo_is_shown_upright_small_and_without_its_metadata():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker of a secret camera"
    photo = Image.new("RGB", (2000, 1000), (200, 30, 30))
    content = saved(photo, exif=exif, comment=b"<script>alert(1)</script>")
    shown = shown_image(content)
    with Image.open(io.BytesIO(shown)) as image:
        assert (image.format, image.size, len(image.getexif())) == ("JPEG", (800, 1600), 0)
    assert b"secret" not in shown and b"script" not in shown


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_becomes_one_that_browsers_show(format_):
    content = saved(Image.new("RGB", (40, 24), (30, 30, 200)), format_)
    with Image.open(io.BytesIO(shown_image(content))) as image:
        assert (image.format, image.size) == ("JPEG", (40, 24))
        assert np.abs(np.asarray(image).mean(axis=(0, 1)) - (30, 30, 200)).max() < 12


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "unreadable_image"),
        (b"<html>", "unreadable_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_image_format"),
        (saved(Image.new("RGB", (64, 64)))[:300], "unreadable_image"),
    ],
)
def test_what_is_no_image_is_refused(content, reason):
    with pytest.raises(RejectedLine) as caught:
        shown_image(content)
    assert caught.value.reason == reason


def test_an_image_of_too_many_pixels_is_refused():
    with pytest.raises(RejectedLine) as caught:
        shown_image(saved(Image.new("L", (100, 100))), max_pixels=9_999)
    assert caught.value.reason == "image_too_large"
