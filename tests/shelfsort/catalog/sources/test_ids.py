"""A service that is asked for a list of ids: each id has a product, or a reason why not."""

import json
import sqlite3
from collections import Counter

import pytest

from shelfsort.catalog.rows import StaleCursorError
from shelfsort.catalog.sources.ids import IdsSettings
from shelfsort.core.errors import InputError
from tests.fixtures.shop_api import CUT, FAILED, KEY, THROTTLED, Answer

FIELDS = {"id": "id", "title": "name"}
WAYS = {
    "one by one": {"path": "/product/{id}", "at_once": 2},
    "in the address": {"path": "/lookup?ids={ids}", "rows": "products", "batch": 4, "at_once": 2},
    "posted": {"path": "/lookup", "post": "ids", "rows": "products[*]", "batch": 4, "at_once": 2},
}


@pytest.fixture
def opened(shop_api, clock, tmp_path):
    """Opens the service for these ids, in one of the ways; other words are settings."""

    def made(asked, way="one by one", **more):
        (tmp_path / "ids.txt").write_text("\n".join(asked))
        ways = {**WAYS[way], **more}
        given = {
            "name": "service",
            "folder": str(tmp_path),
            "address": shop_api.url + ways.pop("path"),
            "allow_private": True,
            "requests_s": 1000,
            "ids": {"file": "ids.txt"},
            "fields": FIELDS,
        }
        return IdsSettings.model_validate({**given, **ways}).open()

    return made


def outcome(source, cursor=""):
    """The ids of the products, and of what has none with the reason."""
    pages = list(source.pages(cursor, ""))
    rejected = {each.place: each.reason for page in pages for each in page.rejects}
    return [row.id for page in pages for row in page.rows], rejected


def ids(number):
    return [f"p{n:04}" for n in range(number)]


@pytest.mark.parametrize("way", WAYS)
def test_each_id_has_a_product_or_a_reason(opened, way):
    source = opened([*ids(10), "gone1", "a/../b?x=1&ids=p0050", *ids(3), "gone2"], way)
    found, rejected = outcome(source)
    assert (found, source.lists_all) == (ids(10), True)
    assert rejected == dict.fromkeys(("id gone1", "id a/../b?x=1&ids=p0050", "id gone2"), "missing")


def test_an_id_that_comes_again_is_asked_for_once_and_said(opened, shop_api):
    source = opened([*ids(4), *ids(4)])
    page = next(source.pages("", ""))
    assert (page.total, page.notes) == (4, ["4 ids stand in the list again"])
    list(source.pages("", ""))
    assert Counter(path for path, _ in shop_api.asked)["/product/p0003"] == 1


@pytest.mark.parametrize("way", ["in the address", "posted"])
def test_one_unknown_id_does_not_spoil_its_batch(opened, shop_api, way):
    shop_api.strict = True
    found, rejected = outcome(opened([*ids(6), "gone", *ids(9)[6:]], way))
    assert (sorted(found), rejected) == (ids(9), {"id gone": "missing"})


@pytest.mark.parametrize("way", WAYS)
def test_troubles_cost_no_product(opened, shop_api, way):
    shop_api.troubles = {1: THROTTLED, 3: CUT, 4: FAILED}
    assert sorted(outcome(opened(ids(20), way))[0]) == ids(20)


@pytest.mark.parametrize("way", WAYS)
def test_a_pass_goes_on_at_every_cursor(opened, way):
    before: list[str] = []
    for page in opened(ids(21), way).pages("", ""):
        before += [row.id for row in page.rows]
        if page.cursor:
            assert [*before, *outcome(opened(ids(21), way), page.cursor)[0]] == ids(21)


@pytest.mark.parametrize("cursor", ["no json", "[99, 1]", '[2, "another"]', "7", '["x", "p0001"]'])
def test_another_list_begins_again(opened, cursor):
    with pytest.raises(StaleCursorError):
        outcome(opened(ids(5)), cursor)


def test_a_service_that_refuses_every_id_stops_the_pass(opened, shop_api):
    shop_api.troubles = dict.fromkeys(range(1, 99), Answer(400, b"bad"))
    with pytest.raises(InputError, match=r"refuses each of the first 8 ids.*HTTP status 400"):
        outcome(opened(ids(20), "posted"))


