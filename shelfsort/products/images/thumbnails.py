"""Small re-encoded images: bounded in size, without the metadata of the original."""

import base64
import io

from PIL import Image

from shelfsort.products.images.checks import SERVED_FORMATS
from shelfsort.products.images.conversion import on_white

SIDE = 288
MAX_PIXELS = 64_000_000
_QUALITY = 70
_FORMATS = (*SERVED_FORMATS, "WEBP", "AVIF", "TIFF")


def thumbnail(encoded: bytes, side: int = SIDE) -> str | None:
    """Re-encodes an image as a JPEG data URI of at most side x side pixels.

    Returns None for bytes that are not an image, or for one of more than MAX_PIXELS pixels.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return None
            picture.draft("RGB", (side * 2, side * 2))
            small = on_white(picture)
    # Pillow's decoders raise far more than OSError on broken bytes.
    except Exception:
        return None
    small.thumbnail((side, side))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
