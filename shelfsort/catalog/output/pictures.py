"""Where the pictures of a manifest lie: in the store, or copied beside what is written."""

from shelfsort.catalog.fetching.store import ImageStore
from shelfsort.catalog.output.selection import Picture
from shelfsort.core import files, storage
from shelfsort.core.storage import is_remote


class Pictures:
    """The pictures of the store.

    Attributes:
        copied: number of pictures copied.
        outside: whether a reference leads out of the folder of its manifest.
    """

    def __init__(self, store: str, copy_to: str = ""):
        """Copies nothing yet.

        Args:
            store: absolute path or address of the pictures' folder.
            copy_to: folder to copy pictures to; "" leaves them in the store.
        """
        self._store = ImageStore(store)
        self._copies = ImageStore(storage.absolute(copy_to)) if copy_to else None
        self._there: set[str] = set()
        self.copied = 0
        self.outside = False

    def place(self, picture: Picture) -> str:
        """Where a picture lies in the store."""
        return self._store.path(picture.digest, picture.format)

    def read(self, picture: Picture) -> bytes:
        """The bytes of a picture. Raises OSError."""
        return storage.read_bytes(self.place(picture))

    def read_named(self, digest: str, format_: str, at_most: int) -> bytes:
        """The first bytes of a picture, at most so many. Raises OSError."""
        return storage.read_bytes(self._store.path(digest, format_), at_most)

    def reference(self, picture: Picture, folder: str) -> str:
        """What a manifest in `folder` calls a picture, which is copied where that is wanted.

        Raises:
            OSError: it cannot be copied.
        """
        if self._copies:
            target = self._copies.path(picture.digest, picture.format)
            self._copy(picture, target)
            return _seen_from(folder, target)
        reference = _seen_from(folder, self.place(picture))
        self.outside |= is_remote(reference) or reference.startswith("/")
        return reference

    def _copy(self, picture: Picture, target: str) -> None:
        if picture.digest in self._there:
            return
        self._there.add(picture.digest)
        if storage.file_state(target)[0] != picture.bytes:
            self.copied += 1
            files.write_bytes(target, self.read(picture))


def _seen_from(folder: str, place: str) -> str:
    """A place relative to a folder above it; the place itself where the folder is not above."""
    return place.removeprefix(folder.rstrip("/") + "/")
