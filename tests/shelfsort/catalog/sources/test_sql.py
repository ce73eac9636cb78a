"""Products from queries of SQLite and PostgreSQL."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from shelfsort.catalog.rows import SourceRow, StaleCursorError
from shelfsort.catalog.settings import load_settings
from shelfsort.catalog.sources.sql import SqlSettings
from shelfsort.core.errors import InputError

EXAMPLE = Path(__file__).parents[4] / "examples" / "catalog" / "warehouse.yaml"
TABLES = """
create table post (id integer primary key, published date not null);
create table product (id integer primary key, post integer, place integer, title text,
  description text, price numeric(8, 2), currency text, image_url text, category text, brand text);
insert into post values (1, '2025-03-01'), (2, '2025-04-01'), (3, '2024-12-31'), (4, '2026-01-01');
insert into product (id, post, place, title, price, currency, image_url, category) values
  (10, 1, 2, 'Second', 5.5, 'EUR', 'https://a.test/10.jpg', 'Mugs'),
  (11, 1, 1, 'First', 7.25, 'EUR', 'https://a.test/11.jpg', 'Mugs'),
  (12, 2, 1, 'Only', null, '', 'https://a.test/12.jpg', 'Bowls'),
  (13, 3, 1, 'Year before', 1, 'EUR', 'https://a.test/13.jpg', 'Bowls'),
  (14, 4, 1, 'Year after', 1, 'EUR', 'https://a.test/14.jpg', 'Bowls')
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def warehouse(request, tmp_path, monkeypatch):
    """An engine of the warehouse, whose address is in WAREHOUSE_URL."""
    url = f"sqlite:///{tmp_path / 'warehouse.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    monkeypatch.setenv("WAREHOUSE_URL", url)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in TABLES.split(";\n"):
            connection.execute(sa.text(statement))
    yield engine
    engine.dispose()


def settings(query, **more):
    return SqlSettings(
        name="warehouse", folder="", url_variable="WAREHOUSE_URL", query=query, **more
    )


def read(query, state="", **more):
    pages = list(settings(query, **more).open().pages("", state))
    rows = [row for page in pages for row in page.rows]
    return rows, [reject for page in pages for reject in page.rejects], pages[-1].state


def test_the_example_takes_the_first_product_of_each_post_of_its_year(warehouse):
    source = load_settings(str(EXAMPLE)).sources["warehouse"].open()
    assert source.lists_all
    first, last = source.pages("", "")
    assert first.rows == [
        SourceRow(
            id="11",
            title="First",
            price=7.25,
            currency="EUR",
            image_urls=("https://a.test/11.jpg",),
            categories=("Mugs",),
            part_of="1",
            position=1,
        ),
        SourceRow(
            id="12",
            title="Only",
            image_urls=("https://a.test/12.jpg",),
            categories=("Bowls",),
            part_of="2",
            position=1,
        ),
    ]
    assert (first.places, last.rows, last.cursor) == (["warehouse:1", "warehouse:2"], (), "")


def test_many_rows_come_in_pages_and_a_stopped_query_runs_again(warehouse):
    query = (
        "with recursive n(id) as (select 1 union all select id + 1 from n where id < 12000) "
        "select id, 'Mug' as title from n order by id"
    )
    source = settings(query).open()
    pages = list(source.pages("", ""))
    assert [len(page.rows) for page in pages] == [5_000, 5_000, 2_000, 0]
    assert all(page.cursor for page in pages[:-1])
    with pytest.raises(StaleCursorError):
        next(source.pages(pages[0].cursor, ""))


def test_only_what_changed_since_the_last_pass_is_read(warehouse):
    query = "select id, title, place from product where id > :since order by id"
    more = {"since_column": "id", "since_start": 11}
    assert not settings(query, **more).open().lists_all
    rows, _, state = read(query, **more)
    assert ([row.id for row in rows], state) == (["12", "13", "14"], "14")
    assert read(query, state, **more) == ([], [], "14")


def test_moments_can_be_what_a_pass_goes_on_from(warehouse):
    query = "select id, published from post where published > :since order by id"
    more = {"since_column": "published", "since_start": "2025-03-01"}
    rows, _, state = read(query, **more)
    assert ([row.id for row in rows], state) == (["2", "4"], '"2026-01-01"')
    assert read(query, state, **more)[0] == []


def test_nothing_can_be_written(warehouse):
    change = "with x as (select 1) insert into post values (9, '2025-01-01')"
    with pytest.raises(InputError, match="warehouse: the query failed"):
        read(change)
    with warehouse.begin() as connection:
        count = sa.text("select count(*) from post")
        assert connection.execute(count).scalar_one() == 4


@pytest.mark.parametrize(
    "query", ["delete from post", "-- select\nupdate post set id = 1", "(drop"]
)
def test_what_is_no_query_is_refused(query):
    with pytest.raises(ValueError, match="has to begin with select"):
        settings(query)


def test_since_and_its_column_go_together():
    with pytest.raises(ValueError, match="go together"):
        settings("select 1 as id where 1 > :since")
    with pytest.raises(ValueError, match="go together"):
        settings("select 1 as id", since_column="id")


def test_a_row_that_is_none_goes_to_quarantine_with_its_number(warehouse):
    query = "select id, case when id = 11 then 'ask' else '5' end as price from product order by id"
    rows, (reject,), _ = read(query)
    assert len(rows) == 4
    assert (reject.place, reject.reason, reject.id) == ("warehouse:2", "price", "11")


def test_a_broken_query_and_a_missing_column_are_one_line(warehouse):
    for query in ("select id from none", "select title from product"):
        with pytest.raises(InputError, match=r"^warehouse: ") as error:
            read(query)
        assert "\n" not in str(error.value)


def test_an_address_that_is_missing_wrong_or_needs_a_driver_is_one_line(monkeypatch):
    for address, said in (
        ("", "environment variable WAREHOUSE_URL is not set"),
        ("secret@nowhere", "address of the database is not valid"),
        ("nosuch://ann:secret@host/x", "address of the database is not valid"),
        ("oracle+cx_oracle://ann:secret@host/x", "needs the package 'cx_Oracle'"),
        ("sqlite:////nowhere/at/all.db", "the query failed"),
    ):
        monkeypatch.setenv("WAREHOUSE_URL", address)
        with pytest.raises(InputError, match=said) as error:
            read("select 1 as id")
        assert "secret" not in str(error.value)
