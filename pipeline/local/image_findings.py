"""Which images of the data cannot be used, as far as looking all up and opening some shows."""

import collections
import dataclasses
import errno
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from shelfsort.core.storage import scheme
from shelfsort.products.images.checks import announced_format
from shelfsort.products.images.conversion import served_image
from shelfsort.products.images.source import ImageSource
from shelfsort.products.manifest.digest import ImageReference
from shelfsort.products.manifest.rejects import RejectedLine

_OPENED = 100


@dataclasses.dataclass(frozen=True)
class ImageFindings:
    """What images are worth.

    Attributes:
        named: number of different images.
        opened: what is known of those that were opened: the format, or why they cannot be used.
        missing: why others cannot be used, which were looked up only.
    """

    named: int
    opened: Mapping[ImageReference, str | RejectedLine]
    missing: Mapping[ImageReference, RejectedLine]

    def fault(self, image: ImageReference) -> RejectedLine | None:
        """Why an image cannot be used, None where no fault is known."""
        found = self.opened.get(image)
        return found if isinstance(found, RejectedLine) else self.missing.get(image)

    def said(self) -> str:
        """The findings for people."""
        if not self.named:
            return "none"
        used = collections.Counter(each for each in self.opened.values() if isinstance(each, str))
        kinds = ", ".join(f"{n:,} {name}" for name, n in used.most_common())
        said = f"{self.named:,} named; of {len(self.opened):,} opened, {used.total():,} can be used"
        said += f" ({kinds})" if kinds else ""
        if self.missing:
            said += f"; of the others, {len(self.missing):,} cannot"
        faults = ((image, self.fault(image)) for image in (*self.opened, *self.missing))
        first = next((f"{name!r}: {why.detail}" for (_, name), why in faults if why), "")
        return f"{said}; the first that cannot: {first}" if first else said


def look_at(images: Sequence[ImageReference], max_pixels: int) -> ImageFindings:
    """Opens up to 100 images, evenly spread, and looks up whether the others are there.

    Those in object stores and on the web are not looked up.

    Args:
        images: that products name.
        max_pixels: a larger image cannot be used.
    """
    unique = list(dict.fromkeys(images))
    chosen = unique[:: math.ceil(len(unique) / _OPENED)] if unique else []
    opened = {image: _opened(*image, max_pixels) for image in chosen}
    others = (image for image in unique if image not in opened)
    missing = {image: why for image in others if (why := _missing(*image))}
    return ImageFindings(len(unique), opened, missing)


def _opened(source: ImageSource, reference: str, max_pixels: int) -> str | RejectedLine:
    try:
        content = source.read(source.locate(reference))
        served_image(content, max_pixels)
    except RejectedLine as why:
        return why
    return announced_format(content) or "unnamed"


def _missing(source: ImageSource, reference: str) -> RejectedLine | None:
    try:
        place = source.locate(reference)
    except RejectedLine as why:
        return why
    if scheme(place) or Path(place).is_file():
        return None
    return RejectedLine("missing_image", os.strerror(errno.ENOENT))
