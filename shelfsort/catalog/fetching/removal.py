"""Removes links and pictures that no product uses any more."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.catalog.database.tables import image, link, product_link
from shelfsort.catalog.fetching.locking import store_lock
from shelfsort.catalog.fetching.store import ImageStore

_AT_ONCE = 500


@dataclass(frozen=True)
class Removed:
    """Attributes: links and images, the numbers that were removed."""

    links: int
    images: int


def remove_unused(engine: Engine, store: str) -> Removed:
    """Removes the links of no product, then the images of no link: rows first, then files.

    A kill between the two leaves files that the next fetch sweeps.

    Args:
        engine: of the crawl database.
        store: place of the pictures.

    Raises:
        InputError: pictures are being fetched.
        OSError: the store cannot be written.
    """
    images = ImageStore(store)
    with store_lock(engine):
        links = _remove_links(engine)
        removed = 0
        while batch := _remove_images(engine):
            for digest, format_ in batch:
                images.remove(digest, format_)
            removed += len(batch)
    return Removed(links, removed)


def _remove_links(engine: Engine) -> int:
    used = sa.exists().where(product_link.c.link == link.c.id)
    with engine.begin() as connection:
        return connection.execute(sa.delete(link).where(~used)).rowcount


def _remove_images(engine: Engine) -> list[tuple[str, str]]:
    """Removes the rows of some images without links; digests and formats of these."""
    used = sa.exists().where(link.c.image == image.c.digest)
    some = sa.select(image.c.digest, image.c.format).where(~used).limit(_AT_ONCE)
    with engine.begin() as connection:
        batch = [(str(digest), str(format_)) for digest, format_ in connection.execute(some)]
        digests = [digest for digest, _ in batch]
        connection.execute(sa.delete(image).where(image.c.digest.in_(digests)))
    return batch
