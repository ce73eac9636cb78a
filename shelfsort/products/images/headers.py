"""Sizes of an encoded image by its headers alone: what decoding it would cost, before it does.

Formats: JPEG (ITU-T T.81, annex B), PNG (W3C PNG, 11.2.2), GIF89a (Graphics Interchange Format,
version 89a) and BMP (Windows' BITMAPCOREHEADER and BITMAPINFOHEADER).
"""

import struct
from dataclasses import dataclass

MAX_IMAGE_PIXELS = 50_000_000
"""Of an image, over all frames. The default in ingestion, client and server."""
MAX_JPEG_SCANS = 32
"""A progressive JPEG has about 10. A scan of a few bytes costs a pass over all pixels."""
MAX_GIF_FRAMES = 1000

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = b"\xff\xda"
_JPEG_XL = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")
_STANDALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
# Of honest files: a JPEG has dozens of segments, a GIF a block for each 255 bytes.
_MAX_SEGMENTS = 10_000
_MAX_BLOCKS = 150_000


class ImageTooCostlyError(ValueError):
    """Decoding the image would cost more than a limit allows; the message says which."""


@dataclass(frozen=True)
class ImageSize:
    """Attributes: format ("jpeg", "png", "gif", "bmp"), and pixels to decode over all frames."""

    format: str
    pixels: int


def checked_size(content: bytes, max_pixels: int = MAX_IMAGE_PIXELS) -> ImageSize | None:
    """The size of an encoded image, within the limits.

    Reads headers only, in time that depends on their number and not on the pixels.

    Args:
        content: an encoded image, or anything else.
        max_pixels: over all frames.

    Returns:
        None if the bytes do not begin as one of the four formats, or end within the headers.

    Raises:
        ImageTooCostlyError: too many pixels, scans or frames.
    """
    for signature, name, pixels in (
        (b"\xff\xd8\xff", "jpeg", _jpeg_pixels),
        (b"\x89PNG\r\n\x1a\n", "png", _png_pixels),
        (b"GIF8", "gif", _gif_pixels),
        (b"BM", "bmp", _bmp_pixels),
    ):
        if content.startswith(signature):
            try:
                return ImageSize(name, pixels(content, max_pixels))
            except (IndexError, struct.error):
                return None
    return None


def unserved_format(content: bytes) -> str:
    """The name of a format that some releases of TensorFlow decode and no model is served; or "".

    Their sizes are not read here: a WebP of 38 bytes may be decoded to a gigabyte.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    return "JPEG XL" if content.startswith(_JPEG_XL) else ""


def _within(width: int, height: int, max_pixels: int, before: int = 0) -> int:
    pixels = before + width * height
    if pixels > max_pixels:
        more = f" after {before:,} of earlier frames" if before else ""
        raise ImageTooCostlyError(f"{width} x {height} pixels{more}; the limit is {max_pixels:,}")
    return pixels


def _png_pixels(content: bytes, max_pixels: int) -> int:
    width, height = struct.unpack_from(">II", content, 16)
    return _within(width, height, max_pixels)


def _bmp_pixels(content: bytes, max_pixels: int) -> int:
    (header_size,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", content, 18)
    # Rows from the top downwards are stored as a negative height.
    return _within(abs(width), abs(height), max_pixels)


def _jpeg_pixels(content: bytes, max_pixels: int) -> int:
    pixels, position = 0, 2
    for _ in range(_MAX_SEGMENTS):
        # Decoders skip what stands between segments, and fill bytes before a marker.
        position = content.find(b"\xff", position)
        marker = content[position + 1] if position >= 0 else content[len(content)]
        if marker == 0xDA:
            break
        if marker == 0xFF:
            position += 1
        elif marker in _STANDALONE:
            position += 2
        else:
            if marker in _START_OF_FRAME:
                height, width = struct.unpack_from(">HH", content, position + 5)
                pixels = max(pixels, _within(width, height, max_pixels))
            (length,) = struct.unpack_from(">H", content, position + 2)
            position += 2 + max(2, length)
    else:
        raise ImageTooCostlyError(f"more than {_MAX_SEGMENTS:,} segments before the pixels")
    # Within a scan's data every FF is followed by 00 or a restart marker.
    scans = content.count(_START_OF_SCAN, position)
    if scans > MAX_JPEG_SCANS:
        raise ImageTooCostlyError(f"{scans:,} scans; the limit is {MAX_JPEG_SCANS}")
    return pixels


def _gif_pixels(content: bytes, max_pixels: int) -> int:
    """The pixels of all frames by their own sizes: the first may be small and the others not."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    _within(width, height, max_pixels)
    blocks = _Blocks(content, 13 + _colours(flags))
    pixels = frames = 0
    while (kind := blocks.next_byte()) in (0x21, 0x2C):
        if kind == 0x2C:
            width, height, flags = blocks.image_descriptor()
            pixels = _within(width, height, max_pixels, pixels)
            frames += 1
            if frames > MAX_GIF_FRAMES:
                raise ImageTooCostlyError(f"more than {MAX_GIF_FRAMES:,} frames, the limit")
            blocks.skip(_colours(flags))
        # An extension's label, or the size of an image's first codes.
        blocks.skip(1)
        blocks.skip_chain()
    return int(max(pixels, width * height))


def _colours(flags: int) -> int:
    """The bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


class _Blocks:
    """A walk over a GIF's blocks."""

    def __init__(self, content: bytes, position: int):
        self._content = content
        self._position = position
        self._left = _MAX_BLOCKS

    def next_byte(self) -> int:
        """The byte here; the trailer, 0x3B, at the end."""
        if self._position >= len(self._content):
            return 0x3B
        self._position += 1
        return self._content[self._position - 1]

    def image_descriptor(self) -> tuple[int, int, int]:
        """Width, height and flags of a frame."""
        width, height, flags = struct.unpack_from("<HHB", self._content, self._position + 4)
        self._position += 9
        return width, height, flags

    def skip(self, count: int) -> None:
        self._position += count

    def skip_chain(self) -> None:
        """Goes behind a chain of sub-blocks, each led by its length; 0 ends it."""
        content, end = self._content, len(self._content)
        while self._position < end and (length := content[self._position]):
            self._position += length + 1
            self._left -= 1
            if not self._left:
                raise ImageTooCostlyError(f"more than {_MAX_BLOCKS:,} blocks, the limit")
        self._position += 1
