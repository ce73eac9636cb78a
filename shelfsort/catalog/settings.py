"""The settings of a catalogue: one YAML file with its sources, its database and its images."""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import pydantic
from pydantic import Field

from shelfsort.catalog.cleaning.settings import CleaningSettings
from shelfsort.catalog.duplicates.settings import DuplicateSettings
from shelfsort.catalog.sources import KINDS
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.core.errors import InputError, InputErrors
from shelfsort.core.settings import line_of, validated
from shelfsort.core.storage import absolute, placed
from shelfsort.core.yaml import Document, read_mapping

_T = TypeVar("_T")
_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class FetchSettings(pydantic.BaseModel):
    """How pictures are fetched.

    Attributes:
        contact: Mail or web address of who fetches, sent to every host in the User-Agent.
        connections: At one time, of all hosts.
        per_host: Most at one time to one host; fewer while it answers slowly.
        max_bytes: Of one picture.
        max_pixels: Width times height of one picture.
        total_s: Seconds for one picture, redirects and body included.
        wait_s: Seconds for connecting, and for each piece of the answer.
        least_bytes_s: A body that comes more slowly is given up.
        robots: Whether robots.txt and X-Robots-Tag are obeyed.
        ports: That addresses may name.
        placeholder_products: A picture under as many products is a placeholder; 0 for never.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    contact: str = ""
    connections: Annotated[int, Field(ge=1, le=1_000)] = 64
    per_host: Annotated[int, Field(ge=1, le=1_000)] = 8
    max_bytes: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = 20_000_000
    max_pixels: Annotated[int, Field(ge=1_000)] = 50_000_000
    total_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    wait_s: Annotated[float, Field(gt=0, le=600)] = 15.0
    least_bytes_s: Annotated[float, Field(ge=0)] = 1_000.0
    robots: bool = True
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = (80, 443)
    placeholder_products: Annotated[int, Field(ge=0)] = 20


@dataclass(frozen=True)
class CatalogSettings:
    """A catalogue.

    Attributes:
        file: that holds the settings.
        database: path of a SQLite file, or `postgresql://…`.
        images: folder or bucket of the pictures.
        sources: by name.
        fetch: how pictures are fetched.
        crosswalk: mapping file from source categories to the tree, "" for none.
        taxonomy: category tree, "" for none.
        duplicates: when two pictures count as the same.
        cleaning: rules for the texts of products that leave the database.
        least_products: a leaf with fewer is rare, and labels no product.
    """

    file: str
    database: str
    images: str
    sources: Mapping[str, SourceSettings]
    fetch: FetchSettings
    crosswalk: str = ""
    taxonomy: str = ""
    duplicates: DuplicateSettings = DuplicateSettings()
    cleaning: CleaningSettings = CleaningSettings()
    least_products: int = 0


class _File(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    version: Literal[1] = 1
    database: str = "catalog.db"
    images: str = "images"
    sources: Annotated[
        dict[Annotated[str, Field(pattern=_NAME)], dict[str, Any]], Field(min_length=1)
    ]
    fetch: FetchSettings = FetchSettings()
    crosswalk: str = ""
    taxonomy: str = ""
    duplicates: DuplicateSettings = DuplicateSettings()
    cleaning: CleaningSettings = CleaningSettings()
    least_products: Annotated[int, Field(ge=0)] = 0


def load_settings(file: str) -> CatalogSettings:
    """Reads the settings. Places in them are relative to the file's folder.

    Raises:
        InputError: the file is no YAML, or settings are unknown, missing or do not fit; each
            fault names its line.
    """
    document = read_mapping(file)
    folder = posixpath.dirname(absolute(file))
    faults: list[str] = []
    read = _kept(faults, partial(validated, _File, file, document))
    given = (document.value or {}).get("sources")
    sources: dict[str, SourceSettings] = {}
    for name, each in given.items() if isinstance(given, dict) else ():
        if isinstance(each, dict):
            source = _kept(faults, partial(_source, file, document, str(name), each, folder))
            sources |= {} if source is None else {str(name): source}
    if read is None or faults:
        raise InputErrors(faults) if len(faults) > 1 else InputError(faults[0])

    def at(place: str) -> str:
        return placed(folder, place) if place else ""

    return CatalogSettings(
        file,
        at(read.database),
        at(read.images),
        sources,
        read.fetch,
        at(read.crosswalk),
        at(read.taxonomy),
        read.duplicates,
        read.cleaning,
        read.least_products,
    )


def _kept(faults: list[str], read: Callable[[], _T]) -> _T | None:
    """What `read` gives; None where it raises InputError, whose faults are kept."""
    try:
        return read()
    except InputError as error:
        faults += error.faults
        return None


def _source(
    file: str, document: Document, name: str, given: Mapping[str, Any], folder: str
) -> SourceSettings:
    at = ("sources", name)
    kind = KINDS.get(str(given.get("type", "")))
    if kind is None:
        line = line_of(document, (*at, "type"))
        known = ", ".join(sorted(KINDS))
        raise InputError(f"{file}:{line}: {name}.type: none of {known}. Name one of these.")
    settings = validated(kind, file, document, {**given, "name": name, "folder": folder}, at)
    return settings
