"""Two months of a shop in a results database."""

from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.database.tables import backoff, shadow
from tests.fixtures.decided_days import Shop

HOSTILE = "<img src=x onerror=document.title='run'>"
FIRST = datetime(2026, 3, 1, 9, tzinfo=timezone.utc)
NOW = FIRST + timedelta(44, hours=3)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    if request.param == "sqlite":
        return open_database(str(tmp_path / "decisions.db"))
    return open_database(request.getfixturevalue("postgresql"))


def two_months(engine):
    """45 days: a category doubles on the 36th, accuracy falls, and one is held back for a week."""
    shop = Shop(engine, seed=1)
    for n in range(45):
        mix = {"mugs": 40, "bowls": 60, HOSTILE: 20 if n < 35 else 60}
        ids = shop.day(
            FIRST + timedelta(n),
            mix,
            audited=20,
            right=0.99 if n < 25 else 0.85,
            reviewed=10,
            held_back="bowls" if 10 <= n < 17 else "",
        )
        if n >= 40:
            _candidate(engine, ids, FIRST + timedelta(n))
    held = {"category": "bowls", "since": FIRST + timedelta(10), "cause": "promise 0.98 broken"}
    lifted = {"lifted": FIRST + timedelta(17), "lifted_by": "Ann", "lift_reason": "new model"}
    with engine.begin() as connection:
        connection.execute(sa.insert(backoff), {**held, **lifted})
        connection.execute(sa.insert(backoff), {**held, "category": HOSTILE, "since": NOW})


def _candidate(engine, ids, at):
    row = {"candidate": HOSTILE, "at": at, "score": 0.9, "outcome": "publish", "category": "mugs"}
    with engine.begin() as connection:
        connection.execute(sa.insert(shadow), [{**row, "decision": id_} for id_ in ids[:50]])
