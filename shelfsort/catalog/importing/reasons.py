"""How many rows went to quarantine, and why."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

ADDRESS = "address"
"""The reason of an address of a picture that is left out; its product is taken."""


@dataclass(frozen=True)
class Reason:
    """Rows in quarantine with one reason.

    Attributes:
        number: of rows.
        place: of the first.
        detail: of the first, for people.
    """

    number: int
    place: str
    detail: str


@dataclass
class Reasons:
    """The reasons of a pass, by code in the order of their first appearance."""

    of: dict[str, Reason] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "Reasons":
        """What `written` gave; "" is no reason."""
        return cls({code: Reason(*values) for code, values in json.loads(text or "{}").items()})

    def written(self) -> str:
        """As JSON."""
        return json.dumps({code: [r.number, r.place, r.detail] for code, r in self.of.items()})

    def add(self, found: Iterable[tuple[str, str, str]]) -> None:
        """Counts rows by code, with their place and detail."""
        for code, place, detail in found:
            seen = self.of.get(code)
            if seen is None:
                self.of[code] = Reason(1, place, detail)
            else:
                self.of[code] = Reason(seen.number + 1, seen.place, seen.detail)
