"""Products of an input manifest of Ground Truth, which nobody has labelled yet."""

import itertools
import posixpath
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from shelfsort.catalog.rows import MAX_DESCRIPTION, Page, Reject, Source, SourceRow
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.catalog.tables.files import FilesSource, shown
from shelfsort.catalog.tables.pages import gathered
from shelfsort.core.storage import join, scheme
from shelfsort.products.manifest.lines import Line, file_lines
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.manifest.rejects import RejectedLine

_MAX_CONTENT = 2_000


def _listed(places: Any) -> Any:
    return [places] if isinstance(places, str) else places


class GroundTruthSettings(SourceSettings):
    """Products of manifests, as Ground Truth takes them.

    Attributes:
        files: Manifests, folders (the `*.manifest` in them) or patterns.
    """

    type: Literal["ground_truth"] = "ground_truth"
    files: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        BeforeValidator(_listed),
        Field(min_length=1),
    ]

    def open(self) -> Source:
        return FilesSource(self.folder, self.files, self._pages)

    def _pages(self, file: str, skipped: int) -> Iterator[Page]:
        name = shown(file, self.folder)
        lines = itertools.islice(file_lines(file), skipped, None)
        places = ((line, f"{name}:{line.number}") for line in lines)
        yield from gathered((_row(line, place, file), place) for line, place in places)


def _row(line: Line, place: str, file: str) -> SourceRow | Reject:
    """A line's product. Its labels, if it has any, are left to `shelfsort labels import`."""
    record = read_record(line)
    id_ = record.fields.get("id")
    known = str(id_) if isinstance(id_, str | int) else ""
    content = line.content[:_MAX_CONTENT].decode("utf-8", "replace")
    try:
        product = parse_record(record, "", MAX_DESCRIPTION).product
        image = product.image
        if image and not scheme(image):
            image = join(posixpath.dirname(file), image)
        images = (image,) if image else ()
        return SourceRow(
            product.id, product.title, product.description, product.price, image_urls=images
        )
    except RejectedLine as error:
        return Reject(place, error.reason, error.detail, content, known)
    except ValueError as error:
        return Reject(place, "value", str(error), content, known)
