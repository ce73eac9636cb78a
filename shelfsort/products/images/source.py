"""Where a `source-ref` points, whether it may be read, and its bytes."""

import functools
import os
import posixpath
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from shelfsort.core.errors import InputError
from shelfsort.core.storage import file_state, is_remote, local_path, read_bytes, scheme
from shelfsort.products.images.stores import Stores
from shelfsort.products.manifest.rejects import RejectedLine

if TYPE_CHECKING:
    from shelfsort.core.http import Downloader

DOWNLOAD_S = 120.0
OBJECT_STORES = frozenset({"s3", "gs", "hdfs"})
_OUTSIDE = (
    "the image lies outside the manifest's folder; add its folder to data.image_roots or "
    "--image-root"
)


class ImageSources:
    """The ImageSource of each file of a manifest: relative references start at its folder."""

    def __init__(
        self,
        roots: Sequence[str] = (),
        *,
        allow_http: bool = False,
        max_bytes: int = 20_000_000,
        download_s: float = DOWNLOAD_S,
    ):
        """As ImageSource."""
        self._roots, self._allow_http = roots, allow_http
        self._max_bytes, self._download_s = max_bytes, download_s
        self._stores = Stores()
        self._by_folder: dict[str, ImageSource] = {}

    def of(self, manifest: str) -> "ImageSource":
        """The source for a file of the manifest; files of one folder share theirs."""
        folder = posixpath.dirname(manifest)
        source = self._by_folder.get(folder)
        if source is None:
            source = self._by_folder[folder] = ImageSource(
                manifest,
                self._roots,
                allow_http=self._allow_http,
                max_bytes=self._max_bytes,
                download_s=self._download_s,
                stores=self._stores,
            )
        return source


