"""Everything that a paged service holds is read, or the pass stops and says why."""

import random
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfsort.catalog.rows import StaleCursorError
from shelfsort.catalog.services.progress import Remembered
from shelfsort.catalog.sources.api import ApiSettings
from shelfsort.core.errors import InputError
from tests.fixtures.shop_api import CUT, FAILED, KEY, THROTTLED, ShopApi, products, serving

FIELDS = {"id": "id", "title": "name", "price": "price", "categories": "categories[*].id"}
SIZED = {"size": 10, "size_parameter": "limit"}
KINDS = {
    "offset": {"kind": "offset", "parameter": "offset", "total": "metadata.total", **SIZED},
    "page": {"kind": "page", "parameter": "page", "total": "metadata.total", **SIZED},
    "cursor": {"kind": "cursor", "parameter": "cursor", "next": "next_cursor", **SIZED},
    "next": {"kind": "next", "next": "next", **SIZED},
    "link": {"kind": "link", **SIZED},
}


def opened(shop, kind="offset", *, paging=None, **more):
    given = {
        "name": "shop",
        "folder": ".",
        "address": f"{shop.url}/products",
        "allow_private": True,
        "requests_s": 1000,
        "rows": "products",
        "fields": FIELDS,
        "paging": {**KINDS.get(kind, {}), **(paging or {})},
    }
    return ApiSettings.model_validate({**given, **more}).open()


def read(source, cursor="", state=""):
    """The ids of all rows, and the last page."""
    pages = list(source.pages(cursor, state))
    return [row.id for page in pages for row in page.rows], pages[-1]


def ids(number):
    return [f"p{n:04}" for n in range(number)]


def insert(at, *names):
    def change(shop):
        new = products(1)[0]
        shop.products[at:at] = [{**new, "id": name} for name in names]

    return change


def delete(*numbers):
    def change(shop):
        shop.products = [p for p in shop.products if p["id"] not in {f"p{n:04}" for n in numbers}]

    return change


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_paging_gives_every_product_once(shop_api, clock, kind):
    source = opened(shop_api, kind)
    assert read(source)[0] == ids(95)
    assert source.lists_all


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 100])
def test_the_end_is_found_whatever_the_number(clock, kind, number):
    with serving(ShopApi(products(number))) as shop:
        source = opened(shop, kind, paging={"total": "metadata.total"})
        assert read(source)[0] == ids(number)
        assert source.lists_all


@pytest.mark.parametrize("kind", KINDS)
def test_troubles_lose_and_repeat_nothing(shop_api, clock, kind):
    shop_api.troubles = {2: THROTTLED, 4: FAILED, 5: CUT, 9: CUT, 12: THROTTLED}
    assert read(opened(shop_api, kind))[0] == ids(95)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pass_goes_on_at_every_cursor(shop_api, clock, kind):
    del shop_api.products[55:]
    before: list[str] = []
    for page in opened(shop_api, kind).pages("", ""):
        before += [row.id for row in page.rows]
        if page.cursor:
            rest, last = read(opened(shop_api, kind), page.cursor)
            assert [*before, *rest] == ids(55)
            assert last.cursor == ""


def test_one_answer_may_be_all(shop_api, clock):
    del shop_api.products[10:]
    single = {"kind": "single", "total": "metadata.total"}
    assert read(opened(shop_api, "", paging=single))[0] == ids(10)
    shop_api.products += products(95)[10:]
    with pytest.raises(InputError, match="announces 95 products and gave 10"):
        read(opened(shop_api, "", paging=single))


def test_another_plan_begins_again(shop_api, clock):
    with pytest.raises(StaleCursorError):
        read(opened(shop_api), "no cursor")
    each = [{"parameter": "cat", "values": ["cups", "mugs"]}]
    cursor = next(opened(shop_api, each=each).pages("", "")).cursor
    with pytest.raises(StaleCursorError):
        read(opened(shop_api, each=[{"parameter": "cat", "values": ["bowls"]}]), cursor)


def test_a_service_that_gives_fewer_rows_than_asked_loses_nothing(shop_api, clock):
    shop_api.most_limit = 7
    for kind in KINDS:
        assert read(opened(shop_api, kind))[0] == ids(95)


