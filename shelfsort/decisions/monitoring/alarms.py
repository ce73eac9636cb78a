"""What somebody has to look at, and who was told of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.tables import event
from shelfsort.decisions.monitoring.drift import Drift
from shelfsort.decisions.promise.verdict import Verdict

PROMISE, DRIFT = "promise_broken", "drift"
_WHAT = "alarm"


@dataclass(frozen=True)
class Alarm:
    """Something that is not as it was promised, or as it was.

    Attributes:
        kind: `PROMISE` or `DRIFT`.
        category: id; "" for all together.
    """

    kind: str
    category: str = ""


def alarms_of(verdict: Verdict | None, drift: Drift | None) -> list[Alarm]:
    """The alarms that follow, those about everything first."""
    found = []
    if verdict is not None:
        found += [Alarm(PROMISE)] if verdict.overall.alarm is not None else []
        found += [Alarm(PROMISE, category) for category in verdict.broken]
    if drift is not None:
        found += [Alarm(DRIFT)] if drift.alarm is not None else []
        found += [Alarm(DRIFT, category) for category in drift.drifted]
    return found


def in_words(alarm: Alarm) -> str:
    """An alarm as a sentence."""
    if alarm.kind == PROMISE:
        where = f"in {alarm.category}" if alarm.category else "overall"
        return f"The promise is broken {where}."
    if alarm.category:
        return f"{alarm.category} has drifted: its share or its scores are not those of before."
    return "Categories or scores have drifted together."


def tell_once(
    engine: Engine, who: str, alarms: Sequence[Alarm], tell: Callable[[Sequence[Alarm]], None]
) -> bool:
    """Tells of alarms if they are not those of the last time; returns whether it did.

    That there are no more of them is told, too. What was told is kept in the table `event`. If
    `tell` fails, the next call tells again.

    Args:
        engine: of the results database.
        who: command that tells; each has its own alarms.
        alarms: all that there are.
        tell: tells of them.
    """
    before = (
        sa.select(event.c.detail)
        .where(event.c.who == who, event.c.what == _WHAT)
        .order_by(event.c.id.desc())
        .limit(1)
    )
    with reader(engine) as connection:
        told = connection.execute(before).scalar()
    detail = json.dumps(sorted(map(asdict, alarms), key=lambda each: tuple(each.values())))
    if detail == (told or "[]"):
        return False
    tell(alarms)
    row = {"at": datetime.now(timezone.utc), "who": who, "what": _WHAT, "detail": detail}
    with engine.begin() as connection:
        connection.execute(sa.insert(event), row)
    return True
