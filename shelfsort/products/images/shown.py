"""An image as a browser shows it to a person: small, upright, without the original's metadata."""

import io

from PIL import Image

from shelfsort.products.images.conversion import on_white, served_image
from shelfsort.products.images.headers import MAX_IMAGE_PIXELS
from shelfsort.products.manifest.rejects import RejectedLine

MEDIA_TYPE = "image/jpeg"
_SIDE = 1600
_QUALITY = 88


def shown_image(content: bytes, side: int = _SIDE, max_pixels: int = MAX_IMAGE_PIXELS) -> bytes:
    """Encodes an image again, as a JPEG of at most `side` x `side` pixels.

    Nothing of the original's bytes reaches the browser. Photos carry places and names in their
    metadata, and a file may be an image and a script at once.

    Raises:
        RejectedLine: `unreadable_image`, `unsupported_image_format` or `image_too_large`.
    """
    _, served = served_image(content, max_pixels)
    try:
        with Image.open(io.BytesIO(served)) as image:
            image.draft("RGB", (side, side))
            shown = on_white(image)
    # The check decodes at an eighth of the size, and may miss what only the whole decoder sees.
    except Exception as error:
        raise RejectedLine("unreadable_image", str(error) or type(error).__name__) from error
    shown.thumbnail((side, side))
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
