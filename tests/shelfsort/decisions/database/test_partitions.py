"""Predictions by day: made ahead, found again after a migration, and dropped."""

from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from shelfsort.core.database import migrations
from shelfsort.core.database.engine import open_engine, reader
from shelfsort.decisions.database import opening
from shelfsort.decisions.database.copying import RefusedRows, copy_decisions
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.database.partitions import drop_empty_days, make_days
from shelfsort.decisions.database.tables import rules, run
from shelfsort.decisions.database.writing import write_decisions

FIRST = datetime(2026, 11, 1, 23, 59, tzinfo=timezone.utc)
PARTITIONS = (
    "select child.relname from pg_inherits join pg_class child on child.oid = inhrelid "
    "where inhparent = 'prediction_detail'::regclass order by 1"
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "decisions.db")
    return request.getfixturevalue("postgresql")


def answered(product, outcome="publish", **more):
    return {
        **{"product": product, "input": f"digest of {product}", "model": "3", "score": 0.9},
        **{"category": "mugs", "accepted": "98", "answer": "mugs", "unknown": None},
        **{"top": "[]", "fields": "{}", "shown": f'{{"title": "{product}"}}'},
        **{"rules": "a", "outcome": outcome, "reason": "", "rule": "r", "held_back": ""},
        **{"rate": None, "draw": None},
        **more,
    }


def known(id_, product, **more):
    """A row whose answer is stored already: without its details."""
    whole = answered(product, id=id_, **more)
    return {name: whole[name] for name in whole if name not in ("top", "fields", "shown")}


def begin(connection):
    connection.execute(sa.insert(run), {"id": 1, "started": FIRST})
    connection.execute(sa.insert(rules), [{"digest": each, "stored": FIRST} for each in "ab"])


def rows(engine, query):
    with reader(engine) as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def test_each_day_has_its_details_and_a_product_sent_again_is_decided_once(place):
    engine = open_database(place)
    with engine.begin() as connection:
        begin(connection)
        assert write_decisions(connection, [answered("p"), answered("q")], 1, FIRST) == 2
    with engine.begin() as connection:
        ((number,),) = connection.execute(sa.text("select id from prediction where product = 'q'"))
        again = [answered("p"), known(number, "q", rules="b"), answered("r")]
        assert write_decisions(connection, again, 1, FIRST + timedelta(minutes=2)) == 2
    assert rows(engine, "select count(*) from prediction") == [(3,)]
    assert rows(engine, "select shown from prediction_detail order by prediction") == [
        (f'{{"title": "{product}"}}',) for product in "pqr"
    ]
    if engine.dialect.name == "postgresql":
        assert rows(engine, PARTITIONS) == [
            ("prediction_detail_20261101",),
            ("prediction_detail_20261102",),
        ]
        assert rows(engine, "select count(*) from prediction_detail_20261101") == [(2,)]


@pytest.mark.slow
def test_rows_are_copied_where_all_are_new_and_there_is_their_day(postgresql):
    engine = open_database(postgresql)
    with engine.begin() as connection:
        begin(connection)
    for wrong in ("no partition", "same product"):
        with pytest.raises(RefusedRows), engine.begin() as connection:
            copy_decisions(connection, [answered("o"), answered("p")], 1, FIRST)
        if wrong == "no partition":
            with engine.begin() as connection:
                make_days(connection, FIRST)
                drawn = answered("p", rate=0.5, draw=0.25)
                undecided = answered("q", outcome=None)
                assert copy_decisions(connection, [drawn, undecided], 1, FIRST) == 1
    ((number,),) = rows(engine, "select id from prediction where product = 'q'")
    with engine.begin() as connection:
        assert copy_decisions(connection, [known(number, "q", rules="b")], 1, FIRST) == 1
    assert rows(engine, "select product, outcome from latest_decision order by product") == [
        ("p", "publish"),
        ("q", "publish"),
    ]
    assert rows(engine, "select rate, draw from audit") == [(0.5, 0.25)]
    assert rows(engine, "select count(*) from prediction_detail") == [(2,)]


def test_days_are_made_ahead_once(postgresql):
    engine = open_database(postgresql)
    for first, days in ((FIRST, 3), (FIRST + timedelta(days=1), 3)):
        with engine.begin() as connection:
            make_days(connection, first, days)
    names = [name for (name,) in rows(engine, PARTITIONS)]
    assert [name[-2:] for name in names] == ["01", "02", "03", "04"]


def test_a_day_is_dropped_once_it_is_empty_and_over(place):
    engine = open_database(place)
    with engine.begin() as connection:
        begin(connection)
        for day, product in enumerate("pqr"):
            write_decisions(connection, [answered(product)], 1, FIRST + timedelta(days=day))
        connection.execute(sa.text("delete from prediction where product <> 'q'"))
    with engine.begin() as connection:
        dropped = drop_empty_days(connection, FIRST + timedelta(days=2))
    assert rows(engine, "select shown from prediction_detail") == [('{"title": "q"}',)]
    if engine.dialect.name == "postgresql":
        assert dropped == 1
        left = ["prediction_detail_20261102", "prediction_detail_20261103"]
        assert [name for (name,) in rows(engine, PARTITIONS)] == left


def test_a_prediction_that_is_deleted_takes_its_detail_along(place):
    engine = open_database(place)
    with engine.begin() as connection:
        begin(connection)
        write_decisions(connection, [answered("p"), answered("q")], 1, FIRST)
        connection.execute(sa.text("delete from prediction where product = 'p'"))
    assert rows(engine, "select shown from prediction_detail") == [('{"title": "q"}',)]
    assert rows(engine, "select product from latest_decision") == [("q",)]


def test_an_older_database_keeps_every_row(place, monkeypatch):
    folder, table = opening.ROOM.folder, opening.ROOM.table
    whole = ScriptDirectory._upgrade_revs
    with monkeypatch.context() as older:
        older.setattr(
            ScriptDirectory, "_upgrade_revs", lambda self, _, now: whole(self, "0001", now)
        )
        migrations.upgrade(open_engine(place), place, folder, table)
    days = [FIRST + timedelta(hours=7 * n) for n in range(10)]
    old = open_engine(place)
    stored = sa.table("prediction", *map(sa.column, (*_FIXED, "at")))
    with old.begin() as connection:
        begin(connection)
        for n, at in enumerate(days):
            row = {"id": n + 1, "product": f"p{n}", "input": "d", "model": "3", "run": 1}
            row |= {"score": 0.5, "top": "[]", "fields": "{}", "shown": f"s{n}"}
            moment = at.replace(tzinfo=None) if old.dialect.name == "sqlite" else at
            connection.execute(sa.insert(stored), {**row, "at": moment})
            connection.execute(
                sa.text(
                    "insert into decision (prediction, rules, at, run, outcome) "
                    "select id, 'a', at, 1, 'publish' from prediction where id = :id"
                ),
                {"id": n + 1},
            )
    engine = open_database(place)
    joined = (
        "select p.product, d.shown from prediction p join prediction_detail d "
        "on d.prediction = p.id and d.at = p.at order by p.id"
    )
    assert rows(engine, joined) == [(f"p{n}", f"s{n}") for n in range(10)]
    assert rows(engine, "select count(*) from latest_decision") == [(10,)]
    if engine.dialect.name == "postgresql":
        assert [name[-2:] for (name,) in rows(engine, PARTITIONS)] == ["01", "02", "03", "04"]


_FIXED = ("id", "product", "input", "model", "run", "score", "top", "fields", "shown")
