"""The web application: a page, the tree, images, and what the page's script asks for."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib import resources
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shelfsort.core.web.application import (
    Encrypted,
    answer_not_stored,
    json_object,
    pages,
    place_in,
    static,
)
from shelfsort.core.web.token import person
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.pages.worker_template import picker_part
from shelfsort.labeling.queue.records import IMAGE_PROBLEM
from shelfsort.labeling.queue.service import TaskService
from shelfsort.labeling.web.choices import Choices
from shelfsort.labeling.web.products import Images, Listed
from shelfsort.products.images.shown import MEDIA_TYPE
from shelfsort.products.manifest.rejects import REASONS, RejectedLine

_AT_ONCE = 3
"""Tasks that a page holds: the one that is shown, and the next ones, whose images it loads."""
_IMAGE_THREADS = 8
_LONGEST_SECONDS = 3_600.0
_MAX_BODY_BYTES = 1 << 14
_OWN = {
    "/": ("label.html", "text/html"),
    "/label.css": ("label.css", "text/css"),
    "/label.js": ("label.js", "text/javascript"),
    "/sending.js": ("sending.js", "text/javascript"),
    "/picture.js": ("picture.js", "text/javascript"),
}
_PICKER = {"/picker.css": "text/css", "/picker.js": "text/javascript"}
_KEPT = "private, max-age=86400, immutable"

_Value = TypeVar("_Value")


class LabelPage:
    """Answers the page's requests. Its task service is called from one thread."""

    def __init__(
        self,
        service: TaskService,
        listed: Sequence[Listed],
        choices: Choices,
        images: Images,
    ):
        """Starts nothing but idle threads.

        Args:
            service: over the ids of `listed`, in that order.
            listed: products.
            choices: categories.
            images: of `listed`.
        """
        self._service, self._listed, self._choices, self._images = service, listed, choices, images
        self._ids = {service.task_name(each.product.id): each.product.id for each in listed}
        # Addresses of images and of the tree may be kept by browsers, so each start has its own.
        self._run = secrets.token_hex(4)
        self._one = ThreadPoolExecutor(1, "answers")
        self._loaders = ThreadPoolExecutor(_IMAGE_THREADS, "images")

    def application(
        self, tokens: Mapping[str, str], hosts: Collection[str], *, encrypted: bool = False
    ) -> ASGIApp:
        """The application.

        Args:
            tokens: by the name of each person.
            hosts: names that it answers to.
            encrypted: whether people reach it by https, also where a proxy encrypts.
        """
        routes = [
            *(static(path, web_part(name), kind) for path, (name, kind) in _OWN.items()),
            *(static(path, picker_part(path[1:]), kind) for path, kind in _PICKER.items()),
            Route(f"/{self._run}/tree.json", self._tree),
            Route(f"/{self._run}/images/{{place}}", self._image),
            Route("/tasks", self._tasks, methods=["POST"]),
            Route("/answer", self._answer, methods=["POST"]),
            Route("/undo", self._undo, methods=["POST"]),
        ]
        app = pages(routes, token=tokens, hosts=hosts, max_body_bytes=_MAX_BODY_BYTES)
        return Encrypted(app) if encrypted else app

    def close(self) -> None:
        """Ends the threads, after the answers in hand are kept."""
        self._loaders.shutdown(wait=False, cancel_futures=True)
        self._one.shutdown()

    async def _tree(self, request: Request) -> Response:
        headers = {"Content-Encoding": "gzip", "Cache-Control": _KEPT}
        return Response(self._choices.packed, 200, headers, "application/json")

    async def _image(self, request: Request) -> Response:
        place = place_in(request, "place", len(self._listed))
        loop = asyncio.get_running_loop()
        try:
            content = await loop.run_in_executor(self._loaders, self._images.jpeg, place)
        except RejectedLine as why:
            # Not its detail, which may name places on this machine.
            raise HTTPException(422, REASONS[why.reason]) from why
        return Response(content, 200, {"Cache-Control": _KEPT}, MEDIA_TYPE)

    async def _tasks(self, request: Request) -> Response:
        return await self._called(request, lambda worker: {})

    async def _answer(self, request: Request) -> Response:
        task, label, problem, seconds = self._read(await json_object(request))

        return await self._called(
            request,
            lambda worker: {"outcome": self._service.answer(worker, task, label, problem, seconds)},
        )

    async def _undo(self, request: Request) -> Response:
        task = self._id(await json_object(request))
        return await self._called(
            request, lambda worker: {"undone": self._service.undo(worker, task)}
        )

    async def _called(self, request: Request, work: Callable[[str], dict[str, Any]]) -> Response:
        """What `work` says, and what the page shows next."""
        name = person(request)

        def in_turn() -> dict[str, Any]:
            worker = self._service.worker(name)
            try:
                said = work(worker)
            except OSError as error:
                raise answer_not_stored(error) from error
            return {**said, **self._shown(worker, name)}

        loop = asyncio.get_running_loop()
        return JSONResponse(await loop.run_in_executor(self._one, in_turn))

    def _shown(self, worker: str, name: str) -> dict[str, Any]:
        places = self._service.take(worker, _AT_ONCE)
        last = self._service.last(worker)
        return {
            "name": name,
            "tree": f"/{self._run}/tree.json",
            "tasks": [self._task(place) for place in places],
            "last": None if last is None else self._service.task_name(last),
            "waiting": not places and self._service.may_get(worker),
            "progress": asdict(self._service.shown_progress(worker, ends=not places)),
        }

    def _task(self, place: int) -> dict[str, Any]:
        product = self._listed[place].product
        return {
            "task": self._service.task_name(product.id),
            "id": self._listed[place].shown_id,
            "title": product.title,
            "description": product.description,
            "price": product.price,
            "image": f"/{self._run}/images/{place}" if product.image else None,
        }

    def _id(self, body: Mapping[str, Any]) -> str:
        """The id of the product that a request names. Raises HTTPException 400 or 404."""
        name = body.get("task")
        if not isinstance(name, str):
            raise HTTPException(400, "The request names no task")
        if name not in self._ids:
            raise HTTPException(404, "No such product")
        return self._ids[name]

    def _read(self, body: Mapping[str, Any]) -> tuple[str, str, str, float]:
        """Id, label, problem and seconds of an answer. Raises HTTPException 400 or 404."""
        task, choice, seconds = self._id(body), body.get("choice"), body.get("seconds")
        if not isinstance(seconds, int | float):
            raise HTTPException(400, "An answer has seconds")
        # Written so that NaN becomes the limit.
        seconds = seconds if 0 <= seconds < _LONGEST_SECONDS else _LONGEST_SECONDS
        if choice == "unsure":
            return task, UNSURE, "", seconds
        if choice == IMAGE_PROBLEM:
            return task, "", IMAGE_PROBLEM, seconds
        leaf = body.get("category")
        label = self._choices.labels.get(leaf) if isinstance(leaf, str) else None
        if choice != "category" or label is None:
            raise HTTPException(400, "No such category")
        return task, label, "", seconds


def web_part(name: str) -> str:
    """A file of this package, such as `label.css`."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")
