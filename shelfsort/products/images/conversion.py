"""Images as a person sees them, and as the served graph can decode them.

The graph decodes JPEG, PNG, GIF and BMP, reads a JPEG's orientation and lays a PNG's alpha channel
on white. Whatever else would look different there is converted once, in ingestion and in clients.
"""

import functools
import io
import warnings

from PIL import Image, ImageOps

from shelfsort.products.images.checks import (
    SERVED_FORMATS,
    Picture,
    announced_format,
    check_picture,
    refuse_costly,
)
from shelfsort.products.images.headers import MAX_IMAGE_PIXELS
from shelfsort.products.images.orientation import served_orientation
from shelfsort.products.manifest.rejects import RejectedLine

_OTHERS, _HEIF = ("WEBP", "AVIF", "TIFF"), "HEIF"
_LOSSLESS = frozenset({"PNG", "GIF", "BMP"})
_JPEG_QUALITY = 95
_ORIENTATION = 0x0112
_TURNING = (b"Exif", b"Orientation")
"""In a JPEG that may be turned, by EXIF or by XMP."""
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")


def served_image(content: bytes, max_pixels: int = MAX_IMAGE_PIXELS) -> tuple[Picture, bytes]:
    """The bytes that the served graph shows as a person sees the image, and what they are.

    Returns:
        The bytes as they are where the graph sees them so; else a conversion: upright, on white,
        the first frame, as PNG where the original has no loss and else as JPEG of quality 95.

    Raises:
        RejectedLine: `unreadable_image`, `unsupported_image_format` or `image_too_large`.
    """
    kind = announced_format(content)
    if kind in SERVED_FORMATS and seen_alike(content):
        return check_picture(content, max_pixels), content
    if kind and kind not in (*SERVED_FORMATS, *_OTHERS, _HEIF):
        raise RejectedLine(
            "unsupported_image_format", f"{kind}; use JPEG, PNG, GIF, BMP, WebP, AVIF, HEIC or TIFF"
        )
    converted = _converted(content, kind, max_pixels)
    return check_picture(converted, max_pixels), converted


def on_white(image: Image.Image) -> Image.Image:
    """An opened image as a person sees it: upright, RGB, transparent parts white, no metadata."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode in _SIXTEEN_BITS:
        # Pillow cuts 16 bits off at 255.
        turned = turned.convert("I").point(lambda value: value / 256).convert("L")
    if turned.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        # Written inverted, as with Adobe's marker, which Pillow inverts and TensorFlow assumes.
        turned = ImageOps.invert(turned)
    ground = Image.new("RGB", turned.size, "white")
    if turned.mode in ("RGB", "L", "CMYK", "YCbCr") and "transparency" not in turned.info:
        ground.paste(turned.convert("RGB"))
    else:
        layer = turned.convert("RGBA")
        ground.paste(layer, mask=layer)
    return ground


def seen_alike(content: bytes) -> bool:
    """Whether the graph shows the image as a person sees it; True where it cannot be opened."""
    if announced_format(content) == "JPEG" and not any(mark in content for mark in _TURNING):
        # Most JPEGs: opening them twice would cost a fifth of the whole check.
        return True
    try:
        with Image.open(io.BytesIO(content), formats=SERVED_FORMATS) as image:
            turned = image.getexif().get(_ORIENTATION, 1)
            clear = "transparency" in image.info
            if image.format in ("JPEG", "MPO"):
                return bool(turned == served_orientation(content) or turned not in range(2, 9))
            if image.format == "PNG":
                return turned in (0, 1) and not (clear and image.mode != "P")
            if image.format == "GIF":
                whole = bool(image.tile) and image.tile[0][1] == (0, 0, *image.size)
                return whole and not clear
            return image.mode in ("RGB", "RGBA", "L")
    # A hostile file makes Pillow's parsers raise nearly anything; the check names the fault.
    except Exception:
        return True


def _converted(content: bytes, kind: str, max_pixels: int) -> bytes:
    if kind == _HEIF:
        _register_heif()
    refuse_costly(content, max_pixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            formats = (*SERVED_FORMATS, *_OTHERS, *((_HEIF,) if kind == _HEIF else ()))
            with Image.open(io.BytesIO(content), formats=formats) as image:
                width, height = image.size
                if width * height > max_pixels:
                    raise RejectedLine(
                        "image_too_large",
                        f"{width} x {height} pixels; the limit is {max_pixels:,}",
                    )
                image.load()
                seen = on_white(image)
                lossless = image.format in _LOSSLESS
    except RejectedLine:
        raise
    except Image.DecompressionBombError as error:
        raise RejectedLine("image_too_large", str(error)) from error
    except Exception as error:
        detail = str(error) or type(error).__name__
        if isinstance(error, Image.UnidentifiedImageError):
            detail = f"{len(content):,} bytes that are not an image"
        raise RejectedLine("unreadable_image", detail) from error
    out = io.BytesIO()
    if lossless:
        seen.save(out, "PNG")
    else:
        seen.save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return out.getvalue()


@functools.cache
def _register_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise RejectedLine(
            "unsupported_image_format", "HEIC needs a package: pip install 'shelfsort[images]'"
        ) from error
    register_heif_opener()
