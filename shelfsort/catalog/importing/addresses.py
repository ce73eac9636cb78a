"""The one spelling of an address of a picture."""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote, urlsplit, urlunsplit

from shelfsort.catalog.rows import MAX_URL
from shelfsort.catalog.sources.base import Rewrite

_WEB = {"http": 80, "https": 443}
_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs"})
# The characters of RFC 3986, and "%" of what is escaped already.
_KEPT = "!#$%&'()*+,/:;=?@[]~-._"
_PLAIN = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)/[\w!$%&'()*+,/:;=?@~.-]*", re.ASCII)
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def address(given: str, rewrites: Sequence[Rewrite] = ()) -> tuple[str, str]:
    """An address as the database keeps it, and its host in lower case.

    Rewrites apply in order, each to every place that its pattern finds. Then blanks around it and
    the fragment go, scheme and host become lower case, the scheme's own port goes, and what an
    address may not hold is percent-encoded. Everything else stays: servers may tell apart what
    looks the same.

    Raises:
        ValueError: it is no address of the web or of a bucket, or longer than 2,500 characters.
    """
    url = given.strip()
    if len(url) <= MAX_URL:
        for rewrite in rewrites:
            url = _compiled(rewrite.pattern).sub(rewrite.replacement, url)
    if len(url) > MAX_URL:
        raise ValueError(f"longer than {MAX_URL:,} characters")
    plain = _PLAIN.fullmatch(url)
    return (url, plain[1]) if plain else _normalised(url)


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _normalised(url: str) -> tuple[str, str]:
    if url.startswith("//"):
        url = f"https:{url}"
    if not _SCHEME.match(url):
        raise ValueError(
            "no address with http:// or https://; files of this machine are not fetched"
        )
    parts = urlsplit(url)
    scheme, host = parts.scheme, (parts.hostname or "").rstrip(".")
    if scheme not in _WEB and scheme not in _BUCKETS:
        raise ValueError(f"{scheme[:20]}: addresses are not fetched")
    if not host:
        raise ValueError("the address names no host")
    if scheme in _BUCKETS:
        return url, parts.netloc
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if not _HOST.fullmatch(host):
        raise ValueError("the address names no valid host")
    # Beside the host there may be a port, and a name that the downloader refuses.
    port = "" if parts.port in (None, _WEB[scheme]) else f":{parts.port}"
    user, at, _ = parts.netloc.rpartition("@")
    name = f"[{host}]" if ":" in host else host
    there = urlunsplit((scheme, f"{user}{at}{name}{port}", parts.path or "/", parts.query, ""))
    written = quote(there, safe=_KEPT)
    if len(written) > MAX_URL:
        raise ValueError(f"longer than {MAX_URL:,} characters")
    return written, host
