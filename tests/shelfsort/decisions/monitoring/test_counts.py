"""Counts of answers by day, which outlive the answers."""

from datetime import date, datetime, timedelta, timezone

import sqlalchemy as sa

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.tables import day_count, prediction
from shelfsort.decisions.monitoring.counts import SCORES, day_counts, keep_days
from shelfsort.decisions.retention.deletion import delete_products
from shelfsort.decisions.retention.pruning import prune
from tests.fixtures.decided_days import Shop

MIDNIGHT = datetime(2026, 3, 1, tzinfo=timezone.utc)


def kept(engine):
    with reader(engine) as connection:
        chosen = sa.select(day_count.c.day, day_count.c.category, day_count.c.answers)
        return sorted(tuple(row) for row in connection.execute(chosen))


def test_days_that_are_over_are_kept_once_and_survive_a_deletion(engine):
    shop = Shop(engine)
    shop.day(MIDNIGHT, {"mugs": 3, "bowls": 2})
    shop.day(MIDNIGHT + timedelta(1, seconds=-1), {"mugs": 4})
    shop.day(MIDNIGHT + timedelta(1), {"lamps": 5})
    before = day_counts(engine)
    assert keep_days(engine, MIDNIGHT + timedelta(1, hours=2)) == 2
    assert keep_days(engine, MIDNIGHT + timedelta(1, hours=3)) == 0
    assert kept(engine) == [("2026-03-01", "bowls", 2), ("2026-03-01", "mugs", 7)]
    with engine.begin() as connection:
        connection.execute(sa.delete(prediction).where(prediction.c.at < MIDNIGHT + timedelta(1)))
    after = day_counts(engine)
    assert after.days == before.days == [date(2026, 3, 1), date(2026, 3, 2)]
    assert after.categories == ["bowls", "lamps", "mugs"]
    assert after.answers.tolist() == before.answers.tolist() == [[2, 0, 7], [0, 5, 0]]
    assert after.scores.tolist() == before.scores.tolist()
    assert keep_days(engine, MIDNIGHT + timedelta(5)) == 1


def test_answers_are_counted_at_each_score_and_by_version(engine):
    shop = Shop(engine)
    assert day_counts(engine) is None
    shop.day(MIDNIGHT, {"mugs": 50}, model="3")
    shop.day(MIDNIGHT, {"mugs": 7}, model="4")
    with reader(engine) as connection:
        scores = connection.execute(
            sa.select(prediction.c.score).where(prediction.c.model == "3")
        ).scalars()
        expected = [sum(score >= least for score in scores) for least in SCORES[:1]]
    assert day_counts(engine).model == "4"
    found = day_counts(engine, "3")
    assert found.answers.sum() == 50
    assert found.scores[0, 0, 0] == expected[0]
    assert (found.scores[0, 0, :-1] >= found.scores[0, 0, 1:]).all()


def test_what_removes_products_keeps_the_counts_of_their_days(engine):
    shop = Shop(engine)
    shop.day(MIDNIGHT, {"mugs": 3})
    shop.day(MIDNIGHT + timedelta(1), {"mugs": 2})
    delete_products(engine, ["p1"], "Ann", "asked for it")
    assert kept(engine) == [("2026-03-01", "mugs", 3), ("2026-03-02", "mugs", 2)]
    prune(engine, MIDNIGHT + timedelta(5), "Ann")
    assert day_counts(engine, "3").answers.tolist() == [[3], [2]]


def test_a_day_to_come_that_a_wrong_clock_kept_does_not_hide_the_days_before_it(engine):
    shop = Shop(engine)
    shop.day(MIDNIGHT, {"mugs": 3})
    shop.day(MIDNIGHT + timedelta(30_000), {"mugs": 1})
    # Both clocks were ahead, of the batch and of the monitor.
    assert keep_days(engine, MIDNIGHT + timedelta(30_001)) == 2
    shop.day(MIDNIGHT + timedelta(1), {"mugs": 5})
    found = day_counts(engine)
    assert found.answers[:, 0].tolist() == [3, 5, 1]
    assert keep_days(engine, MIDNIGHT + timedelta(2)) == 1
    assert day_counts(engine).answers[:, 0].tolist() == [3, 5, 1]
