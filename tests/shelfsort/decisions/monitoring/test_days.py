"""Figures of each day."""

from collections import Counter
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from shelfsort.decisions.database.tables import backoff, dead_letter, review, task
from shelfsort.decisions.monitoring.days import figures
from tests.fixtures.decided_days import Shop

FIRST = datetime(2026, 3, 1, 9, tzinfo=timezone.utc)


def test_a_day_has_its_outcomes_and_a_day_without_any_is_there(engine):
    shop = Shop(engine)
    shop.day(FIRST, {"mugs": 10}, automatic=1.0, audited=4)
    shop.day(FIRST + timedelta(2), {"mugs": 3, "bowls": 2}, automatic=1.0, held_back="bowls")
    letter = {"run": 1, "product": "p", "input": "d", "at": FIRST, "error": "no"}
    with engine.begin() as connection:
        connection.execute(sa.insert(dead_letter), letter)
    found = figures(engine, 90, FIRST + timedelta(2, hours=5))
    assert [(each.decided, each.automatic) for each in found.days] == [(10, 10), (0, 0), (5, 3)]
    assert [each.drawn for each in found.days] == [4, 0, 0]
    assert [each.failures for each in found.days] == [1, 0, 0]
    assert found.days[2].outcomes == Counter(publish=3, review=2)
    assert found.days[2].held_back == 2
    assert found.categories["bowls"].outcomes == Counter(review=2)
    assert (found.categories["mugs"].automatic, found.categories["bowls"].held_back) == (13, 2)
    assert len(figures(engine, 2, FIRST + timedelta(2)).days) == 2


def test_what_waits_is_counted_at_the_end_of_each_day(engine):
    shop = Shop(engine)
    (first, *_) = shop.day(FIRST, {"mugs": 5}, automatic=0.0, reviewed=2)
    shop.day(FIRST + timedelta(1), {"mugs": 4}, automatic=0.0, reviewed=4)
    now = FIRST + timedelta(3)
    said = {"at": now, "reviewer": "Ann", "kind": "review", "category": "mugs"}
    with engine.begin() as connection:
        id_ = connection.execute(
            sa.select(review.c.id).where(review.c.decision == first)
        ).scalar_one()
        # Taken back on the last day: nobody has looked at it.
        connection.execute(sa.insert(review), {**said, "decision": first, "undoes": id_})
    found = figures(engine, 90, now)
    assert [each.waiting for each in found.days] == [4, 4, 4, 4]
    assert [each.oldest_days for each in found.days] == [0, 1, 2, 3]
    assert (found.waiting, found.oldest, found.oldest_s) == (4, FIRST, 3 * 86_400.0)
    # Another machine's clock, on which the decisions are still to come.
    assert figures(engine, 90, FIRST - timedelta(2)).oldest_s == 0


def test_a_decision_that_awaits_a_second_opinion_still_waits(engine):
    shop = Shop(engine)
    ids = shop.day(FIRST, {"mugs": 3}, automatic=0.0, reviewed=3)
    asked = {"since": FIRST, "due": FIRST, "value": 1.0}
    tasks = [
        {**asked, "decision": ids[0], "kind": "second"},
        {**asked, "decision": ids[1], "kind": "gold"},
        {**asked, "decision": ids[2], "kind": "second", "closed": FIRST},
    ]
    with engine.begin() as connection:
        for row in tasks:
            connection.execute(sa.insert(task), row)
    found = figures(engine, 90, FIRST + timedelta(1))
    assert (found.waiting, [each.waiting for each in found.days]) == (1, [1, 1])


def test_a_backoff_holds_from_its_day_until_it_is_lifted(engine):
    Shop(engine).day(FIRST, {"mugs": 1})
    rows = [
        {"category": "mugs", "since": FIRST, "lifted": FIRST + timedelta(1), "lifted_by": "Ann"},
        {"category": "", "since": FIRST - timedelta(9), "lifted": FIRST - timedelta(3)},
        {"category": "bowls", "since": FIRST + timedelta(2)},
    ]
    with engine.begin() as connection:
        for row in rows:
            connection.execute(sa.insert(backoff), row)
    found = figures(engine, 90, FIRST + timedelta(3))
    assert [each.category for each in found.backoffs] == ["mugs", "bowls"]
    held = [[b.category for b in found.backoffs if b.holds_on(d.day)] for d in found.days]
    assert held == [["mugs"], ["mugs"], ["bowls"], ["bowls"]]


def test_decisions_of_a_clock_that_is_ahead_are_not_counted_yet(engine):
    Shop(engine).day(FIRST + timedelta(1), {"mugs": 1})
    assert [each.decided for each in figures(engine, 30, FIRST).days] == [0]


def test_an_empty_database_has_a_day_without_decisions(engine):
    found = figures(engine, 30, FIRST)
    assert [(each.day, each.decided) for each in found.days] == [(FIRST.date(), 0)]
    assert (found.waiting, found.oldest_s, found.categories) == (0, 0.0, {})
