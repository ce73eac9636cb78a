"""The token that a page asks for: where it comes from, and how a request shows it."""

import hashlib
import hmac
import os
import re
import secrets
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shelfsort.core.errors import InputError
from shelfsort.core.web.errors import error_answer

_VARIABLE = "SHELFSORT_TOKEN"
# What needs no quoting in an address or a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,}")


def access_token() -> str:
    """The token in the environment variable SHELFSORT_TOKEN; without one, a new random token.

    Raises:
        InputError: the variable's value is too short or not URL-safe.
    """
    given = os.environ.get(_VARIABLE)
    if not given:
        return secrets.token_urlsafe(32)
    if not _TOKEN.fullmatch(given):
        raise InputError(
            f"{_VARIABLE}: not a token. Give 16 or more of A-Z, a-z, 0-9, '.', '_', '~' and '-', "
            "or unset it to get a random one."
        )
    return given


class TokenRequired:
    """Answers only requests that show the token.

    A program sends `Authorization: Bearer TOKEN`. A browser opens an address that ends in
    `?token=TOKEN`, gets a cookie for it, and is redirected to the address without the token, which
    thus stays out of the history and of bookmarks. The cookie holds a value derived from the
    token: cookies of one host go to all its ports, and another server there must not learn it.
    """

    def __init__(self, app: ASGIApp, token: str):
        self._app = app
        self._token = token
        self._session = hmac.new(token.encode(), b"session cookie", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        answer: ASGIApp
        if request.method == "GET" and "token" in request.query_params:
            shown = request.query_params["token"]
            answer = self._exchange(request) if _same(shown, self._token) else _refusal()
        else:
            answer = self._app if self._is_allowed(request) else _refusal()
        await answer(scope, receive, send)

    def _is_allowed(self, request: Request) -> bool:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return _same(credentials.strip(), self._token)
        return _same(request.cookies.get(_cookie_name(request), ""), self._session)

    def _exchange(self, request: Request) -> Response:
        # One slash only: `//host/` would lead to another host.
        path = "/" + request.scope["raw_path"].decode("latin-1").lstrip("/")
        rest = [pair for pair in parse_qsl(request.url.query, True) if pair[0] != "token"]
        answer = RedirectResponse(f"{path}?{urlencode(rest)}" if rest else path, 303)
        answer.set_cookie(
            _cookie_name(request),
            self._session,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer


def _cookie_name(request: Request) -> str:
    """With the port: several servers on one host keep their cookies apart."""
    return f"shelfsort-{request.scope['server'][1]}"


def _same(given: str, expected: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _refusal() -> Response:
    return error_answer(401, "A token is required", {"WWW-Authenticate": "Bearer"})
