"""Pictures in the page are small, and made anew."""

import base64
import io

import pytest
from PIL import Image

from shelfsort.products.images.thumbnails import MAX_PIXELS, SIDE, thumbnail


def encoded(image: Image.Image, format_: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def decoded(uri: str) -> Image.Image:
    kind, data = uri.split(",", 1)
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_large_picture_becomes_small_and_keeps_its_shape():
    small = decoded(thumbnail(encoded(Image.new("RGB", (3000, 1500), "teal"), "JPEG")))
    assert small.size == (SIDE, SIDE // 2)


def test_a_small_picture_is_not_enlarged():
    assert decoded(thumbnail(encoded(Image.new("RGB", (60, 80)), "PNG"))).size == (60, 80)


def test_transparency_lies_on_white():
    small = decoded(thumbnail(encoded(Image.new("RGBA", (40, 40), (0, 0, 0, 0)), "PNG")))
    assert small.getpixel((20, 20)) == (255, 255, 255)


def test_the_original_bytes_do_not_come_along():
    comment = b"<script>secret</script>"
    original = encoded(Image.new("RGB", (40, 40)), "JPEG", comment=comment)
    assert comment in original
    assert comment not in base64.b64decode(thumbnail(original).split(",")[1])


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA"])
def test_every_colour_mode_is_read(mode):
    format_ = "TIFF" if mode == "CMYK" else "PNG"
    assert decoded(thumbnail(encoded(Image.new(mode, (30, 30)), format_))).mode == "RGB"


@pytest.mark.parametrize("broken", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_bytes_that_are_no_picture_give_none(broken):
    assert thumbnail(broken) is None


def test_a_format_that_another_program_would_draw_gives_none():
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n%%EOF\n"
    with Image.open(io.BytesIO(drawing)) as opened:
        assert opened.format == "EPS"
    assert thumbnail(drawing) is None


def test_a_truncated_picture_gives_none():
    whole = encoded(Image.effect_noise((400, 400), 90).convert("RGB"), "JPEG")
    assert thumbnail(whole[: len(whole) // 3]) is None


def test_a_picture_with_too_many_pixels_is_not_decoded():
    side = int(MAX_PIXELS**0.5) + 1
    bomb = encoded(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 100_000
    assert thumbnail(bomb) is None
