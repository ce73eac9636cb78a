"""Whether new labels, or a broken promise, are reason enough to train again."""

import dataclasses
import posixpath
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from pipeline.config import Config
from pipeline.local.watch import last_verdict
from pipeline.output_folder import OutputFolder
from shelfsort.core import files
from shelfsort.core.database.engine import reader
from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_folder, join, read_bytes, remove
from shelfsort.decisions.database.tables import backoff
from shelfsort.decisions.review.labels import reviewed_lines
from shelfsort.products.manifest.files import NoFiles, find_manifest_files
from shelfsort.products.manifest.label_attributes import first_label_attribute
from shelfsort.products.manifest.writing import manifest_line
from shelfsort.products.tables.lines import product_lines

REVIEWS = "reviews.manifest"
"""Of an inbox: the file that what people said about decisions is written to."""
_ATTRIBUTE = "category"


@dataclasses.dataclass(frozen=True)
class News:
    """What there is that the last run with a verdict did not have.

    Attributes:
        labels: rows of the inbox.
        reviews: of these, how many stand in the file of reviews.
        broken: categories whose promise was found broken since that run began, "" for all.
        since: when that run began, UTC; None where there is none.
        known: rows that it had.
    """

    labels: int
    reviews: int
    broken: tuple[str, ...] = ()
    since: datetime | None = None
    known: int = 0

    def reason(self, needed: int) -> str:
        """Why to train now, "" where there is no reason."""
        if self.labels >= needed:
            return f"{self.labels:,} new labels, {needed:,} are enough"
        if self.broken and self.labels:
            names = ", ".join(each or "all" for each in self.broken)
            return f"the promise is broken ({names}), and there are {self.labels:,} new labels"
        return ""


def news(inbox: str, folder: OutputFolder, config: Config, database: Engine | None) -> News:
    """Counts what is new since the last run that came to a verdict.

    A run that the gate refused counts, too: it has learnt from these labels. A killed one or a
    failed one does not.

    Args:
        inbox: folder or pattern of labelled manifests, absolute.
        folder: that takes the runs.
        config: all settings.
        database: of results, None for none.

    Raises:
        InputError: the inbox or the record of runs cannot be read.
    """
    last = last_verdict(folder)
    known = last.rows if last else {}
    grown = {name: max(n - known.get(name, 0), 0) for name, n in _rows(inbox, config)}
    since = last.started if last else None
    return News(
        labels=sum(grown.values()),
        reviews=sum(n for name, n in grown.items() if posixpath.basename(name) == REVIEWS),
        broken=tuple(_broken(database, since)) if database is not None else (),
        since=since,
        known=sum(known.values()),
    )


def write_reviews(inbox: str, config: Config, database: Engine) -> None:
    """Writes what people said about decisions into the inbox, unless the file says so already.

    Products that were deleted from the database leave the file with that.

    Raises:
        InputError: the inbox is no folder, or cannot be read.
        OSError: it cannot be written.
    """
    if not is_folder(inbox):
        raise InputError(f"{inbox}: no folder, so reviews have no place. Give --inbox a folder.")
    place = join(inbox, REVIEWS)
    attribute = config.data.label_attribute or _attribute_of(inbox, config)
    lines = (f"{manifest_line(fields)}\n" for fields in reviewed_lines(database, attribute))
    content = "".join(lines).encode()
    try:
        before = read_bytes(place)
    except FileNotFoundError:
        before = b""
    if content:
        if content != before:
            files.write_bytes(place, content)
    elif before:
        # An empty manifest would stop every run.
        remove(place)


def _attribute_of(inbox: str, config: Config) -> str:
    """The attribute that the other files of the inbox have."""
    try:
        found = find_manifest_files(inbox)
    except NoFiles:
        return _ATTRIBUTE
    others = [file for file in found if posixpath.basename(file) != REVIEWS]
    return (first_label_attribute(others, config.data.reading) if others else "") or _ATTRIBUTE


def _rows(inbox: str, config: Config) -> Iterator[tuple[str, int]]:
    try:
        found = find_manifest_files(inbox)
    except NoFiles:
        # An inbox before its first delivery.
        return
    for file in found:
        yield file, sum(1 for _ in product_lines(file, config.data.reading))


def _broken(database: Engine, since: datetime | None) -> list[str]:
    active: sa.Select[Any] = sa.select(backoff.c.category).where(backoff.c.lifted.is_(None))
    if since is not None:
        active = active.where(backoff.c.since > since)
    with reader(database) as connection:
        return list(connection.execute(active.order_by(backoff.c.id)).scalars())
