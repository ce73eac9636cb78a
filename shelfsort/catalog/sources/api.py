"""A service over HTTP that gives its products in pages."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BeforeValidator, Field

from shelfsort.catalog.rows import Page, StaleCursorError
from shelfsort.catalog.services.categories import CategorySettings, read_tree
from shelfsort.catalog.services.client import Access, Address, Service
from shelfsort.catalog.services.mapping import Defaults, Fields, Mapper
from shelfsort.catalog.services.paging import Paging, with_parameters
from shelfsort.catalog.services.paths import JsonPath
from shelfsort.catalog.services.progress import Progress, Remembered
from shelfsort.catalog.services.queries import Axis, Plan, as_text
from shelfsort.catalog.services.reading import Reader, Reading, Unchanged
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy


class Since(pydantic.BaseModel):
    """How only what changed since the last pass is asked for.

    Attributes:
        parameter: That holds the moment.
        format: `iso` (2026-11-27T06:00:00+00:00), `date` (2026-11-27), or seconds or milliseconds
            since 1970.
        overlap_s: Seconds before the last pass that are asked for again, since clocks differ and
            services write late.
        full_days: Days after which a pass is full again: only a full pass sees what was deleted.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    parameter: Annotated[str, Field(min_length=1, max_length=200)]
    format: Literal["iso", "date", "seconds", "milliseconds"] = "iso"
    overlap_s: Annotated[int, Field(ge=0)] = 3_600
    full_days: Annotated[float, Field(gt=0)] = 7.0

    def written(self, moment: datetime) -> str:
        """A moment as the service reads it, the overlap taken off."""
        early = moment - timedelta(seconds=self.overlap_s)
        if self.format in ("iso", "date"):
            return early.isoformat() if self.format == "iso" else early.date().isoformat()
        return str(int(early.timestamp() * (1 if self.format == "seconds" else 1_000)))


def _texts(values: Any) -> Any:
    """Each parameter with a list of texts."""
    if not isinstance(values, dict):
        return values
    listed = {name: v if isinstance(v, list) else [v] for name, v in values.items()}
    return {name: [as_text(value) for value in v] for name, v in listed.items()}


class ApiSettings(Access, SourceSettings):
    """A service that gives its products in pages.

    Attributes:
        address: Of the products.
        parameters: Of every query, beside the key and the paging; a list repeats a parameter.
        rows: Path of the list of products in an answer.
        fields: Path or paths, within a product, of each field of a row.
        defaults: Value of a field where no path leads to one.
        paging: How pages follow each other.
        each: Parameters that every query has one value of, such as a category.
        split: Parameters that divide a query with more rows than `paging.most`, in this order.
        categories: Where the service gives its category tree.
        updated_since: How only what changed is asked for; without it a pass is always full.
        etag: Whether the tag of the first page changes whenever any product does. Then a pass
            with the same tag ends at once.
    """

    type: Literal["api"] = "api"
    address: Address
    parameters: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_texts)] = Field({})
    rows: JsonPath
    fields: Fields
    defaults: Defaults = Field({})
    paging: Paging
    each: tuple[Axis, ...] = ()
    split: tuple[Axis, ...] = ()
    categories: CategorySettings | None = None
    updated_since: Since | None = None
    etag: bool = False

    @pydantic.model_validator(mode="after")
    def _fits(self) -> "ApiSettings":
        if "id" not in self.fields:
            raise ValueError("fields: name the path of id")
        if self.split and self.paging.most is None:
            raise ValueError("split: name paging.most, the rows above which a query is divided")
        if any(axis.leaves for axis in (*self.each, *self.split)) and self.categories is None:
            raise ValueError("leaves: name the address of the category tree in categories")
        if self.etag and (self.each or self.updated_since):
            raise ValueError("etag: goes with one query only, neither each nor updated_since")
        names = [axis.parameter for axis in self.each]
        if len(set(names)) < len(names):
            raise ValueError("each: a parameter is given twice")
        return self

    def open(self) -> "ApiSource":
        """The source. Raises InputError where its key is missing."""
        return ApiSource(self)

    def tree(self) -> Taxonomy:
        """The category tree of the service. Raises InputError where there is none."""
        service = Service(self.name, self.address, self)
        try:
            return _tree(self, service)
        finally:
            service.close()


class ApiSource:
    """The products of a paged service."""

    def __init__(self, settings: ApiSettings):
        """Takes the key from the environment; asks nothing yet. Raises InputError without it."""
        self._settings = settings
        self._service = Service(settings.name, settings.address, settings)
        self.lists_all = True

    def pages(self, cursor: str, state: str) -> Iterator[Page]:
        """As `Source.pages`."""
        settings = self._settings
        remembered = Remembered.read(state)
        progress = self._progress(cursor, remembered)
        self.lists_all = not progress.since and not progress.missed
        reader = Reader(
            Reading(
                settings.name,
                self._address(progress.since),
                settings.rows,
                settings.paging,
                Plan.of(settings.each, settings.split, self._leaves),
                remembered.paged,
                remembered.etag if settings.etag and not cursor else "",
            ),
            self._service,
            Mapper(settings.fields, settings.defaults, settings.address, self._service.key.hidden),
            progress,
        )
        if not cursor:
            progress.query = reader.first_query
        elif not reader.knows_query:
            raise StaleCursorError
        try:
            for page in reader.pages():
                self.lists_all = not progress.since and not progress.missed
                yield page
        except Unchanged:
            yield Page((), state=state, unchanged=True)
            return
        self.lists_all = not progress.since and not progress.missed
        left = self._left(progress, remembered).written()
        yield Page((), state=left, notes=reader.notes)

    def _progress(self, cursor: str, remembered: Remembered) -> Progress:
        if not cursor:
            return Progress(since=self._since(remembered))
        try:
            return Progress.read(cursor)
        except ValueError as error:
            raise StaleCursorError from error

    def _since(self, remembered: Remembered) -> str:
        """The moment from which changes are asked for, "" for a full pass."""
        how = self._settings.updated_since
        if how is None or not remembered.since or not remembered.full:
            return ""
        full = datetime.fromisoformat(remembered.full)
        age = datetime.now(full.tzinfo) - full
        return remembered.since if age < timedelta(days=how.full_days) else ""

    def _address(self, since: str) -> str:
        settings = self._settings
        pairs = [(name, v) for name, values in settings.parameters.items() for v in values]
        how = settings.updated_since
        if since and how is not None:
            pairs.append((how.parameter, how.written(datetime.fromisoformat(since))))
        return with_parameters(settings.address, pairs)

    def _left(self, progress: Progress, remembered: Remembered) -> Remembered:
        """What the next pass should know. After a full pass that missed products it is full."""
        full = remembered.full if progress.since else progress.began
        since = "" if progress.missed else progress.began
        etag = "" if progress.missed else progress.etag
        return Remembered(since, full, etag, progress.paged or remembered.paged)

    def _leaves(self) -> Sequence[str]:
        return _tree(self._settings, self._service).leaves


def _tree(settings: ApiSettings, service: Service) -> Taxonomy:
    if settings.categories is None:
        raise InputError(
            f"{settings.name}: the settings name no category tree. Name its address in categories."
        )
    return read_tree(settings.name, settings.address, settings.categories, service)
