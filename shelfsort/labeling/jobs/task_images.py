"""Where the people who label find the image of a product."""

import hashlib
import posixpath
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import quote

from shelfsort.core import storage
from shelfsort.core.errors import InputError
from shelfsort.core.progress import progress
from shelfsort.core.storage import absolute, is_remote, join, scheme
from shelfsort.products.images.source import ImageSource

_AT_ONCE = 16


@dataclass
class TaskImages:
    """Turns references to images into those of a job.

    Attributes:
        copy_to: folder or address that images are copied to, "" for none.
        url: what stands before a relative reference instead, "" for nothing.
        copies: what has to be copied: target by source.
    """

    copy_to: str = ""
    url: str = ""
    copies: dict[str, str] = field(default_factory=dict)
    _sources: dict[str, ImageSource] = field(default_factory=dict)

    def reference(self, image: str, file: str) -> str:
        """The reference in the job to an image of a product in `file`.

        Raises:
            RejectedLine: the image lies outside the folder of `file`, or its address is unknown.
        """
        source = self._sources.setdefault(file, ImageSource(file, allow_http=True))
        place = source.locate(image)
        if self.url and not scheme(image) and not image.startswith("/"):
            return self.url + quote(image)
        if self.copy_to and scheme(place) not in ("http", "https"):
            name = _name(image)
            target = join(absolute(self.copy_to), name)
            self.copies[place] = target
            return target
        return place

    def copy(self) -> int:
        """Copies the images; one that is there already has to have as many bytes.

        Returns:
            The number of images.

        Raises:
            InputError: an image cannot be read, or another file has its name.
        """
        done = 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(_copy, self.copies, self.copies.values()):
                done += 1
                progress(done, len(self.copies), "images")
        return done


def _copy(source: str, target: str) -> None:
    size = storage.file_state(source)[0]
    there = storage.file_state(target)[0]
    if there == size >= 0:
        return
    if there >= 0:
        raise InputError(f"{target}: is another file. Give --copy-images another folder.")
    try:
        storage.copy(source, target)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{source}: cannot be copied ({reason}). Correct the image.") from error


def _name(image: str) -> str:
    """The name of a copy: the relative path of the image, else a digest of its address."""
    parts = image.split("/")
    if not is_remote(image) and not image.startswith("/") and not {"..", ".", ""} & set(parts):
        return image
    suffix = posixpath.splitext(image)[1][:8]
    return hashlib.sha256(image.encode()).hexdigest()[:32] + suffix
