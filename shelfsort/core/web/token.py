"""The tokens that a page asks for: where they come from, and how a request shows one."""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shelfsort.core.errors import InputError
from shelfsort.core.web.errors import error_answer

_PERSON = "shelfsort.person"
VARIABLE = "SHELFSORT_TOKEN"
# What needs no quoting in an address or a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,}")


def access_token() -> str:
    """The token in the environment variable SHELFSORT_TOKEN; without one, a new random token.

    Raises:
        InputError: the variable's value is too short or not URL-safe.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return secrets.token_urlsafe(32)
    if not is_token(given):
        raise InputError(
            f"{VARIABLE}: not a token. Give 16 or more of A-Z, a-z, 0-9, '.', '_', '~' and '-', "
            "or unset it to get a random one."
        )
    return given


def is_token(text: str) -> bool:
    """Whether a text may serve as a token: long enough, and safe in an address and a header."""
    return _TOKEN.fullmatch(text) is not None


class TokenRequired:
    """Answers only requests that show a token, and tells the application whose it is.

    A program sends `Authorization: Bearer TOKEN`. A browser opens an address that ends in
    `?token=TOKEN`, gets a cookie for it, and is redirected to the address without the token, which
    thus stays out of the history and of bookmarks. The cookie holds a value derived from the
    token: cookies of one host go to all its ports, and another server there must not learn it.
    It is sent with links from other sites, because people get theirs by mail or chat. What changes
    something asks for the page's own origin besides (`OwnHost`).

    Args:
        tokens: by the name of whom each belongs to; no two alike.
    """

    def __init__(self, app: ASGIApp, tokens: Mapping[str, str]):
        self._app = app
        self._tokens = dict(tokens)
        self._sessions = {name: _session(token) for name, token in tokens.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        answer: ASGIApp
        if request.method == "GET" and "token" in request.query_params:
            name = _whose(request.query_params["token"], self._tokens)
            answer = _refusal() if name is None else self._exchange(request, self._sessions[name])
        else:
            name = self._name(request)
            answer = _refusal() if name is None else self._app
            scope[_PERSON] = name
        await answer(scope, receive, send)

    def _name(self, request: Request) -> str | None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return _whose(credentials.strip(), self._tokens)
        return _whose(request.cookies.get(_cookie_name(request), ""), self._sessions)

    def _exchange(self, request: Request, session: str) -> Response:
        # One slash only: `//host/` would lead to another host.
        path = "/" + request.scope["raw_path"].decode("latin-1").lstrip("/")
        rest = [pair for pair in parse_qsl(request.url.query, True) if pair[0] != "token"]
        answer = RedirectResponse(f"{path}?{urlencode(rest)}" if rest else path, 303)
        answer.set_cookie(
            _cookie_name(request),
            session,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return answer


def person(request: Request) -> str:
    """The name that belongs to the token which a request has shown."""
    return str(request.scope[_PERSON])


def _session(token: str) -> str:
    return hmac.new(token.encode(), b"session cookie", hashlib.sha256).hexdigest()


def _whose(shown: str, expected: Mapping[str, str]) -> str | None:
    """The name whose value was shown, None for nobody's. Looks at all of them in any case."""
    names = [name for name, value in expected.items() if _same(shown, value)]
    return names[0] if names else None


def _cookie_name(request: Request) -> str:
    """With the port: several servers on one host keep their cookies apart."""
    return f"shelfsort-{request.scope['server'][1]}"


def _same(given: str, expected: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _refusal() -> Response:
    message = "A token is required: open the link with it"
    return error_answer(401, message, {"WWW-Authenticate": "Bearer"})
