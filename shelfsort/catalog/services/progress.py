"""How far a pass over a paged service has come, and what it leaves for the next pass."""

import dataclasses
import json
from dataclasses import dataclass, field

import pydantic

from shelfsort.catalog.services.queries import Query


@dataclass
class Split:
    """A query that was divided.

    Attributes:
        total: products that the service announced for it, None where it did not.
        got: products of its parts so far.
    """

    total: int | None
    got: int = 0


@dataclass
class Progress:
    """Where a pass stands; its JSON is the cursor of a page.

    Attributes:
        query: that is being read.
        mark: where it goes on, "" at its beginning.
        ended: whether the last page of this round has been given.
        round: number of the pass over the query, from 1.
        got: different products of this round.
        fresh: of these, those that no earlier round gave.
        repeated: products that came again in this round.
        moved: whether the announced total changed in this round.
        sound: False if products may have been skipped in this round.
        total: that was announced last, None where none was.
        splits: divided queries that this one is a part of, the outermost first.
        missed: whether products of an earlier query may be missing.
        paged: whether any answer has named a next page.
        since: moment after which products have changed, in a pass over those only.
        began: moment of the pass at the service, ISO 8601.
        etag: of the first answer.
    """

    query: Query = ()
    mark: str = ""
    ended: bool = False
    round: int = 1
    got: int = 0
    fresh: int = 0
    repeated: int = 0
    moved: bool = False
    sound: bool = True
    total: int | None = None
    splits: list[Split] = field(default_factory=list)
    missed: bool = False
    paged: bool = False
    since: str = ""
    began: str = ""
    etag: str = ""

    @classmethod
    def read(cls, cursor: str) -> "Progress":
        """What `written` gave. Raises ValueError for anything else."""
        read: Progress = pydantic.TypeAdapter(cls).validate_json(cursor)
        return read

    def written(self) -> str:
        """As JSON."""
        return json.dumps(dataclasses.asdict(self))

    def turn_to(self, query: Query) -> None:
        """Begins another query."""
        self.query = query
        self._begin(1)
        self.total = None

    def again(self) -> None:
        """Begins another round of the same query."""
        self._begin(self.round + 1)

    def _begin(self, number: int) -> None:
        self.mark, self.ended, self.round = "", False, number
        self.got = self.fresh = self.repeated = 0
        self.moved, self.sound = False, True


@dataclass(frozen=True)
class Remembered:
    """What a whole pass leaves for the next one.

    Attributes:
        since: moment of the pass at the service, ISO 8601; "" if the next pass has to be full.
        full: moment of the last full pass.
        etag: of the first answer.
        paged: whether any answer has named a next page.
    """

    since: str = ""
    full: str = ""
    etag: str = ""
    paged: bool = False

    @classmethod
    def read(cls, state: str) -> "Remembered":
        """What `written` gave; nothing for "" and for anything else."""
        try:
            read: Remembered = pydantic.TypeAdapter(cls).validate_json(state or "{}")
        except ValueError:
            return cls()
        return read

    def written(self) -> str:
        """As JSON."""
        return json.dumps(dataclasses.asdict(self))
