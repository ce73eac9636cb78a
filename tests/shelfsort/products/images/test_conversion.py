"""Images reach the model as a person sees them, whatever they are stored as."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from shelfsort.products.images.conversion import on_white, seen_alike, served_image
from shelfsort.products.images.orientation import served_orientation
from shelfsort.products.manifest.rejects import RejectedLine

RED, BLUE, WHITE = (200, 30, 30), (30, 30, 200), (255, 255, 255)


def halves(mode="RGB"):
    """Red above blue, 40 x 24: turned or mirrored pictures differ in size or in colours."""
    image = Image.new("RGB", (40, 24), RED)
    image.paste(BLUE, (0, 12, 40, 24))
    return image.convert(mode)


def saved(image, format_, **options):
    stream = io.BytesIO()
    image.save(stream, format_, **options)
    return stream.getvalue()


def turned(orientation, format_="JPEG", byte_order="little"):
    """`halves`, stored as a phone stores it, so that the orientation undoes it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if byte_order == "big":
        exif.endian = ">"
    undo = {
        6: Image.Transpose.ROTATE_90,
        3: Image.Transpose.ROTATE_180,
        8: Image.Transpose.ROTATE_270,
    }
    image = halves().transpose(undo[orientation]) if orientation in undo else halves()
    return saved(image, format_, exif=exif)


def pixels(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB")).astype(int)


def test_an_image_of_many_scans_is_not_decoded_to_be_turned():
    orientation = b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    whole = saved(halves(), "JPEG", progressive=True, xmp=orientation)
    assert not seen_alike(whole)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    with pytest.raises(RejectedLine, match="scans; the limit is 32") as caught:
        served_image(whole[:-2] + scan * 40 + b"\xff\xd9")
    assert caught.value.reason == "image_too_large"


@pytest.mark.parametrize("format_", ["WEBP", "AVIF", "TIFF", "HEIF"])
def test_other_formats_become_one_that_is_served(format_):
    if format_ == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    picture, content = served_image(saved(halves(), format_))
    assert (picture.format, picture.width, picture.height) == ("jpeg", 40, 24)
    seen = pixels(content)
    assert np.abs(seen[4, 20] - RED).max() < 20
    assert np.abs(seen[20, 20] - BLUE).max() < 20


@pytest.mark.parametrize(
    "content", [saved(halves(), each) for each in ("JPEG", "PNG", "GIF", "BMP")]
)
def test_what_the_graph_shows_alike_is_kept_as_it_is(content):
    assert served_image(content)[1] is content


def test_a_phones_jpeg_is_kept_for_the_graph_reads_its_orientation():
    for orientation in (3, 6, 8):
        content = turned(orientation)
        assert served_orientation(content) == orientation
        assert served_image(content)[1] is content


def test_another_formats_orientation_is_undone():
    picture, content = served_image(turned(6, "WEBP"))
    assert (picture.width, picture.height) == (40, 24)
    assert np.abs(pixels(content)[4, 20] - RED).max() < 20
    picture, content = served_image(turned(6, "PNG"))
    assert (picture.format, picture.width) == ("png", 40)


def test_an_orientation_that_is_no_camera_files_is_undone():
    content = turned(6)
    # The directory does not follow the header: bytes lie between.
    start = content.index(b"Exif\0\0") + 6
    header = content[start : start + 8]
    moved = header[:4] + ((8 + 2).to_bytes(4, "little" if header[:2] == b"II" else "big"))
    length = int.from_bytes(content[start - 8 : start - 6], "big") + 2
    odd = (
        content[: start - 8] + length.to_bytes(2, "big") + content[start - 6 : start]
        + moved + b"\0\0" + content[start + 8 :]
    )  # fmt: skip
    assert pixels(odd).shape == (24, 40, 3)
    assert served_orientation(odd) == 1
    picture, converted = served_image(odd)
    assert (picture.width, picture.height) == (40, 24)
    assert converted != odd


def test_transparent_parts_are_white():
    clear = Image.new("P", (8, 8), 0)
    clear.putpalette([0, 0, 0, 200, 30, 30])
    clear.paste(1, (0, 0, 4, 8))
    picture, content = served_image(saved(clear, "GIF", transparency=0))
    assert picture.format == "png"
    assert pixels(content)[4, 6].tolist() == [*WHITE]
    keyed = Image.new("RGB", (8, 8), (0, 0, 0))
    picture, content = served_image(saved(keyed, "PNG", transparency=(0, 0, 0)))
    assert pixels(content)[4, 4].tolist() == [*WHITE]


def test_sixteen_bits_of_grey_are_not_cut_off():
    values = np.full((4, 4), 128 * 256, np.uint16)
    image = Image.fromarray(values)
    assert np.asarray(on_white(image))[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize("mode", ["P", "1"])
def test_a_bitmap_of_few_bits_is_converted(mode):
    picture, content = served_image(saved(halves(mode), "BMP"))
    assert picture.format == "png"
    assert content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<svg xmlns='x'/>", "unsupported_image_format"),
        (
            b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
            "unsupported_image_format",
        ),
        (saved(halves(), "WEBP")[:60], "unreadable_image"),
        (b"no image", "unreadable_image"),
    ],
)
def test_what_is_no_image_is_rejected_with_its_reason(content, reason):
    with pytest.raises(RejectedLine) as caught:
        served_image(content)
    assert caught.value.reason == reason


def test_an_error_page_is_not_called_a_drawing():
    with pytest.raises(RejectedLine, match="XML, not an image"):
        served_image(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>")


def test_too_many_pixels_are_not_decoded():
    with pytest.raises(RejectedLine, match="image_too_large"):
        served_image(saved(halves(), "WEBP"), max_pixels=900)
