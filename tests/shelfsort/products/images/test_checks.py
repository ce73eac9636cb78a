import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shelfsort.products.images.checks import Picture, check_picture
from shelfsort.products.manifest.rejects import RejectedLine
from tests.fixtures.golden import refusal

MANY = 50_000_000


def reason_for(content, max_pixels=MANY):
    with pytest.raises(RejectedLine) as caught:
        check_picture(content, max_pixels)
    return caught.value.reason


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP"])
def test_a_sound_picture_is_described(make_picture, format_):
    assert check_picture(make_picture(format_), MANY) == Picture(format_.lower(), 24, 16)


def test_a_progressive_jpeg_keeps_its_full_size(make_picture):
    content = make_picture("JPEG", size=(301, 200), progressive=True)
    assert check_picture(content, MANY) == Picture("jpeg", 301, 200)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_unreadable(format_, kept):
    content = noise(format_)
    assert reason_for(content[: int(len(content) * kept)]) == "unreadable_image"


def test_a_png_without_its_end_chunk_is_unreadable(make_picture):
    assert reason_for(make_picture("PNG")[:-12]) == "unreadable_image"


def test_a_flipped_bit_in_a_png_is_unreadable(make_picture):
    content = bytearray(make_picture("PNG"))
    content[content.index(b"IDAT") + 6] ^= 1
    assert reason_for(bytes(content)) == "unreadable_image"


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\xff\xd8\xff", b"BM"])
def test_what_is_no_picture_is_unreadable(content):
    assert reason_for(content) == "unreadable_image"


@pytest.mark.parametrize("format_", ["WEBP", "TIFF", "ICO"])
def test_formats_that_cannot_be_served_are_named(make_picture, format_):
    assert reason_for(make_picture(format_)) == "unsupported_image_format"


@pytest.mark.parametrize("mode", ["1", "P"])
def test_bitmaps_that_tensorflow_reads_differently_are_refused(tmp_path, mode):
    path = tmp_path / "x.bmp"
    Image.new("RGB", (8, 8), (200, 30, 30)).convert(mode).save(path)
    assert reason_for(path.read_bytes()) == "unsupported_image_format"


def test_the_limit_counts_pixels(make_picture):
    content = make_picture(size=(30, 10))
    assert check_picture(content, 300).width == 30
    assert reason_for(content, 299) == "image_too_large"


def test_every_frame_of_an_animation_counts():
    stream = io.BytesIO()
    frames = [Image.new("RGB", (10, 10), (50 * n, 0, 0)) for n in range(5)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    assert check_picture(stream.getvalue(), 500).format == "gif"
    assert reason_for(stream.getvalue(), 499) == "image_too_large"


def test_a_decompression_bomb_is_refused_before_it_is_decoded(make_picture):
    content = bytearray(make_picture("PNG"))
    header = content.index(b"IHDR")
    content[header + 4 : header + 12] = struct.pack(">II", 60_000, 60_000)
    checksum = zlib.crc32(content[header : header + 17])
    content[header + 17 : header + 21] = struct.pack(">I", checksum)
    assert reason_for(bytes(content)) == "image_too_large"


def test_golden_image_rejects(make_picture, golden):
    bitmap = bytearray(make_picture("BMP"))
    bitmap[28] = 1
    contents = [b"<html>", b"BM", bytes(bitmap), make_picture("WEBP"), make_picture("PNG")[:-12]]
    lines = [refusal(RejectedLine, check_picture, content, MANY) for content in contents]
    lines.append(refusal(RejectedLine, check_picture, make_picture(size=(30, 10)), 299))
    golden("image_rejects.txt", lines)


@given(st.sampled_from(["JPEG", "PNG", "GIF", "BMP"]), st.data())
def test_damaged_pictures_are_rejected_or_described_and_nothing_else(format_, data):
    content = bytearray(noise(format_))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = check_picture(bytes(content), MANY)
    except RejectedLine as why:
        assert why.detail
    else:
        assert picture.width * picture.height <= MANY


def noise(format_):
    """An encoded picture whose bytes matter from the first to the last."""
    pixels = bytes((n * n * 7919 + n * 31) % 251 for n in range(40 * 30 * 3))
    stream = io.BytesIO()
    Image.frombytes("RGB", (40, 30), pixels).save(stream, format_)
    return stream.getvalue()