@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_parameter_that_is_not_heard_stops_the_pass(shop_api, clock, kind):
    shop_api.deaf = (kind,)
    with pytest.raises(InputError, match=f"repeat products.*{kind}"):
        read(opened(shop_api, kind))
    assert len(shop_api.asked) <= 5


@pytest.mark.parametrize("kind", ["cursor", "next", "link"])
def test_a_circle_of_cursors_stops_the_pass(shop_api, clock, kind):
    shop_api.circle = "p0009"
    with pytest.raises(InputError, match="as the next one"):
        read(opened(shop_api, kind))
    assert len(shop_api.asked) == 2


@pytest.mark.parametrize("kind", ["cursor", "next", "link"])
def test_the_first_page_alone_is_never_taken_for_everything(shop_api, clock, kind):
    shop_api.silent = True
    with pytest.raises(InputError, match="first page is full"):
        read(opened(shop_api, kind))
    with pytest.raises(InputError, match="announces 95 products and gave 10"):
        read(opened(shop_api, kind, paging={"total": "metadata.total"}))


def test_a_wrong_path_of_the_cursor_stops_the_pass(shop_api, clock):
    with pytest.raises(InputError, match=r"cursor_next .paging\.next. names no next page"):
        read(opened(shop_api, "cursor", paging={"next": "cursor_next"}))
    with pytest.raises(InputError, match="says that there is another page, and names none"):
        read(opened(shop_api, "cursor", paging={"next": "cursor_next", "more": "has_more"}))


def test_a_full_only_page_is_right_where_the_service_says_so(clock):
    with serving(ShopApi(products(10))) as shop:
        for known in ({"more": "has_more"}, {"total": "metadata.total"}):
            assert read(opened(shop, "cursor", paging=known))[0] == ids(10)
        state = Remembered(paged=True).written()
        assert read(opened(shop, "cursor"), state=state)[0] == ids(10)


def test_next_pages_elsewhere_are_not_asked(shop_api, clock):
    shop_api.host = "http://other.example"
    for kind in ("next", "link"):
        with pytest.raises(InputError, match="another host"):
            read(opened(shop_api, kind))


@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_total_that_is_too_high_stops_the_pass(shop_api, clock, kind):
    shop_api.total = lambda right: right * 3
    with pytest.raises(InputError, match="announces 285 products and gave 95 in 2 rounds"):
        read(opened(shop_api, kind))


def test_a_total_that_is_a_little_too_high_is_said_and_nothing_counts_as_gone(shop_api, clock):
    shop_api.total = lambda right: right + 1
    source = opened(shop_api, "page", paging={"most_missing": 0.05})
    found, last = read(source)
    assert (found, source.lists_all) == (ids(95), False)
    assert any("96 products announced, 95 given" in note for note in last.notes)
    assert Remembered.read(last.state).since == ""


@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_total_that_is_too_low_hides_nothing(shop_api, clock, kind):
    shop_api.total = lambda right: 20
    found, last = read(opened(shop_api, kind))
    assert found == ids(95)
    assert any("20 products announced, 95 given" in note for note in last.notes)


def test_a_total_that_is_no_number_stops_the_pass(shop_api, clock):
    with pytest.raises(InputError, match=r"metadata\.sum .paging\.total. leads to no number"):
        read(opened(shop_api, paging={"total": "metadata.sum"}))


def test_rows_that_are_not_there_stop_the_pass(shop_api, clock):
    with pytest.raises(InputError, match="no list at items"):
        read(opened(shop_api, rows="items"))


def test_products_removed_while_reading_by_offset_cost_nothing(shop_api, clock):
    shop_api.changes = {3: delete(1, 2, 3), 6: delete(*range(4, 12)), 8: delete(20)}
    source = opened(shop_api)
    assert read(source)[0] == ids(95)
    assert source.lists_all


def test_products_added_while_reading_by_offset_are_said_to_come_again(shop_api, clock):
    shop_api.changes = {3: insert(0, "a", "b", "c"), 6: insert(5, *map(str, range(40)))}
    source = opened(shop_api)
    found, last = read(source)
    assert [each for each in found if each.startswith("p")] == ids(95)
    assert len(set(found)) == len(found)
    assert any("came again" in note for note in last.notes)


