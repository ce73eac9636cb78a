"""Places that a command of the catalogue may not write to."""

import posixpath
from collections.abc import Iterator

from shelfsort.catalog.settings import CatalogSettings
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.core import storage
from shelfsort.core.files import refuse_inputs


def refuse_own_files(settings: CatalogSettings, output: str, *more: str) -> None:
    """Refuses to write over the catalogue itself: its settings, database, tree and tables.

    Args:
        settings: of the catalogue.
        output: place that a command is to write.
        more: further places that it reads.

    Raises:
        InputError: the output is one of them.
    """
    tables = (each for source in settings.sources.values() for each in _tables(source, output))
    refuse_inputs(output, settings.file, settings.database, settings.taxonomy, *more, *tables)


def _tables(source: SourceSettings, output: str) -> Iterator[str]:
    """The files of a source that the output may be: named ones, and itself in a folder of them."""
    folder = posixpath.dirname(storage.absolute(output))
    for each in getattr(source, "files", ()):
        place = storage.placed(source.folder, each)
        yield place
        beneath = posixpath.dirname(place) if posixpath.basename(place).count("*") else place
        if beneath.rstrip("/") == folder and storage.exists(output):
            yield output
