"""Middleware against large bodies, rebound names, foreign pages and injected scripts."""

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shelfsort.core.web.errors import error_answer

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "[::1]", "localhost"})
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?")
# The rest of a refused body is not waited for.
_CLOSE = {"Connection": "close"}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class PageHeaders:
    """Adds the headers that restrict what a browser does with an answer.

    A header that the answer has already, such as its own Cache-Control, is kept.
    """

    def __init__(self, app: ASGIApp, policy: str):
        self._app = app
        self._headers = {**_PAGE_HEADERS, "Content-Security-Policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class OwnHost:
    """Answers only under its own names, and changes nothing at the request of another site.

    A page of another site can reach a server on loopback in two ways: by a name that its owner
    points to 127.0.0.1 (DNS rebinding), which the Host header shows, or by sending a form, which
    the Origin header shows. SameSite cookies do not stop a page from another port.

    Args:
        hosts: the names, without ports; None allows any.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None):
        self._app = app
        self._hosts = None if hosts is None else {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        answer: ASGIApp = self._app
        if not self._is_own(host):
            answer = error_answer(400, "The Host header names another server")
        elif scope["method"] not in _SAFE_METHODS and _is_foreign(headers.get("origin"), host):
            answer = error_answer(403, "The request comes from a page of another site")
        await answer(scope, receive, send)

    def _is_own(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        return found is not None and (self._hosts is None or found[1] in self._hosts)


def _is_foreign(origin: str | None, host: str) -> bool:
    return origin is not None and origin.lower().partition("://")[2] != host


class OneHost:
    """Refuses an HTTP/1.1 request without exactly one Host header (RFC 9112, 3.2)."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if scope["http_version"] == "1.1" and len(Headers(scope=scope).getlist("host")) != 1:
            answer = error_answer(400, "The request needs one Host header", _CLOSE)
        await answer(scope, receive, send)


class BodyLimit:
    """Refuses bodies of more than `max_bytes` with 413, before they are held in memory."""

    def __init__(self, app: ASGIApp, max_bytes: int):
        self._app = app
        self._max_bytes = max_bytes
        self._message = f"The body is larger than {max_bytes} bytes, the limit"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if int(Headers(scope=scope).get("content-length", 0)) > self._max_bytes:
            await error_answer(413, self._message, _CLOSE)(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, self._message, _CLOSE)
            return message

        await self._app(scope, receive_within_limit, send)
