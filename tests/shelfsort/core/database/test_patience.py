"""Transactions that are repeated while the database is away."""

import time

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from shelfsort.core.database.engine import open_engine
from shelfsort.core.database.patience import is_passing, patiently
from shelfsort.core.errors import RunFailed


class OperationalError(Exception):
    """As the driver of PostgreSQL raises it."""

    def __init__(self, sqlstate, said="server closed the connection\nunexpectedly"):
        super().__init__(said)
        self.sqlstate = sqlstate


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    opened = open_engine(str(tmp_path / "a.db"))
    with opened.begin() as connection:
        connection.execute(sa.text("create table seen (n integer primary key)"))
    return opened


@pytest.mark.parametrize(
    ("state", "passing"),
    [
        (None, True),
        ("57P01", True),
        ("57P03", True),
        ("08006", True),
        ("40P01", True),
        ("40001", True),
        ("25006", True),
        ("42501", False),
        ("23505", False),
        ("57014", False),
        ("42P01", False),
    ],
)
def test_only_what_passes_by_itself_is_waited_for(state, passing):
    error = OperationalError(state)
    assert is_passing(error) is passing
    assert is_passing(DBAPIError("select 1", {}, error)) is passing
    assert not is_passing(ValueError("no error of a database"))


@pytest.mark.parametrize(
    ("said", "passing"),
    [
        ('connection failed: FATAL:  database "shop" does not exist', False),
        ('connection failed: FATAL:  password authentication failed for user "ann"', False),
        ("connection failed: No such file or directory", True),
        ("connection failed: FATAL:  the database system is starting up", True),
    ],
)
def test_a_server_that_refuses_the_address_is_not_waited_for(said, passing):
    assert is_passing(OperationalError(None, said)) is passing


def test_a_transaction_is_repeated_whole_and_its_first_tries_leave_nothing(engine):
    failures, lines = [OperationalError("57P01"), OperationalError(None)], []

    def work(connection):
        connection.execute(sa.text("insert into seen values (1)"))
        if failures:
            raise failures.pop()
        return "done"

    assert patiently(engine, 60.0, lines.append, work) == "done"
    with engine.connect() as connection:
        assert connection.execute(sa.text("select n from seen")).all() == [(1,)]
    assert [line.startswith("the database is away (server closed") for line in lines] == [True] * 2


def test_patience_ends_and_other_errors_are_raised_at_once(engine):
    def away(_connection):
        raise OperationalError(None)

    with pytest.raises(RunFailed, match="The same command goes on"):
        patiently(engine, 0.0, lambda _: None, away)

    def twice(connection):
        connection.execute(sa.text("insert into seen values (1), (1)"))

    with pytest.raises(IntegrityError):
        patiently(engine, 60.0, lambda _: None, twice)
