"""Old, new and newer databases."""

import threading

import pytest
import sqlalchemy as sa

from shelfsort.core.database.engine import open_engine, reader
from shelfsort.core.database.migrations import revision, upgrade
from shelfsort.core.errors import InputError

FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.create_table("shop", sa.Column("name", sa.Text))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.add_column("shop", sa.Column("city", sa.Text))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions/v0001_a.py").write_text(FIRST)
    return tmp_path


def columns(engine):
    with reader(engine) as connection:
        return [each["name"] for each in sa.inspect(connection).get_columns("shop")]


def test_an_old_database_gets_the_new_columns_and_keeps_its_rows(folder):
    place = str(folder / "a.db")
    upgrade(open_engine(place), place, folder, "shop_revision")
    with open_engine(place).begin() as connection:
        connection.execute(sa.text("insert into shop values ('Ann')"))
    (folder / "versions/v0002_b.py").write_text(SECOND)
    engine = open_engine(place)
    upgrade(engine, place, folder, "shop_revision")
    assert columns(engine) == ["name", "city"]
    with reader(engine) as connection:
        assert connection.execute(sa.text("select * from shop")).all() == [("Ann", None)]
        assert revision(connection, "shop_revision") == "0002"


def test_a_newer_database_is_refused(folder):
    place = str(folder / "a.db")
    (folder / "versions/v0002_b.py").write_text(SECOND)
    upgrade(open_engine(place), place, folder, "shop_revision")
    (folder / "versions/v0002_b.py").unlink()
    with pytest.raises(InputError, match=r"newer Shelfsort .* 0002"):
        upgrade(open_engine(place), place, folder, "shop_revision")


def test_another_program_s_file_is_refused_and_left_as_it_is(folder):
    place = str(folder / "others.db")
    with open_engine(place).begin() as connection:
        connection.execute(sa.text("create table places (url)"))
    with pytest.raises(InputError, match=r"others\.db: holds another program's tables \(places"):
        upgrade(open_engine(place), place, folder, "shop_revision")
    with reader(open_engine(place)) as connection:
        assert sa.inspect(connection).get_table_names() == ["places"]


def test_several_may_make_the_tables_at_once(folder):
    place, errors = str(folder / "a.db"), []

    def make() -> None:
        try:
            upgrade(open_engine(place), place, folder, "shop_revision")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert columns(open_engine(place)) == ["name"]


def test_a_half_made_table_does_not_stay(folder):
    place = str(folder / "a.db")
    (folder / "versions/v0002_b.py").write_text(SECOND + "    raise RuntimeError('stopped')\n")
    engine = open_engine(place)
    with pytest.raises(RuntimeError):
        upgrade(engine, place, folder, "shop_revision")
    with reader(engine) as connection:
        assert sa.inspect(connection).get_table_names() == []