def test_a_page_number_that_slides_is_read_again_until_nothing_new_comes(shop_api, clock):
    shop_api.changes = {3: delete(1, 2, 3)}
    source = opened(shop_api, "page")
    found, _ = read(source)
    # The first round skips three; the second finds them.
    assert sorted(found) == ids(95) and source.lists_all
    assert len(shop_api.values("page")) == 20


def test_a_list_that_never_rests_ends_and_lets_nothing_count_as_gone(shop_api, clock):
    shop_api.changes = {n: insert(0, f"new{n}") for n in range(1, 200)}
    source = opened(shop_api, "page", paging={"most_missing": 0.5})
    found, last = read(source)
    assert set(ids(95)) <= set(found) and len(set(found)) == len(found)
    assert not source.lists_all
    assert any("none counts as gone" in note for note in last.notes)


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_by_offset_what_was_there_all_the_time_is_given_once_or_said_to_be_missed(seed):
    drawn = random.Random(seed)

    def change(shop):
        for _ in range(drawn.randint(0, 3)):
            at = drawn.randrange(len(shop.products) + 1)
            if drawn.random() < 0.5:
                insert(at, f"n{drawn.random()}")(shop)
            else:
                del shop.products[at : at + drawn.randint(1, 15)]

    with serving(ShopApi(products(50), changes=dict.fromkeys(range(2, 60), change))) as shop:
        source = opened(shop, paging={"most_missing": 1.0})
        found, _ = read(source)
        stayed = {each["id"] for each in shop.products} & set(ids(50))
    assert len(found) == len(set(found))
    assert stayed <= set(found) or not source.lists_all


def test_each_category_is_a_pass_of_its_own(shop_api, clock):
    each = [{"parameter": "cat", "values": ["cups", "mugs", "bowls"], "as_category": True}]
    source = opened(shop_api, each=each, fields={"id": "id"})
    pages = list(source.pages("", ""))
    rows = [row for page in pages for row in page.rows]
    assert sorted(row.id for row in rows) == ids(95)
    assert {row.categories for row in rows if row.id in ("p0000", "p0001")} == {
        ("cups",),
        ("mugs",),
    }
    assert shop_api.values("cat")[0] == "cups" and shop_api.values("cat")[-1] == "bowls"


def test_the_leaves_of_the_service_s_own_tree_are_asked_for(shop_api, clock):
    source = opened(
        shop_api,
        each=[{"parameter": "cat", "leaves": True}],
        categories={"address": "/categories", "rows": "categories", "parent": "parentId"},
    )
    assert sorted(read(source)[0]) == ids(95)
    assert list(dict.fromkeys(shop_api.values("cat"))) == ["cups", "mugs", "bowls"]


BANDS = [{"parameter": "fl", "values": ["p0:40", "p40:70", "p70:1000"]}]


@pytest.mark.parametrize("kind", ["offset", "page", "cursor"])
def test_only_a_query_beyond_the_cap_is_split(shop_api, clock, kind):
    shop_api.most_offset = 31
    source = opened(
        shop_api,
        kind,
        paging={"most": 31, "total": "metadata.total"},
        each=[{"parameter": "cat", "values": ["cups", "mugs", "bowls"]}],
        split=BANDS,
    )
    assert sorted(read(source)[0]) == ids(95)
    # 32 cups and 32 mugs are split, 31 bowls are not.
    asked = [(q["cat"][0], q.get("fl", [""])[0]) for _, q in shop_api.asked]
    assert ("cups", "p70:1000") in asked and ("mugs", "p0:40") in asked
    assert {band for cat, band in asked if cat == "bowls"} == {""}


def test_a_split_pass_goes_on_at_every_cursor(shop_api, clock):
    del shop_api.products[45:]
    bands = [{"parameter": "fl", "values": ["p0:20", "p20:25", "p25:1000"]}]

    def source():
        return opened(shop_api, paging={"most": 30}, split=bands)

    before: list[str] = []
    for page in source().pages("", ""):
        before += [row.id for row in page.rows]
        if page.cursor:
            rest, _ = read(source(), page.cursor)
            assert [*before, *rest] == ids(45)


def test_a_split_that_leaves_a_gap_stops_the_pass(shop_api, clock):
    gap = [{"parameter": "fl", "values": ["p0:40", "p50:1000"]}]
    with pytest.raises(InputError, match=r"values of fl .split. lead to 85 of 95 products"):
        read(opened(shop_api, paging={"most": 50}, split=gap))


