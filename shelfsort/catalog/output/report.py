"""What a report says about a catalogue, taken from its database and its pictures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.fetching.cropping import CroppedHost, cropped_hosts
from shelfsort.catalog.output.advice import Step, next_steps
from shelfsort.catalog.output.contact_sheet import (
    SheetRow,
    Thumbnail,
    contact_sheet,
    shared_pictures,
)
from shelfsort.catalog.output.figures import Figures, catalogue_figures
from shelfsort.catalog.output.labels import settings_label
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.settings import CatalogSettings
from shelfsort.core.database.engine import closing, reader, reading_errors

_ROWS = 16


@dataclass(frozen=True)
class Report:
    """What the page and the notebook show.

    Attributes:
        name: of the settings.
        figures: of the database.
        steps: what to do next.
        sheet: pictures of the largest classes.
        shared: pictures of several products.
        cropped: hosts whose pictures look cut to one shape.
    """

    name: str
    figures: Figures
    steps: Sequence[Step]
    sheet: Sequence[SheetRow] = ()
    shared: Sequence[Thumbnail] = ()
    cropped: Sequence[CroppedHost] = ()


def take_report(settings: CatalogSettings, taken: datetime | None = None) -> Report:
    """Takes the report from one state of the database.

    Args:
        settings: of the catalogue.
        taken: moment that ages end at; None for now.

    Raises:
        InputError: the database or the tree cannot be read.
    """
    label = settings_label(settings)
    pictures = Pictures(settings.images)
    with (
        reading_errors(settings.database),
        closing(open_database(settings.database, must_exist=True)) as engine,
    ):
        cropped = cropped_hosts(engine)
        with reader(engine) as connection:
            moment = taken or datetime.now(timezone.utc)
            figures = catalogue_figures(connection, moment, label)
            names = [name for name, _ in figures.classes.most_common(_ROWS)]
            shared = Counter({each.digest: each.products for each in figures.duplicates.most})
            return Report(
                settings.file,
                figures,
                next_steps(figures, settings.file),
                contact_sheet(connection, pictures, names, label),
                shared_pictures(connection, pictures, shared),
                cropped,
            )
