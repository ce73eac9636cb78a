"""Asks a service for products by their ids."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shelfsort.catalog.rows import Reject, SourceRow
from shelfsort.catalog.services.client import Service
from shelfsort.catalog.services.mapping import Mapper
from shelfsort.catalog.services.reading import rows_at

ONE, SEVERAL = "{id}", "{ids}"
"""What stands in an address for one id, or for several."""
MISSING, REFUSED, NOT_ASKED = "missing", "refused", "not_asked"
"""Reasons: the service has no such product, refuses the id, or gives another product."""
_ABSENT = frozenset({404, 410})
# One id of many may be the reason.
_DIVIDED = _ABSENT | {400, 413, 414, 422}


@dataclass(frozen=True)
class Asking:
    """How ids are put to a service.

    Attributes:
        address: with `{id}` or `{ids}`; of a POST, with neither.
        separator: between ids in an address.
        post: name of the list in the JSON that is posted; "" posts the list alone; None: a GET.
        body: more of the JSON that is posted.
        rows: path of the products in an answer.
        named: whether the products name their ids.
    """

    address: str
    separator: str
    post: str | None
    body: Mapping[str, Any]
    rows: str
    named: bool

    def request(self, ids: Sequence[str]) -> tuple[str, bytes]:
        """The address and the body that ask for these ids."""
        if self.post is not None:
            content: Any = {**self.body, self.post: list(ids)} if self.post else list(ids)
            return self.address, json.dumps(content).encode()
        joined = quote(self.separator, safe=",").join(quote(id_, safe="") for id_ in ids)
        return self.address.replace(SEVERAL, joined).replace(ONE, joined), b""


@dataclass(frozen=True)
class Found:
    """What came of some ids.

    Attributes:
        rows: products.
        rejects: ids without a product, with the reason.
    """

    rows: Sequence[SourceRow]
    rejects: Sequence[Reject]


class Batches:
    """Asks for ids, several requests at a time."""

    def __init__(self, service: Service, asking: Asking, mapper: Mapper, size: int, at_once: int):
        """Prepares the requests.

        Args:
            service: that is asked.
            asking: how.
            mapper: of its products.
            size: most ids of a request.
            at_once: most requests at a time.
        """
        self._service = service
        self._asking = asking
        self._mapper = mapper
        self._size = size
        self._at_once = at_once

    @property
    def most(self) -> int:
        """Ids that `find` takes at a time."""
        return self._size * self._at_once

    def find(self, ids: Sequence[str]) -> Found:
        """The products of these ids. Raises InputError where the service does not answer."""
        parts = [ids[n : n + self._size] for n in range(0, len(ids), self._size)]
        pool = ThreadPoolExecutor(self._at_once)
        try:
            found = list(pool.map(self._batch, parts))
        except BaseException:
            # Requests under way end with an error, so nobody waits for them.
            pool.shutdown(wait=False, cancel_futures=True)
            self._service.close()
            raise
        pool.shutdown()
        rows = [row for each in found for row in each.rows]
        return Found(rows, [reject for each in found for reject in each.rejects])

    def _batch(self, ids: Sequence[str]) -> Found:
        if self._asking.post is None and ids[0] in (".", ".."):
            # In an address they mean a folder.
            return Found([], [Reject(f"id {ids[0]}", REFUSED, "no id that an address can hold")])
        url, body = self._asking.request(ids)
        reply = self._service.ask(url, body=body, expected=_DIVIDED)
        if reply.status not in _DIVIDED:
            return self._matched(ids, rows_at(reply.value, self._asking.rows))
        if len(ids) > 1:
            half = len(ids) // 2
            first, second = self._batch(ids[:half]), self._batch(ids[half:])
            return Found([*first.rows, *second.rows], [*first.rejects, *second.rejects])
        said = f"HTTP status {reply.status}"
        if reply.status in _ABSENT:
            return Found([], [Reject(f"id {ids[0]}", MISSING, said)])
        # It is not known to be gone: it stays as it was.
        return Found([], [Reject(f"id {ids[0]}", REFUSED, said, id=ids[0])])

    def _matched(self, ids: Sequence[str], items: Sequence[Any]) -> Found:
        rows: list[SourceRow] = []
        rejects: list[Reject] = []
        left = dict.fromkeys(ids)
        for item in items:
            id_ = self._mapper.id_of(item) if self._asking.named else ids[0]
            row = self._mapper.row(item, f"id {id_}" if id_ else f"answer to {ids[0]}", id_=id_)
            if isinstance(row, SourceRow) and row.id not in left:
                rejects.append(Reject(f"id {row.id}", NOT_ASKED, f"answer to {ids[0]}"))
            elif isinstance(row, SourceRow):
                rows.append(row)
            else:
                rejects.append(row)
        given = {row.id for row in rows} | {reject.id for reject in rejects}
        absent = [id_ for id_ in left if id_ not in given]
        rejects += [Reject(f"id {id_}", MISSING, "the answer does not hold it") for id_ in absent]
        return Found(rows, rejects)
