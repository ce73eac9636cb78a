"""The one spelling of an address of a picture."""

import posixpath
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from shelfsort.catalog.rows import MAX_URL
from shelfsort.catalog.sources.base import Rewrite
from shelfsort.core.storage import is_remote, join, local_path, scheme
from shelfsort.products.images.source import OBJECT_STORES

_WEB = {"http": 80, "https": 443}
# The characters of RFC 3986, and "%" of what is escaped already.
_KEPT = "!#$%&'()*+,/:;=?@[]~-._"
_PLAIN = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)/[\w!$%&'()*+,/:;=?@~.-]*", re.ASCII)
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def address(
    given: str, rewrites: Sequence[Rewrite] = (), folders: Sequence[str] = ()
) -> tuple[str, str]:
    """An address as the database keeps it, and its host in lower case.

    Rewrites apply in order, each to every place that its pattern finds. Then blanks around it and
    the fragment go, scheme and host become lower case, the scheme's own port goes, and what an
    address may not hold is percent-encoded. Everything else stays: servers may tell apart what
    looks the same.

    The host of a picture in a bucket is the bucket, as in `s3://photos`; that of a file of this
    machine is `file://`. A source from outside must not make us read other files, or other buckets
    with our credentials, so these have to lie in a folder that the settings name.

    Args:
        given: as the source has it; a relative path starts at the first of the folders.
        rewrites: of the source.
        folders: absolute paths and addresses of folders that its pictures may be in.

    Raises:
        ValueError: it is no address of the web or in a folder, or longer than 2,500 characters.
    """
    url = given.strip()
    if len(url) <= MAX_URL:
        for rewrite in rewrites:
            url = _compiled(rewrite.pattern).sub(rewrite.replacement, url)
    if len(url) > MAX_URL:
        raise ValueError(f"longer than {MAX_URL:,} characters")
    plain = _PLAIN.fullmatch(url)
    if plain:
        return url, plain[1]
    if scheme(url) in ("", "file", *OBJECT_STORES) and not url.startswith("//"):
        return _in_folder(url, folders)
    return _normalised(url)


def _in_folder(url: str, folders: Sequence[str]) -> tuple[str, str]:
    kind = scheme(url)
    if not kind and (_SCHEME.match(url) or not url):
        raise ValueError(f"{url.partition(':')[0][:20]}: addresses are not fetched")
    if not folders:
        raise ValueError(
            "no address with http:// or https://; files and buckets are read from image_folders"
        )
    if kind == "file" and urlsplit(url).netloc not in ("", "localhost"):
        raise ValueError("file:// with a host")
    there = _one_spelling(join(folders[0], url) if not kind and url[0] != "/" else url)
    if not any(there.startswith(f"{_one_spelling(each).rstrip('/')}/") for each in folders):
        raise ValueError("it is in no folder that image_folders names")
    if len(there) > MAX_URL:
        raise ValueError(f"longer than {MAX_URL:,} characters")
    name = f"{scheme(there)}://"
    return there, name + urlsplit(there).netloc.lower()


def _one_spelling(place: str) -> str:
    if not is_remote(place):
        return Path(posixpath.normpath(local_path(place))).as_uri()
    store, _, rest = place.partition("://")
    if not {".", ".."}.isdisjoint(rest.split("/")):
        raise ValueError("an address in a bucket may not have . or .. in its path")
    return f"{store.lower()}://{rest}"


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _normalised(url: str) -> tuple[str, str]:
    if url.startswith("//"):
        url = f"https:{url}"
    parts = urlsplit(url)
    name, host = parts.scheme, (parts.hostname or "").rstrip(".")
    if name not in _WEB:
        raise ValueError(f"{name[:20]}: addresses are not fetched")
    if not host:
        raise ValueError("the address names no host")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if not _HOST.fullmatch(host):
        raise ValueError("the address names no valid host")
    # Beside the host there may be a port, and a name that the downloader refuses.
    port = "" if parts.port in (None, _WEB[name]) else f":{parts.port}"
    user, at, _ = parts.netloc.rpartition("@")
    written_host = f"[{host}]" if ":" in host else host
    there = urlunsplit(
        (name, f"{user}{at}{written_host}{port}", parts.path or "/", parts.query, "")
    )
    written = quote(there, safe=_KEPT)
    if len(written) > MAX_URL:
        raise ValueError(f"longer than {MAX_URL:,} characters")
    return written, host
