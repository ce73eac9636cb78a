"""The pictures of products that people look at."""

from collections.abc import Sequence
from threading import BoundedSemaphore

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import reader
from shelfsort.core.storage import absolute, is_folder, join
from shelfsort.decisions.database.tables import run
from shelfsort.products.images.shown import shown_image
from shelfsort.products.images.source import ImageSource
from shelfsort.products.manifest.rejects import RejectedLine

_ENCODED_AT_ONCE = 2
_MOST_ROOTS = 1_000


class Images:
    """Reads pictures and shows them as small JPEGs. Threads may share it."""

    def __init__(self, roots: Sequence[str], *, allow_http: bool = False):
        """Reads nothing.

        Args:
            roots: folders and addresses that pictures may lie in, one at least.
            allow_http: whether they are fetched from the web.
        """
        # A large image takes 200 MB while it is encoded.
        self._encoding = BoundedSemaphore(_ENCODED_AT_ONCE)
        self._source = ImageSource(join(roots[0], "-"), roots[1:], allow_http=allow_http)

    def jpeg(self, reference: str) -> bytes:
        """The picture at a reference.

        Raises:
            RejectedLine: there is none, or it cannot be read or shown.
        """
        if not reference:
            raise RejectedLine("missing_image", "the product has no image")
        content = self._source.read(self._source.locate(reference))
        with self._encoding:
            return shown_image(content)


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
