"""Why an address cannot be fetched, in words for people and in a kind for programs."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Literal

import aiohttp
from aiohttp.client_exceptions import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientSSLError,
    ConnectionTimeoutError,
)

FailureKind = Literal[
    "status",
    "too_large",
    "too_slow",
    "timeout",
    "unconnected",
    "unresolved",
    "refused_address",
    "certificate",
    "invalid",
    "redirects",
    "cut_off",
    "compressed",
    "robots",
    "protocol",
]
"""What kept a download from succeeding. The kind `unresolved` is a name without an address."""
_PASSING = frozenset({"timeout", "unconnected", "unresolved", "cut_off", "protocol"})


class DownloadError(Exception):
    """Nothing was fetched. The message says why, without the address.

    The message is the same for an inner name that exists and for one that does not. The kind
    differs: it is for who fetches, and not for who named the address.

    Attributes:
        status: the HTTP status, where that is why.
        kind: of the failure.
    """

    def __init__(self, reason: str, status: int | None = None, *, kind: FailureKind):
        super().__init__(reason)
        self.status = status
        self.kind = kind

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.kind in _PASSING


class UnreachableError(DownloadError):
    """The host has no address, or none that may be connected to."""


class TooLargeError(DownloadError):
    """The body is longer than allowed."""

    def __init__(self, max_bytes: int):
        super().__init__(f"more than {max_bytes:,} bytes", kind="too_large")


class RefusedAddressError(OSError):
    """The rule does not permit a connection to the address."""


@contextlib.contextmanager
def as_download_errors() -> Iterator[None]:
    """Turns what aiohttp raises into a DownloadError."""
    try:
        yield
    except DownloadError:
        raise
    except ConnectionTimeoutError as error:
        raise DownloadError("no connection in time", kind="timeout") from error
    except (TimeoutError, asyncio.TimeoutError) as error:
        raise DownloadError("no whole answer in time", kind="timeout") from error
    except (ClientConnectorCertificateError, ClientSSLError) as error:
        reason = "its certificate is not valid for the name"
        raise DownloadError(reason, kind="certificate") from error
    except (aiohttp.InvalidURL, ValueError) as error:
        raise DownloadError("the address is not valid", kind="invalid") from error
    except ClientConnectorError as error:
        raise _unconnected(error) from error
    except aiohttp.ClientPayloadError as error:
        raise DownloadError("the answer ends before it is whole", kind="cut_off") from error
    except (aiohttp.ClientError, OSError) as error:
        raise DownloadError("the server did not answer in HTTP", kind="protocol") from error


def _unconnected(error: ClientConnectorError) -> DownloadError:
    """Why there is no connection, in the same words for an inner name and for none."""
    hidden = f"{error.host} is not on the public internet"
    if isinstance(error, ClientConnectorDNSError):
        return UnreachableError(hidden, kind="unresolved")
    if isinstance(error.os_error, RefusedAddressError):
        return UnreachableError(hidden, kind="refused_address")
    return DownloadError("the host accepts no connection", kind="unconnected")
