"""Posts alarms to an address that a shop names, signed, and only where that address may lead."""

import hashlib
import hmac
import importlib
import ipaddress
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.web.exposure import is_loopback

if TYPE_CHECKING:
    from shelfsort.core.http import Answer, Downloader, Request

SECRET_VARIABLE = "SHELFSORT_WEBHOOK_SECRET"
"""Environment variable with the key of the signature."""
_WAITS_S = (1.0, 4.0)
_WAIT_S, _TOTAL_S, _MOST_BYTES = 5.0, 10.0, 1 << 16
_TOO_MANY, _TIMEOUT = 429, 408


@dataclass(frozen=True)
class Webhook:
    """Where alarms are posted.

    Attributes:
        url: `https://…`, or `http://` on this machine's own address. It is a secret: never shown.
        secret: key of the signature; "" for none.
        inside: the address may be one of the company's network, and without TLS.

    Raises:
        InputError: the address is none or needs `inside`, or aiohttp is not installed: an alarm
            must not be the first to find that out.
    """

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    inside: bool = False

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or port == 0:
            raise InputError("--webhook: no address. Give https://HOST/PATH, without a user.")
        if parts.scheme == "http" and not self.inside and not is_loopback(host):
            raise InputError(
                "--webhook: alarms would cross the network in plain text. Give an https address, "
                "or --webhook-inside for one of your own network."
            )
        _check_installed()

    @property
    def shown(self) -> str:
        """Scheme and host alone: many services keep a password in the path."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}"

    def permits(self, address: str) -> bool:
        """Whether an IP address may be connected to."""
        from shelfsort.core.http import is_company_address, is_public_address

        if is_loopback(urlsplit(self.url).hostname or ""):
            return ipaddress.ip_address(address.partition("%")[0]).is_loopback
        return is_company_address(address) if self.inside else is_public_address(address)


def post(
    webhook: Webhook, content: Mapping[str, Any], wait: Callable[[float], None] = time.sleep
) -> None:
    """Posts JSON; tries three times within 35 seconds. Redirects are not followed.

    With a secret, `X-Shelfsort-Signature` is `sha256=` and the HMAC-SHA256 of the text of
    `X-Shelfsort-Timestamp`, a dot, and the body, in hex. `X-Shelfsort-Delivery` is the same for
    each try.

    Args:
        webhook: where to.
        content: of plain values.
        wait: waits so many seconds between tries.

    Raises:
        RunFailed: the address did not take it.
    """
    from shelfsort.core.http import Downloader, Limits

    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    request = _request(webhook, body)
    downloader = Downloader(Limits(_MOST_BYTES, wait_s=_WAIT_S, total_s=_TOTAL_S), webhook.permits)
    try:
        reason = _posted(downloader, request)
        for seconds in _WAITS_S:
            if reason is None or not reason[1]:
                break
            wait(seconds)
            reason = _posted(downloader, request)
    finally:
        downloader.close()
    if reason is not None:
        raise RunFailed(f"webhook {webhook.shown}: {reason[0]}. The alarm was not delivered.")


def _check_installed() -> None:
    try:
        importlib.import_module("shelfsort.core.http")
    except ModuleNotFoundError as missing:
        raise InputError(
            f"--webhook: {missing.name!r} is missing. Run: pip install 'shelfsort[decisions]'"
        ) from missing


def _request(webhook: Webhook, body: bytes) -> "Request":
    from shelfsort.core.http import Request

    headers = {
        "Content-Type": "application/json",
        "X-Shelfsort-Delivery": str(uuid.uuid4()),
        "X-Shelfsort-Timestamp": str(int(time.time())),
    }
    if webhook.secret:
        signed = headers["X-Shelfsort-Timestamp"].encode() + b"." + body
        digest = hmac.new(webhook.secret.encode(), signed, hashlib.sha256).hexdigest()
        headers["X-Shelfsort-Signature"] = f"sha256={digest}"
    return Request(webhook.url, "POST", headers, body)


def _posted(downloader: "Downloader", request: "Request") -> tuple[str, bool] | None:
    """Why it was not taken, and whether to try again; None if it was."""
    from shelfsort.core.http import DownloadError

    try:
        answer: Answer = downloader.ask(request)
    except DownloadError as error:
        # An answer that is too long was one.
        return None if error.kind == "too_large" else (str(error), error.passing)
    if 200 <= answer.status < 300:
        return None
    again = answer.status >= 500 or answer.status in (_TOO_MANY, _TIMEOUT)
    return f"HTTP status {answer.status}", again
