"""Checks that an encoded image is whole, not too large, and one that TensorFlow can serve."""

import io
import struct
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from shelfsort.products.images.headers import ImageTooCostlyError, checked_size
from shelfsort.products.manifest.rejects import RejectedLine

SERVED_FORMATS = ("JPEG", "PNG", "GIF", "BMP")
_PNG_END = b"IEND\xaeB`\x82"
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
_BMP_DEPTHS = frozenset({8, 24, 32})
_SIGNATURES: dict[bytes, str] = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"\x00\x00\x01\x00": "ICO",
    b"8BPS": "PSD",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"%PDF": "PDF",
    b"<svg": "SVG",
}


@dataclass(frozen=True)
class Picture:
    """A sound image: `format` is "jpeg", "png", "gif" or "bmp"; sizes are in pixels."""

    format: str
    width: int
    height: int


def check_picture(content: bytes, max_pixels: int) -> Picture:
    """Decodes the first frame of an encoded image once, to see whether it is whole.

    Its cost is checked by its headers first: pixels over all frames of a GIF, which TensorFlow
    unpacks even where it returns the first one only, and scans of a JPEG.

    JPEGs are decoded at an eighth of their size: that reads every byte of the stream, in a
    fraction of the time and memory.

    Raises:
      RejectedLine: `unreadable_image`, `unsupported_image_format` or `image_too_large`.
    """
    kind = announced_format(content)
    if kind and kind not in SERVED_FORMATS:
        raise RejectedLine("unsupported_image_format", f"{kind}; use JPEG, PNG, GIF or BMP")
    if kind == "BMP":
        _check_bitmap_header(content)
    refuse_costly(content, max_pixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = _decode(content, max_pixels)
    except Image.DecompressionBombError as error:
        raise RejectedLine("image_too_large", str(error)) from error
    except UnidentifiedImageError as error:
        raise RejectedLine(
            "unreadable_image", f"{len(content):,} bytes that are not an image"
        ) from error
    except RejectedLine:
        raise
    except Exception as error:
        # A hostile file makes Pillow's parsers raise nearly anything, zlib.error to KeyError.
        raise RejectedLine("unreadable_image", str(error) or type(error).__name__) from error
    if picture.format == "png" and _PNG_END not in content:
        # Pillow is content without the last chunk; TensorFlow's decoder is not.
        raise RejectedLine("unreadable_image", "the PNG has no end chunk")
    return picture


def refuse_costly(content: bytes, max_pixels: int) -> None:
    """Checks what decoding would cost by the headers of the four served formats.

    Raises:
      RejectedLine: `image_too_large`.
    """
    try:
        checked_size(content, max_pixels)
    except ImageTooCostlyError as error:
        raise RejectedLine("image_too_large", str(error)) from error


def _decode(content: bytes, max_pixels: int) -> Picture:
    with Image.open(io.BytesIO(content), formats=SERVED_FORMATS) as image:
        width, height = image.size
        if width * height > max_pixels:
            shown = f"{width} x {height} pixels"
            raise RejectedLine("image_too_large", f"{shown}; the limit is {max_pixels:,}")
        # Phones write several JPEGs into one file, which Pillow calls MPO.
        format_ = "jpeg" if image.format in ("JPEG", "MPO") else str(image.format).lower()
        if format_ == "jpeg":
            image.draft(None, (max(1, width // 8), max(1, height // 8)))
        image.load()
        if format_ == "bmp" and image.mode == "P":
            raise RejectedLine(
                "unsupported_image_format", "a BMP with a palette; use 24 bits, uncompressed"
            )
    return Picture(format_, width, height)


def announced_format(content: bytes) -> str:
    """The format that the first bytes announce; "" where they announce none."""
    for signature, name in _SIGNATURES.items():
        if content.startswith(signature):
            return name
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return "HEIF"
    if content[4:8] == b"ftyp" and content[8:12] in (b"avif", b"avis"):
        return "AVIF"
    if content.lstrip()[:5] == b"<?xml":
        return "SVG" if b"<svg" in content[:4096] else "XML, not an image"
    return ""


def _check_bitmap_header(content: bytes) -> None:
    """TensorFlow reads uncompressed bitmaps of 8, 24 or 32 bits, and takes 8 bits for grey."""
    if len(content) < 34:
        raise RejectedLine("unreadable_image", f"a BMP of {len(content)} bytes")
    depth, compression = struct.unpack_from("<HI", content, 28)
    if depth not in _BMP_DEPTHS or compression != 0:
        raise RejectedLine(
            "unsupported_image_format",
            f"a BMP of {depth} bits, compression {compression}; use 24 bits, uncompressed",
        )
