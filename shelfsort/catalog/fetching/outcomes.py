"""What a try to fetch a picture may come to, and when a link is tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from shelfsort.catalog.database.tables import link
from shelfsort.core.database.engine import UtcTime
from shelfsort.core.http.failures import FailureKind

GOOD, UNCHANGED, REACHABLE = "good", "unchanged", "reachable"
THROTTLED, DEAD_HOST, PLACEHOLDER = "throttled", "dead_host", "placeholder"
_HOUR, _DAY = 1, 24


@dataclass(frozen=True)
class Outcome:
    """A class of tries.

    Attributes:
        meaning: for people.
        hours: from each failure in a row to the next try; after the last one, never by itself.
        host_failed: whether it speaks against the host and not against the link.
    """

    meaning: str
    hours: Sequence[float] = ()
    host_failed: bool = False


OUTCOMES: Mapping[str, Outcome] = {
    GOOD: Outcome("a picture, kept in the store"),
    UNCHANGED: Outcome("the picture that the store has already"),
    REACHABLE: Outcome("seems to be a picture; links were only checked"),
    "gone": Outcome("status 404 or 410", (7 * _DAY, 30 * _DAY)),
    "moved": Outcome("redirects that do not end", (7 * _DAY, 30 * _DAY)),
    "blocked": Outcome("status 401, 402, 403 or 451", (_DAY, 7 * _DAY)),
    "robots": Outcome("robots.txt or X-Robots-Tag forbids it", (7 * _DAY, 30 * _DAY)),
    THROTTLED: Outcome("status 429: too many requests", (_HOUR, 6 * _HOUR, _DAY, 7 * _DAY)),
    "server_error": Outcome("status 500 to 599", (_HOUR, 6 * _HOUR, _DAY, 7 * _DAY)),
    "bad_answer": Outcome("another status, or no HTTP", (_DAY, 7 * _DAY)),
    "timeout": Outcome("no answer in time", (_HOUR, _DAY, 7 * _DAY), host_failed=True),
    "too_slow": Outcome("fewer bytes a second than allowed", (_DAY, 7 * _DAY), host_failed=True),
    DEAD_HOST: Outcome(
        "the host has no address, or answers nothing",
        (6 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY),
        host_failed=True,
    ),
    "certificate": Outcome(
        "not valid for the name of the host", (_DAY, 7 * _DAY, 30 * _DAY), host_failed=True
    ),
    "cut_off": Outcome("ends before it is whole", (_HOUR, _DAY, 7 * _DAY)),
    "too_large": Outcome("more bytes or pixels than allowed", (30 * _DAY,)),
    "not_an_image": Outcome("no picture, or a broken one", (7 * _DAY, 30 * _DAY)),
    PLACEHOLDER: Outcome("the same picture under many products"),
    "refused_address": Outcome("an inner address, a port or a user that is not allowed"),
    "invalid_address": Outcome("no address of the web"),
}
"""Every class, in the order in which it is shown."""

_KINDS: Mapping[FailureKind, str] = {
    "too_large": "too_large",
    "too_slow": "too_slow",
    "timeout": "timeout",
    "unconnected": DEAD_HOST,
    "unresolved": DEAD_HOST,
    "refused_address": "refused_address",
    "certificate": "certificate",
    "invalid": "invalid_address",
    "redirects": "moved",
    "cut_off": "cut_off",
    "robots": "robots",
}
_STATUSES = {
    401: "blocked",
    402: "blocked",
    403: "blocked",
    404: "gone",
    410: "gone",
    429: THROTTLED,
    451: "blocked",
}


@dataclass(frozen=True)
class Stored:
    """A picture in the store.

    Attributes:
        digest: SHA-256 of its bytes, in hex.
        format: "jpeg", "png" and so on, by its content.
        width: pixels.
        height: pixels.
        bytes: of the file.
    """

    digest: str
    format: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True)
class Try:
    """A try to fetch a picture.

    Attributes:
        link: number of the link.
        outcome: a class of OUTCOMES.
        attempts: failures of the link in a row, this one included.
        at: when it ended.
        final: whether it decides about the link; False: the link is tried again in this run.
        status: of HTTP; 0 without an answer.
        detail: why, in words.
        seconds: that it took.
        bytes: that were read.
        final_url: after redirects, where it differs.
        etag: of the picture.
        last_modified: of the picture.
        stored: the picture, where there is a new one.
    """

    link: int
    outcome: str
    attempts: int
    at: datetime
    final: bool = True
    status: int = 0
    detail: str = ""
    seconds: float = 0.0
    bytes: int = 0
    final_url: str = ""
    etag: str = ""
    last_modified: str = ""
    stored: Stored | None = None
    due_after: timedelta | None = field(default=None)

    @property
    def due(self) -> datetime | None:
        """When the link is tried again by itself; None for never."""
        if self.due_after is not None:
            return self.at + self.due_after
        hours = OUTCOMES[self.outcome].hours
        place = self.attempts - 1
        return self.at + timedelta(hours=hours[place]) if place < len(hours) else None


def of_failure(kind: FailureKind) -> str:
    """The class of a download's failure."""
    return _KINDS.get(kind, "bad_answer")


def of_status(status: int) -> str:
    """The class of an HTTP status that is none of success."""
    return _STATUSES.get(status, "server_error" if status >= 500 else "bad_answer")


def due_by_attempts(outcome: str, now: datetime) -> sa.ColumnElement[datetime]:
    """When links that fail now are tried again, by their failures in a row before this one."""
    hours = OUTCOMES[outcome].hours
    moments = {n: sa.literal(now + timedelta(hours=h), UtcTime) for n, h in enumerate(hours)}
    return sa.case(moments, value=link.c.attempts, else_=sa.null())