class ImageSource:
    """Finds and reads the images of one file of a manifest.

    Images must lie inside the manifest's folder or one of `roots`; of files of this machine every
    symbolic link is followed. A manifest from outside must not make the run read other files, or
    other buckets with the run's credentials.
    """

    def __init__(
        self,
        manifest: str,
        roots: Sequence[str] = (),
        *,
        allow_http: bool = False,
        max_bytes: int = 20_000_000,
        download_s: float = DOWNLOAD_S,
        stores: Stores | None = None,
    ):
        """Opens nothing.

        Args:
            manifest: path or address of the file.
            roots: further folders that images may lie in: paths, and addresses of object stores.
            allow_http: whether images are fetched from the web.
            max_bytes: a larger image is rejected.
            download_s: seconds that an image of the web may take.
            stores: what is known of the object stores.
        """
        self._remote_folder = posixpath.dirname(manifest) if is_remote(manifest) else None
        own = self._remote_folder or str(local_path(manifest).absolute().parent)
        self._folder = "" if self._remote_folder else own
        folders = [own, *roots]
        self._roots = tuple(
            os.path.realpath(local_path(folder).absolute())
            for folder in folders
            if not is_remote(folder)
        )
        self._remote_roots = tuple(
            _prefix(folder) for folder in folders if scheme(folder) in OBJECT_STORES
        )
        self._allow_http = allow_http
        self._max_bytes, self._download_s = max_bytes, download_s
        self._stores = stores or Stores()
        self._real_folders: dict[str, str] = {}

    def locate(self, reference: str) -> str:
        """The path or address that a `source-ref` means.

        Raises:
          RejectedLine: `path_outside_folder` or `unsupported_scheme`.
        """
        name = "data" if reference.startswith("data:") else scheme(reference)
        if not name:
            return self._relative_or_absolute(reference)
        if name == "file":
            parts = urlsplit(reference)
            if parts.netloc not in ("", "localhost"):
                raise RejectedLine("unsupported_scheme", f"file:// with the host {parts.netloc!r}")
            return self._local(unquote(parts.path))
        if name in OBJECT_STORES:
            return self._in_store(reference)
        if name in ("http", "https") and self._allow_http:
            return reference
        remedy = "; set data.allow_http to fetch it" if name in ("http", "https") else ""
        raise RejectedLine("unsupported_scheme", f"scheme {name!r}{remedy}")

    def read(self, location: str) -> bytes:
        """The bytes at a place that `locate` returned.

        Raises:
          RejectedLine: `missing_image`, `image_too_large`, `unreachable_store` or
            `unsupported_scheme`.
        """
        if scheme(location) in ("http", "https"):
            return self._download(location)
        try:
            content = self._read_file(location)
        except OSError as error:
            raise RejectedLine("missing_image", error.strerror or str(error)) from error
        except InputError as error:
            # The store's package is missing: images elsewhere can still be read.
            raise RejectedLine("unsupported_scheme", str(error)) from error
        except ValueError as error:
            reason = "unsupported_scheme" if is_remote(location) else "missing_image"
            raise RejectedLine(reason, str(error)) from error
        if len(content) > self._max_bytes:
            raise RejectedLine("image_too_large", f"more than {self._max_bytes:,} bytes")
        return content

    def _download(self, url: str) -> bytes:
        from shelfsort.core.http import DownloadError, TooLargeError

        try:
            return self._downloader.get(url)
        except TooLargeError as error:
            raise RejectedLine("image_too_large", str(error)) from error
        except DownloadError as error:
            raise RejectedLine("missing_image", str(error)) from error

    @functools.cached_property
    def _downloader(self) -> "Downloader":
        # Imported here: most manifests name files, and reading those needs no HTTP client.
        from shelfsort.core.http import Downloader, Limits

        return Downloader(Limits(self._max_bytes, total_s=self._download_s))

    def _read_file(self, location: str) -> bytes:
        if is_remote(location):
            return self._stores.ask(location, lambda it: read_bytes(it, self._max_bytes + 1))
        return read_bytes(location, self._max_bytes + 1)

    def remote_state(self, location: str) -> tuple[int, float]:
        """Size in bytes and time of change of an image in an object store; see `file_state`.

        Raises:
          RejectedLine: `missing_image` or `unreachable_store`.
        """
        try:
            return self._stores.ask(location, file_state)
        except (OSError, ValueError) as error:
            raise RejectedLine("missing_image", type(error).__name__) from error

    def _in_store(self, reference: str) -> str:
        """An address in an object store, where it may be read."""
        if {".", ".."}.isdisjoint(reference.split("/")) and "\0" not in reference:
            address = _normal(reference)
            if any(address.startswith(root) for root in self._remote_roots):
                return reference
        raise RejectedLine("path_outside_folder", _OUTSIDE)

    def _relative_or_absolute(self, reference: str) -> str:
        if self._remote_folder is None or reference.startswith("/"):
            return self._local(os.path.join(self._folder, reference))  # noqa: PTH118 - as given
        joined = posixpath.normpath("/" + reference)
        if posixpath.normpath(reference).startswith(".."):
            raise RejectedLine("path_outside_folder", "the path leaves the manifest's folder")
        return self._remote_folder + joined

    def _local(self, path: str) -> str:
        if "\0" in path:
            raise RejectedLine("missing_image", "the path contains a null character")
        real = self._real_path(path)
        if not any(real.startswith(root.rstrip("/") + "/") for root in self._roots):
            raise RejectedLine("path_outside_folder", _OUTSIDE)
        return real

    def _real_path(self, path: str) -> str:
        """`os.path.realpath`, which looks at every part, at the price of one look a file."""
        folder, name = os.path.split(path)
        if name in ("", ".", ".."):
            return os.path.realpath(path)
        real = self._real_folders.get(folder)
        if real is None:
            real = self._real_folders[folder] = os.path.realpath(folder)
        inside = f"{real.rstrip('/')}/{name}"
        # Unlike pathlib's, this question has an answer for a name that is too long to exist.
        return os.path.realpath(inside) if os.path.islink(inside) else inside  # noqa: PTH114


def _normal(address: str) -> str:
    """An address with its scheme in small letters."""
    store, _, rest = address.partition("://")
    return f"{store.lower()}://{rest}"


def _prefix(folder: str) -> str:
    """What the address of everything in a remote folder begins with."""
    return _normal(folder).rstrip("/") + "/"
