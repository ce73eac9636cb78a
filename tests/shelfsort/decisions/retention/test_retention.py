"""Old decisions and those of a customer go with all rows about them; the evidence stays."""

import json
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.database.partitions import make_days
from shelfsort.decisions.promise.stored import lift, stored_audits
from shelfsort.decisions.promise.verdict import judge
from shelfsort.decisions.retention.deletion import delete_products
from shelfsort.decisions.retention.pruning import prune
from shelfsort.decisions.review.events import note

TODAY = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
DAYS = 10
BEFORE = TODAY - timedelta(days=4, hours=12)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "d.db")
    return request.getfixturevalue("postgresql")


@pytest.fixture
def engine(place):
    engine = open_database(place)
    yield engine
    engine.dispose()


def fill(engine, days=DAYS, each=20):
    """Products p0, p1, … on each of the last days; every second is audited, one in ten is wrong."""
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.rules), {"digest": "r", "stored": TODAY})
        number = 0
        for day in range(days):
            at = TODAY - timedelta(days=day)
            make_days(connection, at)
            row = {"id": day + 1, "started": at, "ended": at}
            connection.execute(sa.insert(tables.run), row)
            place = {"run": day + 1, "place": f"f:{day}", "reason": "unusable"}
            connection.execute(sa.insert(tables.reject), place)
            dead = {"run": day + 1, "product": f"dead{day}", "input": "d", "at": at}
            connection.execute(sa.insert(tables.dead_letter), dead)
            for _ in range(each):
                _add(connection, number, day + 1, at)
                number += 1


def _add(connection, n, run, at):
    leaf = ("mugs", "lamps")[n // 2 % 2]
    answer = {"id": n + 1, "product": f"p{n}", "input": "d", "model": "1", "at": at, "run": run}
    connection.execute(sa.insert(tables.prediction), {**answer, "score": 0.9, "category": leaf})
    detail = {"prediction": n + 1, "at": at, "shown": json.dumps({"title": f"secret {n}"})}
    connection.execute(sa.insert(tables.prediction_detail), detail)
    decided = {"id": n + 1, "prediction": n + 1, "rules": "r", "at": at, "run": run}
    connection.execute(sa.insert(tables.decision), {**decided, "outcome": "publish"})
    if n % 2:
        return
    rate = 0.5 if leaf == "lamps" else 0.25
    draw = n * 0.618 % 1 * rate
    audit = {"decision": n + 1, "drawn": at, "rate": rate, "draw": draw}
    connection.execute(sa.insert(tables.audit), audit)
    said = {"decision": n + 1, "at": at, "reviewer": "Ann", "kind": "audit"}
    category = "other" if n % 20 == 0 else leaf
    connection.execute(sa.insert(tables.review), {**said, "category": category})


def counts(engine):
    with reader(engine) as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in tables.metadata.sorted_tables
        }


def evidence(engine):
    """Audits by day, category and result, and those of the even sample."""
    found = stored_audits(engine)
    key = lambda each: (each.day, each.category, each.right)  # noqa: E731
    return sorted(map(key, found.audits)), sorted(map(key, found.even))


def broken_keys(engine):
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return []


def test_old_answers_go_with_all_that_hangs_on_them_and_the_promise_says_the_same(engine):
    fill(engine)
    before, said = counts(engine), evidence(engine)
    verdict = judge(stored_audits(engine).audits, 0.95, 0.05).overall.e_values
    counted = prune(engine, BEFORE, "Ann", dry_run=True)
    assert counts(engine) == before
    removed = prune(engine, BEFORE, "Ann")
    assert +counted.rows == +removed.rows
    assert dict(+removed.rows) == {
        **{"prediction": 100, "prediction_detail": 100, "decision": 100},
        **{"audit": 50, "review": 50, "dead_letter": 5, "reject": 5, "run": 5},
    }
    after = counts(engine)
    for name, n in removed.rows.items():
        assert after[name] == before[name] - n
    assert (removed.audits_kept, removed.audits_lost) == (50, 0)
    assert evidence(engine) == said
    assert judge(stored_audits(engine).audits, 0.95, 0.05).overall.e_values == verdict
    assert broken_keys(engine) == []
    with reader(engine) as connection:
        latest = connection.scalar(sa.text("select count(*) from latest_decision"))
        who, what, detail = connection.execute(
            sa.select(tables.event.c.who, tables.event.c.what, tables.event.c.detail)
        ).one()
    assert (latest, who, what) == (100, "Ann", "prune")
    assert json.loads(detail)["rows"]["prediction"] == 100
    assert not +prune(engine, BEFORE, "Ann").rows
    assert counts(engine)["event"] == 1


