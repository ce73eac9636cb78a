"""A new crawl database explains itself."""

import sqlite3

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import metadata


def test_every_table_and_column_is_explained_in_the_file(tmp_path):
    place = tmp_path / "catalog.db"
    open_database(str(place))
    rows = sqlite3.connect(place).execute("select * from about").fetchall()
    told = {(table, column) for table, column, meaning in rows if meaning}
    columns = {(t.name, c.name) for t in metadata.sorted_tables for c in t.columns}
    assert told == columns | {(t.name, "") for t in metadata.sorted_tables}
    for table in metadata.sorted_tables:
        for column in table.columns:
            assert column.comment or column.foreign_keys or column.primary_key


def test_opening_twice_changes_nothing(tmp_path):
    place = tmp_path / "catalog.db"
    open_database(str(place)).dispose()
    before = sqlite3.connect(place).execute("select sql from sqlite_master").fetchall()
    open_database(str(place)).dispose()
    assert sqlite3.connect(place).execute("select sql from sqlite_master").fetchall() == before
