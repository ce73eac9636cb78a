"""PostgreSQL behind the same functions as SQLite."""

import re
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import metadata
from shelfsort.core.database.engine import (
    UtcTime,
    failure_of,
    open_engine,
    reader,
    reading_errors,
)
from shelfsort.core.errors import InputError

pytestmark = pytest.mark.slow
EVENTS = sa.Table("event", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("at", UtcTime))


def test_a_reader_sees_one_state_and_moments_come_back_in_utc(postgresql):
    engine = open_engine(postgresql)
    EVENTS.create(engine)
    at = datetime(2026, 11, 27, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    with reader(engine) as reading:
        assert reading.execute(sa.select(sa.func.count()).select_from(EVENTS)).scalar_one() == 0
        with engine.begin() as writing:
            writing.execute(sa.insert(EVENTS), {"n": 1, "at": at})
        assert reading.execute(sa.select(sa.func.count()).select_from(EVENTS)).scalar_one() == 0
    with reader(engine) as reading:
        assert reading.execute(sa.select(EVENTS.c.at)).scalar_one() == at
    engine.dispose()


def test_the_crawl_database_is_made_once_and_explains_itself(postgresql):
    open_database(postgresql).dispose()
    engine = open_database(postgresql)
    names = set(sa.inspect(engine).get_table_names())
    assert names >= {table.name for table in metadata.sorted_tables}
    comment = sa.text("select obj_description('product'::regclass)")
    with reader(engine) as connection:
        assert connection.execute(comment).scalar_one() == metadata.tables["product"].comment
    engine.dispose()


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    place = f"postgresql://postgres@/none?host={tmp_path}"
    with pytest.raises(InputError, match="the database cannot be used"), reading_errors(place):
        open_engine(place).connect()


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("set transaction read only", "read-only transaction.* may be written to"),
        ("set role pg_monitor", "permission denied.* Grant"),
    ],
)
def test_a_server_that_refuses_to_write_is_named_with_the_remedy(postgresql, refusal, said):
    engine = open_engine(postgresql)
    EVENTS.create(engine)
    with pytest.raises(sa.exc.DBAPIError) as refused, engine.begin() as connection:
        connection.execute(sa.text(refusal))
        connection.execute(sa.insert(EVENTS), {"n": 1})
    assert re.search(said, failure_of(refused.value))
    engine.dispose()
