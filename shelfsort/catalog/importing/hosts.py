"""At which hosts the main pictures of a pass are."""

import json
from collections import Counter
from collections.abc import Iterable

_KEPT = 1_000
_OTHERS = "*"


class MainHosts:
    """The number of rows of a pass by the host of their main picture.

    The 1,000 hosts with the most rows are kept; the others are one.
    """

    def __init__(self, number: Iterable[tuple[str, int]] = ()):
        """`number` are rows by host."""
        self._rows: Counter[str] = Counter(dict(number))

    @classmethod
    def read(cls, text: str) -> "MainHosts":
        """What `written` gave; "" is none."""
        return cls(json.loads(text or "{}").items())

    def written(self) -> str:
        """As JSON."""
        if len(self._rows) > _KEPT:
            most = dict(self._rows.most_common(_KEPT - 1))
            most[_OTHERS] = most.get(_OTHERS, 0) + self.total - sum(most.values())
            self._rows = Counter(most)
        return json.dumps(self._rows)

    def add(self, host: str, times: int = 1) -> None:
        """Counts rows with a main picture at a host; "" for none."""
        if host:
            self._rows[host] += times

    @property
    def total(self) -> int:
        """Number of rows with a picture."""
        return self._rows.total() if hasattr(self._rows, "total") else sum(self._rows.values())

    def shared(self, other: "MainHosts") -> int:
        """Number of rows that both have at the same hosts."""
        return sum((self._rows & other._rows).values())

    def new(self, other: "MainHosts", most: int = 3) -> list[str]:
        """The hosts that have more rows here than there, those with the most first."""
        return [host for host, _ in (self._rows - other._rows).most_common(most)]