def test_an_id_that_is_refused_stays_as_it_was(opened, shop_api):
    shop_api.troubles = {3: Answer(422)}
    page = next(page for page in opened(ids(4), at_once=1).pages("", "") if page.rejects)
    assert [(each.id, each.reason) for each in page.rejects] == [("p0002", "refused")]


@pytest.mark.parametrize("way", ["in the address", "posted"])
def test_a_product_that_was_not_asked_for_is_not_taken(opened, shop_api, way):
    other = json.dumps({"products": [{"id": "p0001"}, {"id": "zz"}, {"name": "no id"}]})
    shop_api.troubles = {1: Answer(200, other.encode())}
    found, rejected = outcome(opened(["p0001"], way))
    assert (found, rejected["id zz"]) == (["p0001"], "not_asked")
    assert set(rejected.values()) == {"not_asked", "no_id"}


def test_a_product_without_an_id_gets_the_one_that_was_asked_for(opened):
    source = opened(["p0003", "."], fields={"title": "name"})
    assert outcome(source) == (["p0003"], {"id .": "refused"})


def test_ids_are_posted_with_what_else_the_service_wants(opened, shop_api):
    outcome(opened(ids(2), "posted", body={"lang": "en"}))
    assert json.loads(shop_api.bodies[0]) == {"lang": "en", "ids": ids(2)}
    assert shop_api.headers[0]["content-type"] == "application/json"


def test_ids_come_from_a_column(opened, tmp_path):
    (tmp_path / "posts.csv").write_text("post,product\n1,p0001\n2,p0002\n3,\n4,p0001\n")
    found, _ = outcome(opened([], ids={"file": "posts.csv", "column": "product"}))
    assert found == ["p0001", "p0002"]
    with pytest.raises(InputError, match=r"no column 'products'.*'product'"):
        outcome(opened([], ids={"file": "posts.csv", "column": "products"}))


def test_ids_come_from_a_query(opened, tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "warehouse.db") as connection:
        connection.execute("create table post (id integer, product text)")
        rows = [(1, "p0001"), (2, "p0002"), (3, "p0001"), (4, None)]
        connection.executemany("insert into post values (?, ?)", rows)
    monkeypatch.setenv("WAREHOUSE_URL", f"sqlite:///{tmp_path}/warehouse.db")
    query = "select product, min(id) from post group by product order by 2"
    source = opened([], ids={"url_variable": "WAREHOUSE_URL", "query": query})
    assert outcome(source)[0] == ["p0001", "p0002"]
    absent = {"url_variable": "WAREHOUSE_URL", "query": "select 1 from absent"}
    with pytest.raises(InputError, match=r"service: .*no such table"):
        outcome(opened([], ids=absent))


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00", b"x" * 501])
def test_a_list_without_ids_is_refused(opened, tmp_path, content):
    source = opened([])
    (tmp_path / "ids.txt").write_bytes(content)
    with pytest.raises(InputError, match=r"ids\.txt"):
        outcome(source)


def test_the_key_is_sent_and_not_told(opened, shop_api, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", KEY)
    shop_api.key = KEY
    shop_api.products[0]["name"] = KEY
    source = opened(ids(3), key={"env": "SHOP_KEY", "header": "X-Key"})
    pages = list(source.pages("", ""))
    assert sum(len(page.rows) for page in pages) == 3
    assert KEY not in repr(pages)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"address": "https://h/x"}, "write {id} or {ids}"),
        ({"address": "https://{id}.h/x"}, "cannot stand in the host"),
        ({"address": "https://h/{ids}", "fields": {"title": "t"}}, "path of id"),
        ({"address": "https://h/{id}", "post": "ids"}, "write {id} or {ids}"),
        ({"address": "https://h/x", "body": {"a": 1}, "post": ""}, "name post"),
        ({"ids": {"file": "ids.csv"}}, "name the column"),
        ({"ids": {"file": "a.txt", "url_variable": "B"}}, "name a file, or"),
        ({"ids": {"url_variable": "B"}}, "go together"),
        ({"ids": {"url_variable": "B", "query": "drop table x"}}, "begin with select"),
    ],
)
def test_settings_that_cannot_work_are_refused(change, problem):
    base = {"name": "service", "folder": ".", "address": "https://h/{id}",
            "ids": {"file": "ids.txt"}, "fields": FIELDS}  # fmt: skip
    with pytest.raises(ValueError, match=problem):
        IdsSettings.model_validate({**base, **change})
