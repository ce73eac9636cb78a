"""Fetching as a whole: the lock, what a kill left behind, the run, and what to say of it."""

from collections.abc import Callable
from dataclasses import dataclass

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.fetching.cropping import CroppedHost, cropped_hosts
from shelfsort.catalog.fetching.engine import FetchRun, Order, Progress
from shelfsort.catalog.fetching.locking import store_lock
from shelfsort.catalog.fetching.pace import Rules
from shelfsort.catalog.fetching.placeholders import mark_placeholders
from shelfsort.catalog.fetching.store import ImageStore
from shelfsort.catalog.settings import CatalogSettings
from shelfsort.core.database.engine import closing
from shelfsort.core.errors import InputError
from shelfsort.core.http import AddressRule, is_public_address
from shelfsort.core.storage import file_system, is_remote


@dataclass(frozen=True)
class Fetched:
    """What a run came to.

    Attributes:
        progress: links by outcome, and the time.
        placeholders: number of pictures that are placeholders.
        cropped: hosts whose pictures look cropped.
        swept: number of files that an earlier kill had left in the store.
    """

    progress: Progress
    placeholders: int
    cropped: list[CroppedHost]
    swept: int


def fetch_pictures(
    settings: CatalogSettings,
    order: Order,
    said: Callable[[Progress], None],
    *,
    permitted: AddressRule = is_public_address,
    rules: Rules | None = None,
) -> Fetched:
    """Fetches the pictures of a catalogue that are due.

    Args:
        settings: of the catalogue.
        order: what to do.
        said: hears of the progress each second.
        permitted: which IP addresses may be connected to. No setting changes it.
        rules: of the pace; None for those of the settings.

    Raises:
        InputError: nobody can be contacted about the requests, there is no such database, the
            package for a bucket is missing, or another run fetches for it.
        RunFailed: pictures or tries cannot be written.
    """
    _check_contact(settings)
    folders = [folder for each in settings.sources.values() for folder in each.picture_folders]
    for folder in filter(is_remote, folders):
        file_system(folder)
    with closing(open_database(settings.database, must_exist=True)) as engine, store_lock(engine):
        # A bucket takes 256 requests to list, and keeps a stray without harm.
        swept = 0 if is_remote(settings.images) else ImageStore(settings.images).sweep(engine)
        run = FetchRun(
            engine,
            settings.images,
            settings.fetch,
            order,
            said,
            permitted=permitted,
            rules=rules,
            folders=folders,
        )
        progress = run.run()
        if progress.stopped or order.check_only:
            return Fetched(progress, 0, [], swept)
        placeholders = mark_placeholders(engine, settings.fetch.placeholder_products)
        return Fetched(progress, placeholders, cropped_hosts(engine), swept)


def _check_contact(settings: CatalogSettings) -> None:
    contact = settings.fetch.contact
    if not contact:
        raise InputError(
            f"{settings.file}: fetch.contact is missing: hosts have to know whom to write to. "
            "Add a mail or web address."
        )
    if not (contact.isascii() and contact.isprintable()):
        raise InputError(
            f"{settings.file}: fetch.contact: a header takes printable ASCII only. Correct it."
        )
