"""`shelfsort catalog delete`: what a source gave goes, and nothing else."""

import json
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import history, image, link, product, pull, source, stage
from shelfsort.catalog.fetching.store import ImageStore, Picture
from shelfsort.catalog.importing.locks import only_one
from shelfsort.cli.catalog.command import catalog
from shelfsort.core.errors import InputError

DIGESTS = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request, tmp_path, monkeypatch):
    """A database of the sources `one` and `two`; of three pictures each has one of its own."""
    monkeypatch.chdir(tmp_path)
    database = "catalog.db"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql")
    tables = "{type: tables, files: one.csv}", "{type: tables, files: two.csv}"
    (tmp_path / "catalog.yaml").write_text(
        f"database: {database}\nsources:\n  one: {tables[0]}\n  two: {tables[1]}\n"
    )
    head = "id,title,image\n"
    own, shared, other = (f"https://a.test/{n}.jpg" for n in range(3))
    (tmp_path / "one.csv").write_text(f"{head}1,Mug,{own}\n2,Cup,{shared}\n")
    (tmp_path / "two.csv").write_text(f"{head}1,Mug,{shared}\n2,Bowl,{other}\n")
    run("import", "catalog.yaml")
    store = ImageStore(str(tmp_path / "images"))
    store.write([Picture(digest, "jpeg", digest.encode()) for digest in DIGESTS])
    place = database if database != "catalog.db" else str(tmp_path / database)
    engine = open_database(place)
    now = datetime.now(timezone.utc)
    with engine.begin() as connection:
        for digest, url in zip(DIGESTS, (own, shared, other), strict=True):
            connection.execute(sa.insert(image).values(digest=digest, format="jpeg", fetched=now))
            found = {"image": digest, "state": "good"}
            connection.execute(sa.update(link).where(link.c.url == url).values(found))
        first = sa.select(product.c.id).where(product.c.source == "one").limit(1)
        number = connection.execute(first).scalar_one()
        connection.execute(sa.insert(history).values(product=number, until=now))
    yield engine
    engine.dispose()


def run(*arguments, answer=None):
    result = CliRunner().invoke(catalog, arguments, input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def left(engine):
    with engine.begin() as connection:
        counted = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (product, link, image, history, pull)
        ]
        return counted, connection.execute(sa.select(source.c.name)).scalars().all()


def test_what_another_source_uses_stays_and_the_files_of_the_rest_go(engine, tmp_path):
    said = run("delete", "catalog.yaml", "--source", "one", "--yes", "--json")
    assert json.loads(said) == {"source": "one", "products": 2, "links": 1, "images": 1}
    assert left(engine) == ([2, 2, 2, 0, 1], ["two"])
    files = {file.stem for file in (tmp_path / "images").rglob("*.jpeg")}
    assert files == set(DIGESTS[1:])
    with pytest.raises(InputError, match="no source 'one'"):
        run("delete", "catalog.yaml", "--source", "one", "--yes")


def test_pictures_of_vanished_products_go_after_their_time_and_come_back(engine, tmp_path):
    (tmp_path / "one.csv").write_text("id,title,image\n2,Cup,https://a.test/1.jpg\n")
    run("import", "catalog.yaml", "--source", "one")
    before = left(engine)
    assert "deleted 0 products" in run("delete", "catalog.yaml", "--gone-days", "1", "--yes")
    assert left(engine) == before
    said = run("delete", "catalog.yaml", "--gone-days", "0", answer="y\n")
    assert "Delete 1 products' pictures, 1 links and 1 images?" in said
    assert left(engine)[0][:3] == [4, 2, 2]
    assert {file.stem for file in (tmp_path / "images").rglob("*.jpeg")} == set(DIGESTS[1:])
    again = json.loads(run("delete", "catalog.yaml", "--gone-days", "0", "--yes", "--json"))
    assert again == {"products": 0, "links": 0, "images": 0}
    rows = "1,Mug,https://a.test/0.jpg\n2,Cup,https://a.test/1.jpg\n"
    (tmp_path / "one.csv").write_text(f"id,title,image\n{rows}")
    run("import", "catalog.yaml", "--source", "one")
    with engine.begin() as connection:
        urls = connection.execute(sa.select(link.c.url).where(link.c.state == "")).scalars().all()
    assert urls == ["https://a.test/0.jpg"]


def test_a_product_that_a_stopped_pass_brings_back_keeps_its_pictures(engine, tmp_path):
    (tmp_path / "one.csv").write_text("id,title,image\n2,Cup,https://a.test/1.jpg\n")
    run("import", "catalog.yaml", "--source", "one")
    with engine.begin() as connection:
        chosen = sa.select(product).where(product.c.gone.is_not(None))
        gone = connection.execute(chosen).one()
        number = connection.execute(sa.select(sa.func.max(pull.c.id))).scalar_one()
        row = {"pull": number, "source_id": gone.source_id, "digest": gone.digest, "times": 1}
        connection.execute(sa.insert(stage).values(row))
    said = run("delete", "catalog.yaml", "--gone-days", "0", "--yes", "--json")
    assert json.loads(said) == {"products": 0, "links": 0, "images": 0}
    with only_one(engine, "one"), pytest.raises(InputError, match="another process imports it"):
        run("delete", "catalog.yaml", "--gone-days", "0", "--yes")


def test_either_a_source_or_a_time_is_named(engine):
    for arguments in ((), ("--source", "one", "--gone-days", "1")):
        with pytest.raises(InputError, match="Give one of them"):
            run("delete", "catalog.yaml", "--yes", *arguments)


def test_it_asks_with_numbers_and_no_answer_deletes_nothing(engine):
    before = left(engine)
    said = run("delete", "catalog.yaml", "--source", "two", answer="n\n")
    assert "2 products, 1 links and 1 images?" in said
    assert left(engine) == before


def test_stopped_half_way_the_command_goes_on(engine, monkeypatch):
    def stops(*_):
        raise OSError("the store does not answer")

    module = "shelfsort.catalog.importing.deleting.remove_unused"
    with monkeypatch.context() as patched, pytest.raises(OSError, match="does not answer"):
        patched.setattr(module, stops)
        run("delete", "catalog.yaml", "--source", "one", "--yes")
    assert left(engine)[1] == ["one", "two"]
    run("delete", "catalog.yaml", "--source", "one", "--yes")
    assert left(engine) == ([2, 2, 2, 0, 1], ["two"])
