"""What pictures look like, in 64 bits."""

import io

import imagehash
import numpy as np
import pytest
from PIL import Image

from shelfsort.catalog.duplicates.hashing import as_numbers, perceptual_hash


def picture(seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((120, 160), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def differing_bits(one: str, other: str) -> int:
    return bin(int(one, 16) ^ int(other, 16)).count("1")


def test_the_hash_is_that_of_the_library():
    assert perceptual_hash(picture()) == str(imagehash.phash(picture()))


def test_a_small_bad_copy_differs_in_few_bits_and_another_picture_in_many():
    original = perceptual_hash(picture())
    copy = perceptual_hash(encoded(picture().resize((60, 80)), quality=40))
    assert differing_bits(original, copy) <= 4
    assert differing_bits(original, perceptual_hash(picture(1))) > 16


def test_bytes_and_an_opened_image_have_one_hash():
    content = encoded(picture())
    with Image.open(io.BytesIO(content)) as opened:
        assert perceptual_hash(opened) == perceptual_hash(content)


def test_a_picture_that_is_stored_turned_is_hashed_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = encoded(picture().rotate(90, expand=True), "PNG", exif=exif)
    assert perceptual_hash(stored) == perceptual_hash(picture())


def test_transparent_parts_are_white_whatever_their_colour():
    clear = Image.new("RGBA", (120, 160), (255, 0, 0, 0))
    shown = picture().convert("RGBA").crop((0, 0, 60, 80))
    clear.paste(shown)
    white = Image.new("RGB", (120, 160), "white")
    white.paste(shown)
    assert perceptual_hash(clear) == perceptual_hash(white)


def test_numbers_are_the_hex_digits():
    assert as_numbers(["00000000000000ff", "8000000000000000"]).tolist() == [255, 2**63]


def test_bytes_that_are_no_image_are_an_error():
    with pytest.raises(OSError, match="cannot identify"):
        perceptual_hash(b"no image")
