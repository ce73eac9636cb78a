"""Starlette applications with limits and JSON errors; those for browsers are protected as well."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from shelfsort.core.web.errors import EXCEPTION_HANDLERS
from shelfsort.core.web.protection import (
    CONTENT_SECURITY_POLICY,
    LOOPBACK_HOSTS,
    BodyLimit,
    OneHost,
    OwnHost,
    PageHeaders,
)
from shelfsort.core.web.style import style_sheet
from shelfsort.core.web.token import TokenRequired

STYLE_SHEET = "/style.css"
_PAGE_BODY_BYTES = 1 << 20


class Encrypted:
    """Tells an application that people reach it by https, so it marks its cookies as secure."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app({**scope, "scheme": "https"}, receive, send)


def application(
    routes: Sequence[BaseRoute], *, max_body_bytes: int, before: Sequence[Middleware] = ()
) -> Starlette:
    """An application for programs: bodies are limited, and every error is `{"error": message}`.

    Args:
        routes: what it answers.
        max_body_bytes: of a request; more is refused with 413.
        before: what a request passes before its body is read, outermost first.
    """
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(OneHost),
            *before,
            Middleware(BodyLimit, max_bytes=max_body_bytes),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )


def pages(
    routes: Sequence[BaseRoute],
    *,
    token: str | Mapping[str, str] | None,
    hosts: Collection[str] | None = LOOPBACK_HOSTS,
    policy: str = CONTENT_SECURITY_POLICY,
    max_body_bytes: int = _PAGE_BODY_BYTES,
) -> ASGIApp:
    """An application for browsers, which also serves the shared style sheet at `STYLE_SHEET`.

    Args:
        routes: the pages, and what their scripts ask for.
        token: what every request must show, or the token of each person by name; None lets
            everybody in who can reach the port.
        hosts: names that a request's Host header may state, without ports; None allows any.
        policy: the Content-Security-Policy of every answer.
        max_body_bytes: of a request; more is refused with 413.
    """
    before = [Middleware(OwnHost, hosts=hosts)]
    if token is not None:
        tokens = {"": token} if isinstance(token, str) else token
        before.append(Middleware(TokenRequired, tokens=tokens))
    style = Route(STYLE_SHEET, _style)
    inner = application([style, *routes], max_body_bytes=max_body_bytes, before=before)
    # Around the application, not in it: answers to its own failures get the headers too.
    return PageHeaders(inner, policy)


def place_in(request: Request, name: str, size: int) -> int:
    """The number from 0 to `size` - 1 that a part of the address is.

    Args:
        request: that was made.
        name: of the part, in the route.
        size: number of things that are there.

    Raises:
        HTTPException: 404, it is something else.
    """
    text = request.path_params[name]
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(size))
    if not digits or int(text) >= size:
        raise HTTPException(404, "Not found")
    return int(text)


def answer_not_stored(error: OSError) -> HTTPException:
    """What a page says of an answer that could not be written: 507, and why."""
    reason = error.strerror or type(error).__name__
    return HTTPException(507, f"The answer could not be stored: {reason}")


def static(path: str, content: str, media_type: str) -> Route:
    """A route that answers with the same content always."""

    async def answer(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return Route(path, answer)


async def json_object(request: Request) -> Mapping[str, Any]:
    """The JSON object of a request. Raises HTTPException 400."""
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "The body is not JSON") from error
    if not isinstance(value, dict):
        raise HTTPException(400, "The body is no object")
    return value


async def _style(request: Request) -> Response:
    return Response(style_sheet(), media_type="text/css")
