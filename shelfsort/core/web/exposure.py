"""Whom a server reaches, and under which address."""

import ipaddress
from urllib.parse import urlsplit

from shelfsort.core.errors import InputError
from shelfsort.core.web.protection import LOOPBACK_HOSTS


def is_loopback(host: str) -> bool:
    """Whether an address or name to listen on is this machine's alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_page_exposure(host: str, public: str | None, *, plaintext: bool) -> None:
    """Refuses to show a page to others than this machine's users unless that is confirmed.

    Args:
        host: address or name to listen on.
        public: the address at which others reach the page, which confirms that they may; None
            for a page of this machine.
        plaintext: whether the operator permits an address without https.

    Raises:
        InputError: others could see the page and are not meant to, or could read its traffic; or
            `public` is no address of a page.
    """
    if public is None:
        if not is_loopback(host):
            raise InputError(
                f"--host {host}: people on other machines could see the products. Give --public "
                "URL if you may show them."
            )
        return
    parts = _parts(public)
    if parts is None:
        raise InputError(
            f"--public {public}: no address of a page. Give one such as https://label.example."
        )
    if parts[0] == "http" and not plaintext and not is_loopback(parts[1]):
        raise InputError(
            f"--public {public}: links and answers would cross the network in plain text. Put a "
            "proxy with https in front, or give --plaintext."
        )


def page_hosts(public: str | None) -> frozenset[str]:
    """The hosts by which a page may be asked for: this machine's, and that of `public`."""
    name = urlsplit(public or "").hostname
    if not name:
        return LOOPBACK_HOSTS
    return LOOPBACK_HOSTS | {f"[{name}]" if ":" in name else name}


def _parts(address: str) -> tuple[str, str] | None:
    """Scheme and host of the address of a page without path, None for anything else."""
    # `urlsplit` drops some of these, and keeps others in the host's name.
    if not address.isprintable() or " " in address:
        return None
    try:
        parts = urlsplit(address)
        rest = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
        known = parts.scheme in ("http", "https") and parts.hostname and not rest
        return (parts.scheme, parts.hostname or "") if known and parts.port != 0 else None
    except ValueError:
        return None
