"""The migrations of each room of the database make what its tables say."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from shelfsort.catalog.database import opening as catalog
from shelfsort.catalog.database import tables as catalog_tables
from shelfsort.core.database.engine import reader
from shelfsort.decisions.database import opening as decisions
from shelfsort.decisions.database import tables as decisions_tables

ROOMS = {
    "catalog": (catalog.open_database, catalog_tables.metadata),
    "decisions": (decisions.open_database, decisions_tables.metadata),
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "a.db")
    return request.getfixturevalue("postgresql")


@pytest.mark.parametrize("room", ROOMS)
def test_a_new_database_has_exactly_the_tables_that_the_code_uses(room, place):
    open_database, metadata = ROOMS[room]
    engine = open_database(place)

    def is_ours(_object, name, kind, *_others):
        return kind != "table" or name in metadata.tables

    with reader(engine) as connection:
        options = {"include_object": is_ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_table_and_column_is_explained_in_the_database(room, place):
    open_database, metadata = ROOMS[room]
    with reader(open_database(place)) as connection:
        rows = connection.execute(sa.text("select table_name, column_name, meaning from about"))
        told = {(table, column) for table, column, meaning in rows if meaning}
    columns = {(t.name, c.name) for t in metadata.sorted_tables for c in t.columns}
    assert told == columns | {(t.name, "") for t in metadata.sorted_tables}
