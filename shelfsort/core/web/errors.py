"""Errors as JSON, of one shape."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

logger = logging.getLogger("shelfsort.web")


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """`{"error": message}` as JSON."""
    body = json.dumps({"error": message}, indent=4, ensure_ascii=False)
    return Response(body, status, headers, media_type="application/json")


async def _refused(request: Request, error: HTTPException) -> Response:
    return error_answer(error.status_code, error.detail, error.headers)


async def _gone(request: Request, error: ClientDisconnect) -> Response:
    # Nobody reads this. A client that vanishes is no failure of the server.
    return Response(status_code=499)


async def _failed(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_answer(500, "Internal error")


EXCEPTION_HANDLERS: Mapping[Any, Any] = {
    HTTPException: _refused,
    ClientDisconnect: _gone,
    Exception: _failed,
}
