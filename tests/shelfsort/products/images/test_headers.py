"""What decoding an image would cost, by its headers."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shelfsort.products.images import headers
from shelfsort.products.images.headers import ImageTooCostlyError, checked_size, unserved_format


def encoded(format_, size=(64, 48), **options):
    out = io.BytesIO()
    Image.new("RGB", size, (10, 200, 30)).save(out, format_, **options)
    return out.getvalue()


def gif(*frames, screen=(10, 10)):
    """A GIF whose frames have sizes of their own."""
    body = b"GIF89a" + struct.pack("<HHBBB", *screen, 0, 0, 0)
    for width, height in frames:
        body += b"\x21\xf9\x04\x00\x00\x00\x00\x00"
        body += b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    return body + b"\x3b"


def with_scans(count):
    """A progressive JPEG whose last scan is repeated."""
    whole = encoded("JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    have = whole.count(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * (count - have) + b"\xff\xd9"


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP"])
def test_pixels_are_width_times_height(format_):
    size = checked_size(encoded(format_))
    assert (size.format, size.pixels) == (format_.lower(), 64 * 48)


def test_frames_of_a_gif_count_by_their_own_sizes():
    assert checked_size(gif((10, 10), (300, 200), (7, 3))).pixels == 100 + 60_000 + 21


@pytest.mark.parametrize(
    ("content", "limit"),
    [
        (encoded("PNG"), 64 * 48 - 1),
        (encoded("JPEG"), 64 * 48 - 1),
        (encoded("BMP"), 64 * 48 - 1),
        (gif((10, 10), *[(12_000, 12_000)] * 10), 50_000_000),
        (gif(*[(1, 1)] * (headers.MAX_GIF_FRAMES + 1)), 50_000_000),
        (gif(screen=(65_535, 65_535)), 50_000_000),
        (with_scans(headers.MAX_JPEG_SCANS + 1), 50_000_000),
        (b"\xff\xd8\xff" + b"\xd0\xff" * 100_000, 50_000_000),
        (b"GIF89a" + b"\x00" * 7 + b"\x21\x01" + b"\x01\x01" * 200_000, 50_000_000),
    ],
    ids=["png", "jpeg", "bmp", "frames", "many frames", "screen", "scans", "segments", "blocks"],
)
def test_what_costs_more_than_a_limit_is_refused(content, limit):
    with pytest.raises(ImageTooCostlyError):
        checked_size(content, limit)


def test_as_many_scans_as_allowed_pass():
    assert checked_size(with_scans(headers.MAX_JPEG_SCANS)).pixels == 64 * 48


def test_a_preview_inside_a_jpeg_counts_neither_as_size_nor_as_scan():
    preview = encoded("JPEG", (2000, 2000), progressive=True)[:60_000]
    whole = encoded("JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(preview) + 2) + preview
    assert checked_size(whole[:2] + segment + whole[2:], 64 * 48).pixels == 64 * 48


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8\xff", b"RIFF....WEBP", encoded("PNG")[:18], b"BM"]
)
def test_other_and_torn_bytes_have_no_size(content):
    assert checked_size(content) is None


@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"]),
    st.binary(max_size=300),
)
def test_any_bytes_have_a_size_or_none_or_are_refused(signature, rest):
    try:
        size = checked_size(signature + rest, 1000)
    except ImageTooCostlyError:
        return
    assert size is None or 0 <= size.pixels <= 1000


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (encoded("WEBP"), "WebP"),
        (b"\xff\x0a\x00", "JPEG XL"),
        (b"RIFF....WAVE", ""),
        *[(encoded(format_), "") for format_ in ("JPEG", "PNG", "GIF", "BMP")],
    ],
)
def test_formats_that_no_model_is_served_are_named(content, name):
    assert unserved_format(content) == name
