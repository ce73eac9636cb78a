"""What is asked of a service, and what it answers."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

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


class Unpacking:
    """Decompresses a body piece by piece, never more than is wanted."""

    def __init__(self, encoding: str):
        """`encoding` is that of `Content-Encoding`. Raises ValueError for an unknown one."""
        if encoding not in ("identity", "gzip", "deflate"):
            raise ValueError(f"the answer is compressed ({encoding[:40]}), which was not asked for")
        # 32: the header says whether it is gzip or zlib.
        self._inflating = (
            None if encoding == "identity" else zlib.decompressobj(32 + zlib.MAX_WBITS)
        )

    def add(self, piece: bytes, most: int) -> bytes:
        """The next bytes, up to `most`; the rest of them is lost. Raises ValueError for others."""
        if self._inflating is None:
            return piece
        try:
            found = self._inflating.decompress(piece, most)
        except zlib.error as error:
            raise ValueError("the answer is not compressed as it says") from error
        if self._inflating.unused_data:
            raise ValueError("the answer goes on after its compressed part")
        return found

    @property
    def whole(self) -> bool:
        """Whether the compressed part has ended."""
        return self._inflating is None or self._inflating.eof