def test_what_a_person_is_to_look_at_stays(engine):
    fill(engine)
    with engine.begin() as connection:
        connection.execute(sa.delete(tables.review).where(tables.review.c.decision == 199))
        task = {"decision": 200, "kind": "review", "since": TODAY, "due": TODAY, "value": 1.0}
        connection.execute(sa.insert(tables.task), task)
        said = {"decision": 198, "at": TODAY, "reviewer": "Ann", "kind": "appeal"}
        connection.execute(sa.insert(tables.review), {**said, "category": "mugs"})
    removed = prune(engine, BEFORE, "Ann")
    assert (removed.kept_waiting, removed.rows["prediction"]) == (2, 97)
    with reader(engine) as connection:
        left = connection.execute(sa.select(tables.prediction.c.id).where(_is_old())).scalars()
        assert set(left) == {198, 199, 200}


def _is_old():
    return tables.prediction.c.at < BEFORE


def test_a_lift_ends_the_test_of_totals_too(engine):
    fill(engine)
    prune(engine, BEFORE, "Ann")
    with engine.begin() as connection:
        row = {"category": "mugs", "since": TODAY}
        connection.execute(sa.insert(tables.backoff), row)
    lift(engine, "mugs", "Ann", "new model")
    assert {category for _, category, _ in evidence(engine)[0]} == {"lamps"}


def test_a_product_goes_from_every_table_and_the_log_tells_numbers_only(engine):
    fill(engine)
    said = evidence(engine)
    with engine.begin() as connection:
        note(connection, "Bob", "appeal", TODAY, {"product": "p40", "decision": 41})
        shadow = {"candidate": "c", "decision": 41, "at": TODAY, "score": 0.5, "outcome": "x"}
        connection.execute(sa.insert(tables.shadow), shadow)
    before = counts(engine)
    removed = delete_products(engine, ["p40", "dead3", "p9999"], "Ann", "request 7")
    assert dict(+removed.rows) == {
        **{"prediction": 1, "prediction_detail": 1, "decision": 1, "audit": 1, "review": 1},
        **{"shadow": 1, "dead_letter": 1, "event": 1},
    }
    after = counts(engine)
    assert after["prediction"] == before["prediction"] - 1
    assert evidence(engine) == said
    assert broken_keys(engine) == []
    with reader(engine) as connection:
        for table in tables.metadata.sorted_tables:
            rows = connection.execute(sa.select(table)).all()
            assert not [row for row in rows if {"p40", "dead3"} & set(map(str, row))]
            assert "secret 40" not in str(rows) and '"p40"' not in str(rows)
        last = connection.execute(
            sa.select(tables.event.c.detail).order_by(tables.event.c.id.desc()).limit(1)
        ).scalar_one()
    assert json.loads(last)["reason"] == "request 7"
    assert not +delete_products(engine, ["p40"], "Ann", "request 7").rows


def test_an_audit_without_an_answer_is_lost_with_its_product_and_said(engine):
    fill(engine)
    with engine.begin() as connection:
        connection.execute(sa.delete(tables.review).where(tables.review.c.decision == 41))
    removed = delete_products(engine, ["p40"], "Ann", "request 8")
    assert (removed.audits_kept, removed.audits_lost) == (0, 1)


RUN = """
import sys
from datetime import datetime
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.retention import pruning
pruning._AT_ONCE = 20
engine = open_database(sys.argv[1])
print("begun", flush=True)
pruning.prune(engine, datetime.fromisoformat(sys.argv[2]), "Ann")
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_after_kills_the_evidence_is_whole_and_the_next_call_goes_on(place, engine):
    fill(engine, each=60)
    said, draw, killed = evidence(engine), random.Random(5), 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, place, BEFORE.isoformat()], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        time.sleep(draw.uniform(0.02, 0.15))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        assert evidence(engine) == said
        assert broken_keys(engine) == []
    assert killed
    prune(engine, BEFORE, "Ann")
    assert evidence(engine) == said
    assert counts(engine)["prediction"] == 300
