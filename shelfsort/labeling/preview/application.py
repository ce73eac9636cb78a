"""The preview's web application: a page for each task, its files, and where its answer goes."""

import html
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shelfsort.core.storage import read_bytes, scheme
from shelfsort.core.web.application import STYLE_SHEET, answer_not_stored, pages, place_in
from shelfsort.core.web.protection import CONTENT_SECURITY_POLICY
from shelfsort.labeling.lambdas.pre_annotation import task_input
from shelfsort.labeling.preview.answers import AnswerFile
from shelfsort.labeling.preview.liquid_page import LiquidPage
from shelfsort.products.images.source import ImageSource
from shelfsort.products.manifest.annotations import encodable
from shelfsort.products.manifest.rejects import RejectedLine

_LARGEST = 20_000_000
_KINDS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG", "image/png"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)
_ELEMENT = re.compile(r"<(crowd-[a-z-]+)")
STAND_INS = frozenset(
    ("crowd-form", "crowd-button", "crowd-input", "crowd-text-area", "crowd-checkbox")
) | {"crowd-radio-group", "crowd-radio-button"}


def unknown_elements(template: str) -> list[str]:
    """The crowd elements of a template for which the preview has no stand-in, sorted."""
    return sorted(set(_ELEMENT.findall(template)) - STAND_INS)


class Preview:
    """Shows the lines of a manifest as tasks.

    Args:
        name: of the template.
        template: its text.
        manifest: path of the manifest, whose folder its images must lie in.
        lines: fields of its lines.
        answers: where answers go.

    Raises:
        InputError: the template is none.
    """

    def __init__(
        self,
        name: str,
        template: str,
        manifest: str,
        lines: Sequence[Mapping[str, Any]],
        answers: AnswerFile,
    ):
        self._page = LiquidPage(name, template, self._grant)
        self._template, self._lines, self._answers = template, lines, answers
        self._images = ImageSource(manifest, allow_http=True)
        self._granted: dict[str, str] = {}

    def application(self, token: str | None) -> ASGIApp:
        """What a browser talks to; see `core.web.application.pages` for the token."""
        routes = [
            Route("/", self._first),
            Route("/task/{task}", self._task),
            Route("/task/{task}", self._answer, methods=["POST"]),
            Route("/granted/{key}", self._file),
            Route("/crowd.js", _part("crowd.js", "text/javascript")),
            Route("/preview.css", _part("preview.css", "text/css")),
        ]
        return pages(routes, token=token)

    def render(self, task: int, nonce: str = "") -> str:
        """The page of a task, from 0. Raises InputError as `LiquidPage.render` does."""
        shown = {
            name: encodable(value) if isinstance(value, str) else value
            for name, value in task_input(self._lines[task]).items()
        }
        body = self._page.render(shown, nonce)
        others = (("Previous", task - 1), ("Next", task + 1))
        links = "".join(
            f'<a href="/task/{number}">{name}</a>'
            for name, number in others
            if 0 <= number < len(self._lines)
        )
        return _PAGE.format(
            title=f"Preview of task {task + 1}",
            style=STYLE_SHEET,
            nonce=nonce,
            task=task,
            said=f"<b>Preview</b> · task {task + 1:,} of {len(self._lines):,} · answers go to "
            f"{html.escape(encodable(self._answers.place))}",
            links=links,
            body=body,
        )

    def _grant(self, place: str) -> str:
        """An address of this server for a file; "" for one that the preview may not read."""
        if scheme(place) in ("https", "http", "data"):
            return place
        # What the template names itself may lie anywhere; what a manifest names may not.
        if f'"{place}" | grant_read_access' not in self._template:
            try:
                place = self._images.locate(place)
            except RejectedLine:
                return ""
        key = next((key for key, known in self._granted.items() if known == place), None)
        if key is None:
            key = secrets.token_urlsafe(16)
            self._granted[key] = place
        return f"/granted/{key}"

    async def _first(self, request: Request) -> Response:
        return RedirectResponse("/task/0")

    def _task(self, request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        page = self.render(self._number(request), nonce)
        return HTMLResponse(page, headers={"Content-Security-Policy": _policy(nonce)})

    async def _answer(self, request: Request) -> Response:
        task = self._number(request)
        try:
            answer = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, "The answer is not JSON") from error
        if not isinstance(answer, dict):
            raise HTTPException(400, "The answer is no object")
        try:
            self._answers.add(task, answer)
        except OSError as error:
            raise answer_not_stored(error) from error
        return JSONResponse({"next": task + 1 if task + 1 < len(self._lines) else None})

    def _file(self, request: Request) -> Response:
        place = self._granted.get(request.path_params["key"])
        if place is None:
            raise HTTPException(404, "No such file")
        try:
            content = read_bytes(place, _LARGEST)
        except (OSError, ValueError) as error:
            raise HTTPException(404, "The file cannot be read") from error
        return Response(content, media_type=_kind(content))

    def _number(self, request: Request) -> int:
        return place_in(request, "task", len(self._lines))


def _kind(content: bytes) -> str:
    """Pictures and JSON by their content: nothing that a browser would run."""
    kind = next((kind for begins, kind in _KINDS if content.startswith(begins)), None)
    if kind is None and content[4:12] in (b"ftypavif", b"ftypheic"):
        kind = f"image/{content[8:12].decode()}"
    if kind is None and content[:1] in (b"{", b"["):
        kind = "application/json"
    return kind or "application/octet-stream"


def _policy(nonce: str) -> str:
    """The usual policy, for a page of one file whose pictures may lie anywhere."""
    return (
        CONTENT_SECURITY_POLICY.replace("script-src 'self'", f"script-src 'self' 'nonce-{nonce}'")
        .replace("style-src 'self'", "style-src 'self' 'unsafe-inline' https:")
        .replace("img-src 'self' data:", "img-src 'self' data: https: http:")
    )


def _part(name: str, kind: str) -> Any:
    content = resources.files(__package__).joinpath(name).read_text("utf-8")

    async def answer(request: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="{style}"><link rel="stylesheet" href="/preview.css">
<script src="/crowd.js" data-task="{task}" nonce="{nonce}"></script></head><body>
<header class="preview-bar"><p>{said}</p><nav>{links}</nav></header>
{body}
<dialog id="preview-answer"><h2>The answer</h2>
<p>A worker would submit this:</p><pre></pre><a class="next" href="/">Next task</a></dialog>
</body></html>
"""
