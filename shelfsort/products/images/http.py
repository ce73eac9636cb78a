"""Downloads a picture without letting a manifest reach into the network the run stands in."""

import http.client
import ipaddress
import urllib.error
import urllib.request
from collections.abc import Callable

from shelfsort.products.manifest.rejects import RejectedLine

AddressRule = Callable[[str], bool]


def is_public_address(address: str) -> bool:
    """Whether an IP address is one of the public internet: not private, loopback or link-local."""
    parsed = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_global and not parsed.is_multicast


def download(
    url: str, max_bytes: int, timeout_s: float, permitted: AddressRule = is_public_address
) -> bytes:
    """The body of a GET, redirects followed.

    Each connection's peer address is checked after connecting, so neither a redirect nor a name
    that resolves differently the second time gets past `permitted`. Proxies are not used: behind
    one the peer would be the proxy.

    Args:
      max_bytes: a longer body is refused.
      timeout_s: seconds that each network operation may take.

    Raises:
      RejectedLine: `missing_image` or `image_too_large`.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        _HttpHandler(permitted),
        _HttpsHandler(permitted),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    try:
        response = opener.open(url, timeout=timeout_s)
        if response is None:
            raise RejectedLine("missing_image", "the address redirects to another scheme")
        with response:
            content = response.read(max_bytes + 1)
    except urllib.error.HTTPError as error:
        raise RejectedLine("missing_image", f"HTTP status {error.code}") from error
    except urllib.error.URLError as error:
        raise RejectedLine("missing_image", str(error.reason)) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RejectedLine("missing_image", str(error) or type(error).__name__) from error
    if len(content) > max_bytes:
        raise RejectedLine("image_too_large", f"more than {max_bytes:,} bytes")
    return content


def _checked(
    connection: type[http.client.HTTPConnection], permitted: AddressRule
) -> type[http.client.HTTPConnection]:
    """A connection class that refuses peers that are not permitted, before it sends anything."""

    class CheckedConnection(connection):
        def connect(self) -> None:
            super().connect()
            if not permitted(self.sock.getpeername()[0]):
                self.close()
                raise OSError(f"{self.host} is not on the public internet")

    return CheckedConnection


class _HttpHandler(urllib.request.HTTPHandler):
    def __init__(self, permitted: AddressRule):
        super().__init__()
        self._connection = _checked(http.client.HTTPConnection, permitted)

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, request)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def __init__(self, permitted: AddressRule):
        super().__init__()
        self._connection = _checked(http.client.HTTPSConnection, permitted)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, request)
