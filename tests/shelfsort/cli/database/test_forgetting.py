"""`shelfsort database prune` and `delete` over decisions, crawl and answers."""

import json
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from shelfsort.catalog.database import tables as crawl
from shelfsort.catalog.database.opening import open_database as open_crawl
from shelfsort.catalog.fetching.store import ImageStore, Picture
from shelfsort.cli.database.command import database
from shelfsort.cli.database.customers import products_of
from shelfsort.core.errors import InputError
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database as open_decisions
from shelfsort.labeling.queue.log import AnswerLog, read_log
from shelfsort.labeling.queue.records import Record

NOW = datetime.now(timezone.utc)
LONG_AGO = NOW - timedelta(days=500)
OWN, SHARED = "a" * 64, "b" * 64


class Shop:
    """Products `one:1` and `one:2` with pictures of which they share one; decided and labelled."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "catalog.yaml").write_text(
            f"database: {folder}/crawl.db\nimages: {folder}/images\n"
            "sources:\n  one: {type: tables, files: one.csv}\n"
        )
        self._crawl()
        self._decisions()
        log = AnswerLog(folder / "answers.jsonl", lambda _: None)
        log.append(Record("w-1", "one:1", "mugs", at=LONG_AGO.timestamp()))
        log.append(Record("w-1", "one:2", "mugs", at=NOW.timestamp()))
        log.close()

    def _crawl(self):
        store = ImageStore(str(self.folder / "images"))
        store.write([Picture(each, "jpeg", each.encode()) for each in (OWN, SHARED)])
        engine = open_crawl(str(self.folder / "crawl.db"))
        with engine.begin() as connection:

            def insert(table, **row):
                return connection.execute(sa.insert(table), row).inserted_primary_key[0]

            insert(crawl.source, name="one")
            pull = insert(crawl.pull, source="one", started=NOW)
            links = {}
            for digest in (OWN, SHARED):
                insert(crawl.image, digest=digest, format="jpeg", fetched=NOW)
                url = f"https://a.test/{digest}.jpg"
                links[digest] = insert(crawl.link, url=url, image=digest, state="good")
            gone = {"1": LONG_AGO, "2": None}
            for id_, pictures in {"1": (OWN, SHARED), "2": (SHARED,)}.items():
                row = {"source": "one", "source_id": id_, "first_seen": LONG_AGO, "pull": pull}
                number = insert(crawl.product, **row, changed=LONG_AGO, gone=gone[id_])
                for place, digest in enumerate(pictures):
                    at = {"product": number, "position": place}
                    insert(crawl.product_link, **at, link=links[digest])
        engine.dispose()

    def _decisions(self):
        engine = open_decisions(str(self.folder / "d.db"))
        with engine.begin() as connection:
            connection.execute(sa.insert(tables.rules), {"digest": "r", "stored": NOW})
            for n, at in ((1, LONG_AGO), (2, NOW)):
                connection.execute(sa.insert(tables.run), {"id": n, "started": at})
                row = {"id": n, "product": f"one:{n}", "input": "d", "model": "1", "run": n}
                row["at"] = at
                connection.execute(sa.insert(tables.prediction), {**row, "score": 0.9})
                row = {"prediction": n, "rules": "r", "run": n, "at": at, "outcome": "publish"}
                connection.execute(sa.insert(tables.decision), row)
        engine.dispose()

    def call(self, command, *options):
        places = ("--decisions", "d.db", "--crawl", "catalog.yaml", "--answers", "answers.jsonl")
        given = [str(self.folder / each) if "." in each else each for each in places]
        done = CliRunner().invoke(database, [command, *given, *options, "--json"])
        if done.exception is not None:
            raise done.exception
        return json.loads(done.stdout)

    def left(self):
        """Products of the crawl, pictures in the store, decided products, labelled ones."""
        engine = open_crawl(str(self.folder / "crawl.db"))
        with engine.connect() as connection:
            products = sorted(connection.execute(sa.select(crawl.product.c.source_id)).scalars())
        engine.dispose()
        engine = open_decisions(str(self.folder / "d.db"))
        with engine.connect() as connection:
            decided = sorted(connection.execute(sa.select(tables.prediction.c.product)).scalars())
        engine.dispose()
        pictures = sorted(each.stem[:1] for each in (self.folder / "images").rglob("*.jpeg"))
        answers = [each.task for each in read_log(str(self.folder / "answers.jsonl"))]
        return products, pictures, decided, answers


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


IDS = ["one:1", "one:2"]
WHOLE = (["1", "2"], ["a", "b"], IDS, IDS)
SECOND = (["2"], ["b"], IDS[1:], IDS[1:])
ASKED = ("--by", "Ann", "--reason", "request 7", "--yes")


def test_a_product_goes_everywhere_and_pictures_that_others_need_stay(shop):
    assert shop.left() == WHOLE
    said = shop.call("delete", "--product", "one:1", *ASKED)
    assert shop.left() == SECOND
    assert said["crawl"] == {"products": 1, "links": 1, "images": 1}
    assert (said["answers"], said["decisions"]["rows"]["prediction"]) == (1, 1)
    again = shop.call("delete", "--product", "one:1", *ASKED)
    assert (again["crawl"]["products"], again["answers"], again["decisions"]["rows"]) == (0, 0, {})


def test_the_ids_of_a_customer_stand_in_a_file(shop):
    (shop.folder / "ids.txt").write_text("one:1\n\n one:2 \n")
    said = shop.call("delete", "--products", str(shop.folder / "ids.txt"), *ASKED)
    assert said["products"] == 2
    assert shop.left() == ([], [], [], [])


def test_a_file_of_ids_that_is_no_text_is_refused(shop):
    (shop.folder / "ids.txt").write_bytes(b"one:1\n\xff\n")
    with pytest.raises(InputError, match=r"ids\.txt: not UTF-8"):
        shop.call("delete", "--products", str(shop.folder / "ids.txt"), *ASKED)


def test_what_is_old_goes_everywhere_after_a_dry_run(shop):
    counted = shop.call("prune", "--older-than", "400", "--dry-run")
    assert shop.left() == WHOLE
    removed = shop.call("prune", "--older-than", "400")
    assert shop.left() == SECOND
    for name in ("crawl", "answers", "decisions"):
        assert counted[name] == removed[name]
    assert removed["decisions"]["rows"] == {"prediction": 1, "decision": 1, "run": 1}
    assert shop.call("prune", "--older-than", "400")["decisions"]["rows"] == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ASKED, "--product"),
        (("--product", "1", "--by", " ", "--reason", "x", "--yes"), "--by"),
    ],
)
def test_a_deletion_needs_products_and_a_person(shop, options, said):
    with pytest.raises(InputError, match=said):
        shop.call("delete", *options)
    assert shop.left() == WHOLE


def test_a_place_has_to_be_named():
    done = CliRunner().invoke(database, ["prune", "--older-than", "3"])
    assert isinstance(done.exception, InputError)


def test_the_products_of_a_customer_are_found_in_the_data(shop):
    data = shop.folder / "reviews.csv"
    data.write_text("id,title,customer\none:1,Mug,7\none:2,Cup,77\n")
    said = shop.call("delete", "--data", str(data), "--customer", "customer=7", *ASKED)
    assert (said["products"], shop.left()) == (1, SECOND)


@pytest.mark.parametrize(
    ("row", "customer", "said"),
    [
        (",Mug,7", "customer=7", ":2: "),
        ("one:1,Mug,7", "customer=8", "no row"),
        ("one:1,Mug,7", "customer", "COLUMN=ID"),
    ],
)
def test_a_customer_who_is_not_found_is_said_and_nothing_goes(shop, row, customer, said):
    data = shop.folder / "reviews.csv"
    data.write_text(f"id,title,customer\n{row}\n")
    with pytest.raises(InputError, match=said):
        shop.call("delete", "--data", str(data), "--customer", customer, *ASKED)
    assert shop.left() == WHOLE


def test_a_number_in_a_manifest_is_a_customer_too(tmp_path):
    lines = [{"id": 5, "title": "Mug", "customer": 7.0}, {"id": "6", "title": "Cup"}]
    manifest = tmp_path / "a.manifest"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert products_of(str(manifest), "customer", "7") == ["5"]