def test_a_query_beyond_the_cap_that_cannot_be_split_stops_at_once(shop_api, clock):
    with pytest.raises(InputError, match=r"at most 50 products .* of 95"):
        read(opened(shop_api, paging={"most": 50}))
    assert len(shop_api.asked) == 1
    with pytest.raises(InputError, match=r"at most 50 products .* of more"):
        read(opened(shop_api, paging={"most": 50, "total": ""}))


def test_an_unchanged_tag_ends_the_pass_at_once(shop_api, clock):
    _, last = read(opened(shop_api, etag=True))
    pages = list(opened(shop_api, etag=True).pages("", last.state))
    assert [(page.unchanged, page.rows) for page in pages] == [(True, ())]
    shop_api.version = "v2"
    assert read(opened(shop_api, etag=True), state=last.state)[0] == ids(95)


def test_only_what_changed_is_asked_for_until_a_full_pass_is_due(shop_api, clock):
    since = {"parameter": "since", "format": "iso", "overlap_s": 60}
    first = opened(shop_api, updated_since=since)
    _, last = read(first)
    assert first.lists_all and shop_api.values("since") == []
    began = datetime.fromisoformat(Remembered.read(last.state).since)
    shop_api.products[7]["updated"] = "2999"
    second = opened(shop_api, updated_since=since)
    found, after = read(second, state=last.state)
    assert (found, second.lists_all) == (["p0007"], False)
    assert shop_api.values("since")[0] == (began - timedelta(seconds=60)).isoformat()
    old = (datetime.now(timezone.utc) - timedelta(days=8)).isoformat()
    due = Remembered(since=old, full=old).written()
    assert read(opened(shop_api, updated_since=since), state=due)[0] == ids(95)
    assert Remembered.read(after.state).full == Remembered.read(last.state).full


def test_the_key_stays_out_of_rows_cursors_notes_and_states(shop_api, clock, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", KEY)
    shop_api.key = KEY
    shop_api.products[3]["name"] = f"see http://h/?pid={KEY}"
    shop_api.products[4] = {"name": KEY}
    for kind in ("next", "link"):
        source = opened(shop_api, kind, key={"env": "SHOP_KEY", "parameter": "pid"})
        pages = list(source.pages("", ""))
        assert KEY not in repr(pages)
        assert len(pages) > 9


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"fields": {"title": "name"}}, "path of id"),
        ({"fields": {"id": "id", "heading": "name"}}, "no field 'heading'"),
        ({"fields": {"id": "a..b"}}, "no path"),
        ({"paging": {"kind": "offset"}}, "name its parameter"),
        ({"paging": {"kind": "cursor", "parameter": "c"}}, "path next"),
        ({"paging": {"kind": "offset", "parameter": "o", "size": 5}}, "smaller than size"),
        ({"split": BANDS}, "paging.most"),
        ({"paging": {"kind": "link", "most": 5}}, "name the path total"),
        ({"each": [{"parameter": "cat", "leaves": True}]}, "category tree"),
        ({"each": [{"parameter": "cat"}]}, "name its values"),
        ({"each": [{"parameter": "cat", "values": ["a", "a"]}]}, "given twice"),
        ({"etag": True, "updated_since": {"parameter": "since"}}, "etag"),
        ({"address": "ftp://h/x"}, "write an address"),
        ({"address": "https://me:secret@h/x"}, "no user or password"),
    ],
)
def test_settings_that_cannot_work_are_refused(shop_api, change, problem):
    base = {"name": "shop", "folder": ".", "address": "https://h/x", "rows": "products",
            "fields": FIELDS, "paging": KINDS["offset"]}  # fmt: skip
    with pytest.raises(ValueError, match=problem):
        ApiSettings.model_validate({**base, **change})


@pytest.mark.parametrize("cursor", ["\ud800", "x" * 9_000, ["p0009"], {"a": 1}])
def test_a_cursor_that_cannot_be_asked_for_stops_the_pass(shop_api, clock, cursor):
    shop_api.circle = cursor
    with pytest.raises(InputError):
        read(opened(shop_api, "cursor"))
