"""Lines that a catalogue should not have and has: each broken in one way, each with its reason."""

import functools
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from demo.manifest import Product, failed_line, line
from demo.shelves import SHELVES
from demo.workers import CROWD
from shelfsort.products.manifest.annotations import Annotation
from shelfsort.products.manifest.writing import manifest_line, product_fields

FAULTS = 12
"""How many lines `break_lines` breaks."""
HUGE_SIDE = 16_000
"""Side in pixels of the picture that is small on disk and a quarter of a gigapixel in memory."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A sound product, and the bytes of its picture, before it is broken."""

    product: Product
    picture: bytes


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that ingest must reject.

    Attributes:
        reason: the reason for which it must be rejected.
        text: the line, without its line break.
        files: what must lie beside the manifest, by relative path.
    """

    reason: str
    text: str
    files: dict[str, bytes]


def _with_picture(reason: str, specimen: Specimen, picture: bytes, suffix: str) -> BrokenLine:
    source = f"images/{specimen.product.id}{suffix}"
    # A product with words would keep them.
    text = line(replace(specimen.product, words=None, source=source))
    return BrokenLine(reason, text, {source: picture})


def _with_source(reason: str, specimen: Specimen, source: str | None) -> BrokenLine:
    return BrokenLine(reason, line(replace(specimen.product, words=None, source=source)), {})


def _with_answers(reason: str, specimen: Specimen, labels: list[str]) -> BrokenLine:
    given = [Annotation(worker.id, label) for worker, label in zip(CROWD, labels, strict=True)]
    product = replace(specimen.product, answers=given)
    return BrokenLine(reason, line(product), _own_picture(specimen))


def _own_picture(specimen: Specimen) -> dict[str, bytes]:
    return {specimen.product.source: specimen.picture} if specimen.product.source else {}


def _cut_off(specimen: Specimen) -> BrokenLine:
    text = line(specimen.product)
    return BrokenLine("not_json", text[: len(text) // 2], _own_picture(specimen))


def _unlabelled(specimen: Specimen) -> BrokenLine:
    fields = {**product_fields(specimen.product.shown), "gold": specimen.product.gold}
    return BrokenLine("missing_label", manifest_line(fields), _own_picture(specimen))


def _failed(specimen: Specimen) -> BrokenLine:
    text = failed_line(specimen.product, "InternalError: the task expired before it was answered")
    return BrokenLine("job_failed", text, _own_picture(specimen))


def _without_content(specimen: Specimen) -> BrokenLine:
    product = replace(specimen.product, words=None, source=None)
    return BrokenLine("no_content", line(product), {})


def _truncated(specimen: Specimen) -> BrokenLine:
    half = specimen.picture[: len(specimen.picture) // 2]
    return _with_picture("unreadable_image", specimen, half, ".jpg")


def _repeated(specimen: Specimen, first_id: str) -> BrokenLine:
    product = replace(specimen.product, id=first_id)
    return BrokenLine("repeated_id", line(product), _own_picture(specimen))


def break_lines(specimens: list[Specimen], first_id: str) -> list[BrokenLine]:
    """Breaks each specimen in its own way.

    Args:
        specimens: FAULTS sound products with words and picture.
        first_id: id of a sound product of an earlier line, which one of the lines repeats.

    Returns:
        One broken line for each specimen, in the same order.

    Raises:
        ValueError: if there are not FAULTS specimens.
    """
    nowhere = ["Garden > Gnomes"] * len(CROWD)
    torn = [SHELVES[place].path for place in (0, 4, 8)]
    ways: list[Callable[[Specimen], BrokenLine]] = [
        _cut_off,
        _unlabelled,
        _failed,
        lambda s: _with_answers("unknown_label", s, nowhere),
        lambda s: _with_answers("no_consensus", s, torn),
        lambda s: _with_source("missing_image", s, "images/gone.jpg"),
        _truncated,
        lambda s: _with_picture("image_too_large", s, huge_png(HUGE_SIDE), ".png"),
        lambda s: _with_source("path_outside_folder", s, "/etc/passwd"),
        lambda s: _with_source("path_outside_folder", s, "images/../../neighbour/photo.jpg"),
        lambda s: _repeated(s, first_id),
        _without_content,
    ]
    return [way(specimen) for way, specimen in zip(ways, specimens, strict=True)]


@functools.cache
def huge_png(side: int) -> bytes:
    """Returns a valid white PNG of side x side pixels: some kilobytes that decode to side² pixels.

    One bit a pixel, written row by row (PNG specification, section 11), so that making it takes
    no more memory than reading its header.
    """
    rows = zlib.compressobj(level=9)
    row = b"\x00" + b"\xff" * ((side + 7) // 8)
    data = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
