"""A service over HTTP that is asked for a list of ids."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import Field

from shelfsort.catalog.rows import Page, StaleCursorError
from shelfsort.catalog.services.batches import ONE, REFUSED, SEVERAL, Asking, Batches
from shelfsort.catalog.services.client import Access, Address, Service
from shelfsort.catalog.services.id_lists import IdList, read_ids
from shelfsort.catalog.services.mapping import Defaults, Fields, Mapper
from shelfsort.catalog.services.paths import JsonPath
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.core.errors import InputError


class IdsSettings(Access, SourceSettings):
    """A service that is asked for a list of ids.

    Attributes:
        address: With `{id}` where one id stands, or `{ids}` for several; neither where they are
            posted.
        ids: Where the ids come from.
        whole: Whether the ids are all that the source has: what is not among them, or has no
            product any more, is gone.
        batch: Most ids of a request.
        separator: Between ids in an address.
        post: Name of the list of ids in the JSON that is posted; empty posts the list alone.
        body: More of the JSON that is posted.
        at_once: Most requests at a time.
        rows: Path of the product in an answer, or of the list of products.
        fields: Path or paths, within a product, of each field of a row.
        defaults: Value of a field where no path leads to one.
    """

    type: Literal["ids"] = "ids"
    address: Address
    ids: IdList
    whole: bool = True
    batch: Annotated[int, Field(ge=1, le=10_000)] = 100
    separator: Annotated[str, Field(min_length=1, max_length=5)] = ","
    post: str | None = None
    body: dict[str, Any] = Field({})
    at_once: Annotated[int, Field(ge=1, le=64)] = 4
    rows: JsonPath = ""
    fields: Fields
    defaults: Defaults = Field({})

    @pydantic.model_validator(mode="after")
    def _fits(self) -> "IdsSettings":
        marks = [mark for mark in (ONE, SEVERAL) if mark in self.address]
        if any(mark in urlsplit(self.address).netloc for mark in marks):
            raise ValueError("address: an id cannot stand in the host")
        if len(marks) != (0 if self.post is not None else 1):
            raise ValueError("address: write {id} or {ids} in it, or name post")
        if self.body and not self.post:
            raise ValueError("body: name post, the list of ids beside it")
        if "id" not in self.fields and (self.post is not None or marks == [SEVERAL]):
            raise ValueError("fields: name the path of id")
        return self

    def open(self) -> "IdsSource":
        """The source. Raises InputError where its key is missing."""
        return IdsSource(self)


class IdsSource:
    """The products of a list of ids."""

    def __init__(self, settings: IdsSettings):
        """Takes the key from the environment; asks nothing yet. Raises InputError without it."""
        self._settings = settings
        self._service = Service(settings.name, settings.address, settings)
        self.lists_all = settings.whole

    def pages(self, cursor: str, state: str) -> Iterator[Page]:
        """As `Source.pages`."""
        settings = self._settings
        ids, repeated = read_ids(settings.ids, settings.name, settings.folder)
        done = _done(cursor, ids)
        batches = self._batches()
        notes = [f"{repeated:,} ids stand in the list again"] if repeated and not done else []
        while done < len(ids):
            asked = ids[done : done + batches.most]
            found = batches.find(asked)
            if not done and len(asked) == sum(each.reason == REFUSED for each in found.rejects):
                raise InputError(
                    f"{settings.name}: the service refuses each of the first {len(asked):,} ids "
                    f"({found.rejects[0].detail}). Check address, post and body."
                )
            done += len(asked)
            on = json.dumps([done, ids[done - 1]]) if done < len(ids) else ""
            yield Page(found.rows, found.rejects, cursor=on, total=len(ids), notes=notes)
            notes = []

    def _batches(self) -> Batches:
        settings, service = self._settings, self._service
        single = ONE in settings.address
        asking = Asking(
            settings.address,
            settings.separator,
            settings.post,
            settings.body,
            settings.rows,
            "id" in settings.fields,
        )
        hidden = service.key.hidden
        mapper = Mapper(settings.fields, settings.defaults, settings.address, hidden)
        return Batches(service, asking, mapper, 1 if single else settings.batch, settings.at_once)


def _done(cursor: str, ids: list[str]) -> int:
    """How many ids have been asked for. Raises StaleCursorError if the list was another then."""
    if not cursor:
        return 0
    try:
        done, last = json.loads(cursor)
        if ids[done - 1] == last:
            return int(done)
    except (ValueError, TypeError, LookupError) as error:
        raise StaleCursorError from error
    raise StaleCursorError
