"""What is asked of a service, and what it answers."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDictProxy

from shelfsort.core.http.failures import DownloadError

# The header says whether it is gzip or zlib.
_ANY_HEADER = 32 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Request:
    """A request to a service.

    Attributes:
        url: `http(s)://…`.
        method: of HTTP.
        headers: beside ours, or in their stead.
        body: b"" for none.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """The answer of a service.

    Attributes:
        status: of HTTP.
        headers: their names in any case.
        body: decompressed.
        links: addresses of the header `Link` by their relation, such as "next".
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    links: Mapping[str, str]


@dataclass(frozen=True)
class Fetched:
    """What an address led to.

    Attributes:
        status: of HTTP, after redirects.
        url: after redirects.
        headers: names are found in any case.
        body: empty where the status is not 200 to 299.
    """

    status: int
    url: str
    headers: CIMultiDictProxy[str]
    body: bytes = b""


class Unpacking:
    """Decompresses a body piece by piece, never more than is wanted."""

    def __init__(self, encoding: str):
        """`encoding` is that of `Content-Encoding`. Raises DownloadError for an unknown one."""
        if encoding not in ("identity", "gzip", "deflate"):
            reason = f"the answer is compressed ({encoding[:40]}), which was not asked for"
            raise DownloadError(reason, kind="compressed")
        self._inflating = None if encoding == "identity" else zlib.decompressobj(_ANY_HEADER)

    def add(self, piece: bytes, most: int) -> bytes:
        """The next bytes, up to `most`; the rest is lost. Raises DownloadError for others."""
        if self._inflating is None:
            return piece
        try:
            found = self._inflating.decompress(piece, most)
        except zlib.error as error:
            reason = "the answer is not compressed as it says"
            raise DownloadError(reason, kind="compressed") from error
        if self._inflating.unused_data:
            reason = "the answer goes on after its compressed part"
            raise DownloadError(reason, kind="compressed")
        return found

    @property
    def whole(self) -> bool:
        """Whether the compressed part has ended."""
        return self._inflating is None or self._inflating.eof
