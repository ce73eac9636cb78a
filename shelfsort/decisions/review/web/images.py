"""The pictures of products that people look at."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import reader
from shelfsort.core.storage import absolute, is_folder, join
from shelfsort.decisions.database.tables import run
from shelfsort.products.images.pages import DOWNLOAD_S, PageImages
from shelfsort.products.images.source import ImageSource

_MOST_ROOTS = 1_000


class Images:
    """Reads pictures and shows them as small JPEGs. Threads may share it."""

    def __init__(self, roots: Sequence[str], *, allow_http: bool = False):
        """Reads nothing.

        Args:
            roots: folders and addresses that pictures may lie in, one at least.
            allow_http: whether they are fetched from the web.
        """
        self._shown = PageImages()
        self._source = ImageSource(
            join(roots[0], "-"), roots[1:], allow_http=allow_http, download_s=DOWNLOAD_S
        )

    def jpeg(self, reference: str) -> bytes:
        """The picture at a reference.

        Raises:
            RejectedLine: there is none, or it cannot be read or shown.
        """
        return self._shown.jpeg(self._source, reference)


def data_folders(engine: Engine) -> list[str]:
    """The folders of the data that were decided about, where pictures may lie."""
    chosen = sa.select(run.c.data).distinct().order_by(run.c.data).limit(_MOST_ROOTS)
    with reader(engine) as connection:
        found = [str(data) for data in connection.execute(chosen).scalars() if data]
    folders = []
    for data in found:
        place = absolute(data)
        folders.append(place if _is_folder(place) else place.rpartition("/")[0])
    return list(dict.fromkeys(each for each in folders if each))


def _is_folder(place: str) -> bool:
    try:
        return is_folder(place)
    except OSError:
        return False
