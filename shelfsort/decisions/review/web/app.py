"""The web application of the review page."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any

from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shelfsort.core.database.texts import storable
from shelfsort.core.errors import InputError
from shelfsort.core.web.application import Encrypted, json_object, pages, static
from shelfsort.core.web.token import person as name_of
from shelfsort.decisions.review.appeals import MOST_WORDS, appeal
from shelfsort.decisions.review.exporting import IMAGE_NOTE
from shelfsort.decisions.review.outcomes import known_outcomes
from shelfsort.decisions.review.queue.answering import Opinion
from shelfsort.decisions.review.queue.policy import DISPUTE, Person
from shelfsort.decisions.review.queue.service import ReviewQueue, with_outcome
from shelfsort.decisions.review.stored_product import product_of
from shelfsort.decisions.review.web.images import Images
from shelfsort.decisions.review.web.overview import overview
from shelfsort.decisions.review.web.people import People
from shelfsort.decisions.review.web.shown import shown_task
from shelfsort.labeling.pages.worker_template import picker_part
from shelfsort.labeling.queue.records import IMAGE_PROBLEM
from shelfsort.labeling.web.app import web_part
from shelfsort.labeling.web.choices import Choices
from shelfsort.products.images.shown import MEDIA_TYPE
from shelfsort.products.manifest.rejects import REASONS, RejectedLine

_AT_ONCE = 2
"""Tasks that a person holds: the one that is shown, and the next one, whose image is loaded."""
_THREADS, _IMAGE_THREADS = 8, 4
_LONGEST_SECONDS = 3_600.0
_MAX_BODY_BYTES = 1 << 14
_LARGEST_ID = 2**63 - 1
_KEPT = "private, max-age=600"
_CSRF = "x-csrf-token"
_OWN = {
    "/": ("review.html", "text/html"),
    "/review.css": ("review.css", "text/css"),
    "/review.js": ("review.js", "text/javascript"),
    "/overview.js": ("overview.js", "text/javascript"),
}
_SHARED = {
    "/label.css": "text/css",
    "/sending.js": "text/javascript",
    "/picture.js": "text/javascript",
}
_PICKER = {"/picker.css": "text/css", "/picker.js": "text/javascript"}


class ReviewPage:
    """Answers the page's requests."""

    def __init__(self, queue: ReviewQueue, people: People, choices: Choices, images: Images):
        """Starts nothing but idle threads.

        Args:
            queue: of the results database.
            people: who may open the page.
            choices: categories.
            images: of the products.
        """
        self._queue, self._people, self._choices, self._images = queue, people, choices, images
        self._outcomes = known_outcomes(queue.rules)
        # One request of a person after the other, and several people at once.
        self._threads = ThreadPoolExecutor(_THREADS, "answers")
        self._loaders = ThreadPoolExecutor(_IMAGE_THREADS, "images")

    def application(self, hosts: Collection[str], *, encrypted: bool = False) -> ASGIApp:
        """The application.

        Args:
            hosts: names that it answers to.
            encrypted: whether people reach it by https, also where a proxy encrypts.
        """
        routes = [
            *(static(path, _own(name), kind) for path, (name, kind) in _OWN.items()),
            *(static(path, web_part(path[1:]), kind) for path, kind in _SHARED.items()),
            *(static(path, picker_part(path[1:]), kind) for path, kind in _PICKER.items()),
            Route("/tree.json", self._tree),
            Route("/images/{task:int}", self._image),
            Route("/session", self._session),
            Route("/tasks", self._does(self._tasks), methods=["POST"]),
            Route("/answer", self._does(self._answer), methods=["POST"]),
            Route("/undo", self._does(self._undo), methods=["POST"]),
            Route("/overview", self._does(self._overview, leads=True), methods=["POST"]),
            Route("/release", self._does(self._release, leads=True), methods=["POST"]),
            Route("/appeal", self._does(self._appeal, leads=True), methods=["POST"]),
        ]
        app = pages(routes, token=self._people.tokens, hosts=hosts, max_body_bytes=_MAX_BODY_BYTES)
        return Encrypted(app) if encrypted else app

    def close(self) -> None:
        """Ends the threads, after the answers in hand are kept."""
        self._loaders.shutdown(wait=False, cancel_futures=True)
        self._threads.shutdown()

    async def _tree(self, request: Request) -> Response:
        headers = {"Content-Encoding": "gzip"}
        return Response(self._choices.packed, 200, headers, "application/json")

    async def _session(self, request: Request) -> Response:
        person = self._person(request)
        return JSONResponse(
            {
                "name": person.name,
                "leads": person.leads,
                "csrf": self._csrf(person.name),
                "outcomes": self._outcomes,
            }
        )

    async def _image(self, request: Request) -> Response:
        person, number = self._person(request), int(request.path_params["task"])
        if number > _LARGEST_ID:
            raise HTTPException(404, "Not found")
        reference = await self._run(self._threads, lambda: self._seen(person, number))
        if reference is None:
            raise HTTPException(404, "Not found")
        try:
            content = await self._run(self._loaders, lambda: self._images.jpeg(reference))
        except RejectedLine as why:
            # Not its detail, which may name places on this machine.
            raise HTTPException(422, REASONS[why.reason]) from why
        return Response(content, 200, {"Cache-Control": _KEPT}, MEDIA_TYPE)

    def _does(
        self, work: Callable[[Person, Mapping[str, Any]], dict[str, Any]], *, leads: bool = False
    ) -> Callable[[Request], Any]:
        """Answers a request of the page's script with what `work` says."""

        async def answer(request: Request) -> Response:
            person = self._person(request)
            self._refuse_forged(request, person)
            if leads and not person.leads:
                raise HTTPException(403, "This is for leads")
            body = await json_object(request)
            return JSONResponse(await self._run(self._threads, lambda: work(person, body)))

        return answer

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], Any]) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except KeyError as error:
            raise HTTPException(404, "No such task") from error
        except InputError as error:
            raise HTTPException(400, str(error)) from error
        except DBAPIError as error:
            raise HTTPException(503, "The database does not answer") from error

    def _person(self, request: Request) -> Person:
        name = name_of(request)
        return Person(name, name in self._people.leads)

    def _csrf(self, name: str) -> str:
        # Of the token, so that a page goes on where the server was started again.
        key = self._people.tokens[name].encode()
        return hmac.new(key, b"csrf", hashlib.sha256).hexdigest()

    def _refuse_forged(self, request: Request, person: Person) -> None:
        """Raises HTTPException 403: a browser sent the cookie, and not for our page."""
        if "authorization" in request.headers:
            return
        shown = request.headers.get(_CSRF, "").encode()
        if not hmac.compare_digest(shown, self._csrf(person.name).encode()):
            raise HTTPException(403, "The request does not come from the page")

    def _seen(self, person: Person, number: int) -> str | None:
        """The picture of a task that the person has, or had last; of a lead, of any."""
        held = self._queue.held_before(number)
        if held is None or not (person.leads or held[0] == person.name):
            return None
        return product_of(held[1].product, held[1].shown).image

    def _tasks(self, person: Person, body: Mapping[str, Any]) -> dict[str, Any]:
        held = self._queue.take(person, _AT_ONCE)
        now = self._queue.standing(person)
        tree = self._choices.tree
        return {
            "tasks": [shown_task(each, tree, self._queue.opinions(each)) for each in held],
            "waiting": now.waiting,
            "overdue": now.overdue,
            "own": now.own,
            "last": now.last,
        }

    def _answer(self, person: Person, body: Mapping[str, Any]) -> dict[str, Any]:
        number, opinion = _id(body, "task"), self._opinion(body)
        decides = self._queue.kind(number) == DISPUTE
        outcome, reason = "", ""
        if opinion.category:
            outcome, reason = self._queue.follows(number, opinion.category)
        if decides and opinion.outcome:
            outcome = opinion.outcome
        asks = decides or self._queue.needs_second(outcome)
        if asks and body.get("confirmed") is not True:
            return {"confirm": {"outcome": outcome, "reason": reason, "decides": decides}}
        opinion = with_outcome(opinion, outcome, reason)
        done = self._queue.answer(person, number, opinion)
        said = {"outcome": done.result, "next": done.next, "follows": opinion.outcome}
        return {**said, **self._tasks(person, body)}

    def _opinion(self, body: Mapping[str, Any]) -> Opinion:
        """What a request says. Raises HTTPException 400."""
        seconds = body.get("seconds")
        if not isinstance(seconds, int | float):
            raise HTTPException(400, "An answer has seconds")
        # Written so that NaN becomes the limit.
        seconds = seconds if 0 <= seconds < _LONGEST_SECONDS else _LONGEST_SECONDS
        category, outcome = body.get("category", ""), body.get("outcome", "")
        note = IMAGE_NOTE if body.get("problem") == IMAGE_PROBLEM else _words(body, "note")
        known = isinstance(category, str) and isinstance(outcome, str)
        if not known or (category and category not in self._choices.labels):
            raise HTTPException(400, "No such category")
        if outcome and outcome not in self._outcomes:
            raise HTTPException(400, "No such outcome")
        return Opinion(category, outcome, _words(body, "reason"), note, seconds)

    def _undo(self, person: Person, body: Mapping[str, Any]) -> dict[str, Any]:
        task = self._queue.undo(person, _id(body, "review"))
        return {"undone": task, **self._tasks(person, body)}

    def _overview(self, person: Person, body: Mapping[str, Any]) -> dict[str, Any]:
        return overview(self._queue, self._people)

    def _release(self, person: Person, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"released": self._queue.release(person, _id(body, "task"))}

    def _appeal(self, person: Person, body: Mapping[str, Any]) -> dict[str, Any]:
        product, words = _words(body, "product"), _words(body, "words")
        with self._queue.engine.begin() as connection:
            number = appeal(connection, product, words, person.name, self._queue.clock())
        return {"task": number}


def _own(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _id(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST_ID:
        raise HTTPException(400, f"The request names no {name}")
    return value


def _words(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise HTTPException(400, f"{name} is no text")
    return storable(value)[:MOST_WORDS].strip()
