"""A new results database, on SQLite and on PostgreSQL."""

from datetime import datetime, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.database.tables import backoff, decision, prediction, review, rules, run

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request, tmp_path):
    if request.param == "sqlite":
        return open_database(str(tmp_path / "decisions.db"))
    return open_database(request.getfixturevalue("postgresql"))


def fill(connection):
    """A run, two versions of the rules, one answer, and what the first rules made of it."""
    connection.execute(sa.insert(run), {"id": 1, "started": NOW})
    connection.execute(sa.insert(rules), [{"digest": each, "stored": NOW} for each in "ab"])
    answer = {"product": "p", "input": "d", "model": "3", "at": NOW, "run": 1, "score": 0.99}
    connection.execute(sa.insert(prediction), {**answer, "id": 1, "category": "mugs"})
    connection.execute(sa.insert(decision), decided(1, "a", "publish"))


def decided(id_, by, outcome):
    ids = {"id": id_, "prediction": 1, "run": 1}
    return {**ids, "rules": by, "at": NOW, "outcome": outcome}


def latest(engine):
    with reader(engine) as connection:
        return connection.execute(
            sa.text("select product, outcome, category from latest_decision")
        ).all()


def test_the_latest_decision_is_that_of_the_newest_rules_and_then_of_people(engine):
    with engine.begin() as connection:
        fill(connection)
    assert latest(engine) == [("p", "publish", "mugs")]
    with engine.begin() as connection:
        connection.execute(sa.insert(decision), decided(2, "b", "review"))
    assert latest(engine) == [("p", "review", "mugs")]
    said = {"id": 1, "decision": 2, "at": NOW, "reviewer": "Ann", "kind": "review"}
    with engine.begin() as connection:
        connection.execute(sa.insert(review), {**said, "category": "cups", "outcome": "refuse"})
    assert latest(engine) == [("p", "refuse", "cups")]
    with engine.begin() as connection:
        connection.execute(sa.insert(review), {**said, "id": 2, "undoes": 1})
    assert latest(engine) == [("p", "review", "mugs")]


@pytest.mark.parametrize("again", [decided(9, "a", "review"), None])
def test_an_answer_is_decided_once_by_each_version_of_the_rules(engine, again):
    with engine.begin() as connection:
        fill(connection)
    same = {"product": "p", "input": "d", "model": "3", "at": NOW, "run": 1, "score": 0.1}
    with pytest.raises(IntegrityError), engine.begin() as connection:
        if again:
            connection.execute(sa.insert(decision), again)
        else:
            connection.execute(sa.insert(prediction), same)


@pytest.mark.parametrize("view", ["active_backoff", "active_backoffs"])
def test_a_lifted_backoff_is_not_active(engine, view):
    with engine.begin() as connection:
        connection.execute(sa.insert(backoff), {"category": "mugs", "since": NOW})
        connection.execute(sa.insert(backoff), {"category": "", "since": NOW, "lifted": NOW})
    with reader(engine) as connection:
        found = connection.execute(sa.text(f"select category from {view}")).scalars().all()
    assert found == ["mugs"]
