"""Passes over a source: what they store, and when they store nothing."""

import dataclasses
import json

import pytest
import sqlalchemy as sa

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import (
    history,
    link,
    product,
    product_link,
    pull,
    quarantine,
    stage,
)
from shelfsort.catalog.importing.hosts import MainHosts
from shelfsort.catalog.importing.locks import only_one
from shelfsort.catalog.importing.passes import run_pass
from shelfsort.catalog.rows import Page, Reject
from shelfsort.core.errors import InputError
from shelfsort.products.groups import group_id, group_key
from tests.shelfsort.catalog.importing.given import GivenSource, rows, settings_of, source_of


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request, tmp_path):
    place = str(tmp_path / "catalog.db")
    if request.param == "postgresql":
        place = request.getfixturevalue("postgresql")
    engine = open_database(place)
    yield engine
    engine.dispose()


_ALL = sa.true()


def passed(engine, source, accept=False, restart=False, **settings):
    return run_pass(engine, settings_of(source, **settings), accept=accept, restart=restart)


def read(engine, *columns, where=_ALL):
    with engine.begin() as connection:
        return connection.execute(sa.select(*columns).where(where)).tuples().all()


def there(engine):
    """Ids of the products that are not gone."""
    return {id_ for (id_,) in read(engine, product.c.source_id, where=product.c.gone.is_(None))}


def test_a_pass_stores_products_their_group_and_their_links(engine):
    row = dataclasses.replace(
        rows(1)[0], image_urls=("HTTPS://Shop.test:443/a b.jpg#x", "https://cdn.test/2.jpg")
    )
    found = passed(engine, source_of([row], rows(2, 3)))
    assert (found.outcome, found.rows, found.new, found.changed, found.gone) == (
        "whole",
        3,
        3,
        0,
        0,
    )
    groups = read(engine, product.c.variants, where=product.c.source_id == "p1")
    assert groups == [(group_id(group_key("Mug 1", b"", "")),)]
    links = sa.select(product_link.c.position, link.c.url, link.c.host, link.c.due)
    links = links.join(link, link.c.id == product_link.c.link).join(product)
    with engine.begin() as connection:
        of_first = connection.execute(
            links.where(product.c.source_id == "p1").order_by(product_link.c.position)
        ).all()
    assert [tuple(each)[:3] for each in of_first] == [
        (0, "https://shop.test/a%20b.jpg", "shop.test"),
        (1, "https://cdn.test/2.jpg", "cdn.test"),
    ]
    assert all(each.due is not None for each in of_first)
    assert read(engine, sa.func.count(stage.c.id)) == [(0,)]


def test_a_second_pass_writes_history_of_what_changed_only(engine):
    passed(engine, source_of(rows(1, 2)))
    new = dataclasses.replace(rows(2)[0], price=5.0, image_urls=("https://shop.test/new.jpg",))
    found = passed(engine, source_of([*rows(1), new]))
    assert (found.new, found.changed, found.gone) == (0, 1, 0)
    ((was,),) = read(engine, history.c.was)
    assert json.loads(was) == {"price": 2.0, "images": ["https://shop.test/2.jpg"]}
    of = read(engine, product.c.price, where=product.c.source_id == "p2")
    assert of == [(5.0,)]


def test_missing_products_are_gone_and_return(engine):
    passed(engine, source_of(rows(1, 2, 3)))
    assert passed(engine, source_of(rows(1, 2))).gone == 1
    assert there(engine) == {"p1", "p2"}
    assert passed(engine, source_of(rows(1, 2))).gone == 0
    found = passed(engine, source_of(rows(1, 2, 3)))
    assert (found.new, found.changed, found.gone) == (0, 0, 0)
    assert there(engine) == {"p1", "p2", "p3"}
    ((was,),) = read(engine, history.c.was)
    assert list(json.loads(was)) == ["gone"]


def test_a_source_of_changes_deletes_nothing_and_may_be_empty(engine):
    passed(engine, source_of(rows(1, 2), lists_all=False))
    found = passed(engine, source_of([], lists_all=False))
    assert (found.outcome, found.gone) == ("whole", 0)
    assert there(engine) == {"p1", "p2"}


def test_most_rows_missing_refuses_the_pass_and_nothing_of_it_is_seen(engine):
    passed(engine, source_of(rows(*range(10)), state="first"))
    changed = rows(*range(4), title="other")
    source = source_of(changed, state="second")
    found = passed(engine, source)
    assert found.outcome == "refused"
    assert "least_share" in found.refusal[0]
    assert len(there(engine)) == 10
    assert read(engine, sa.func.count(history.c.id)) == [(0,)]
    assert not read(engine, product.c.id, where=product.c.title == "other")
    # Accepted as it was read, without reading it again.
    found = passed(engine, source, accept=True)
    assert (found.outcome, found.changed, found.gone) == ("whole", 4, 6)
    assert source.asked == [("", "first")]
    assert there(engine) == {"p0", "p1", "p2", "p3"}


@pytest.mark.parametrize(
    ("contract", "given", "code"),
    [
        ({"least_rows": 6}, 4, "least_rows"),
        ({"most_rows": 5}, 6, "most_rows"),
        ({"most_rows": 2}, 9, "most_rows"),
        ({"least_price": 2}, 4, "most_rejected"),
    ],
)
def test_a_contract_refuses_too_few_too_many_and_too_many_rejected(engine, contract, given, code):
    found = passed(engine, source_of(rows(*range(given)), rows(20)), contract=contract)
    assert found.outcome == "refused" and code in found.refusal[0]
    assert there(engine) == set()


def hosted(host, *numbers):
    urls = {n: (f"https://{host}/{n}.jpg",) if host else () for n in numbers}
    return [dataclasses.replace(rows(n)[0], image_urls=urls[n]) for n in numbers]


@pytest.mark.parametrize("repeated", [False, True])
def test_a_source_that_loses_its_pictures_is_refused(engine, repeated):
    before = hosted("a.test", *range(8))
    passed(engine, source_of([*before, *hosted("", 8, 9)]))
    kept = hosted("a.test", 0, 1, 2)
    lost = [*kept, *hosted("", *range(3, 10))]
    found = passed(engine, source_of(lost, *([kept] if repeated else [])))
    if repeated:  # six rows of three products
        assert found.outcome == "whole"
        return
    assert found.refusal == (
        "3 rows have a picture, fewer than 50% of the 8 of the last whole pass (least_pictures)",
    )
    accepted = passed(engine, source_of(lost), accept=True)
    assert (accepted.outcome, accepted.changed) == ("whole", 5)
    assert passed(engine, source_of(hosted("a.test", *range(10)))).outcome == "whole"


def test_a_source_whose_pictures_change_their_host_is_refused(engine):
    passed(engine, source_of(hosted("a.test", *range(8)), hosted("b.test", 8, 9)))
    moved = [*hosted("a.test", 0), *hosted("ads.test", *range(1, 8)), *hosted("b.test", 8, 9)]
    found = passed(engine, source_of(moved))
    assert found.refusal == (
        "3 rows have their picture where the last whole pass had it, fewer than 50% of 10; "
        "the others are at ads.test (least_pictures)",
    )
    assert passed(engine, source_of(moved), contract={"least_pictures": 0.3}).outcome == "whole"


def test_other_rewrites_may_move_pictures_but_not_lose_them(engine):
    passed(engine, source_of(hosted("a.test", *range(4))))
    rule = {"pattern": "a.test", "replacement": "b.test"}
    assert passed(engine, source_of(hosted("a.test", *range(4))), rewrite=[rule]).changed == 4
    found = passed(engine, source_of(hosted("", *range(4))))
    assert found.outcome == "refused"


def test_hosts_of_pictures_are_counted_over_a_kill(engine):
    passed(engine, source_of(hosted("a.test", *range(8))))
    pages = [Page(hosted("a.test", *range(8)), cursor="1"), InputError("stopped")]
    with pytest.raises(InputError, match="stopped"):
        passed(engine, GivenSource(pages))
    found = passed(engine, source_of(hosted("a.test", *range(8)), hosted("a.test", 8)))
    assert (found.outcome, found.resumed) == ("whole", True)
    hosts = read(engine, pull.c.hosts, where=pull.c.outcome == "whole")
    assert [json.loads(text) for (text,) in hosts] == [{"a.test": 8}, {"a.test": 9}]


def test_very_many_hosts_are_kept_in_bounds():
    hosts = MainHosts((f"{n}.test", 1 + (n < 10)) for n in range(5_000))
    again = MainHosts.read(hosts.written())
    assert (again.total, again.shared(hosts)) == (5_010, 5_010)
    assert len(hosts.written()) < 20_000


def test_fewer_rows_than_announced_are_refused(engine):
    source = GivenSource([Page(rows(1, 2), total=10)])
    assert passed(engine, source).refusal == (
        "2 rows, fewer than 50% of the 10 that the source announced (least_share)",
    )


def test_a_row_in_quarantine_keeps_its_product_as_it_was(engine):
    contract = {"least_price": 1, "most_rejected": 0.5}
    passed(engine, source_of(rows(1, 2, 3)), contract=contract)
    bad = rows(2, price=0.5)
    pages = [Page([*rows(1), *bad], [Reject("a.csv:9", "price", "no price", "x", "p3")])]
    found = passed(engine, GivenSource([*pages]), contract={**contract, "most_rejected": 0.7})
    assert (found.rows, found.rejected, found.gone) == (1, 2, 0)
    assert there(engine) == {"p1", "p2", "p3"}
    assert read(engine, product.c.price, where=product.c.source_id == "p2") == [(2.0,)]
    places = read(engine, quarantine.c.place, quarantine.c.reason)
    assert set(places) == {("id p2", "price_range"), ("a.csv:9", "price")}
    assert found.reasons["price"].place == "a.csv:9"


def test_the_last_of_repeated_rows_counts_whatever_their_pages(engine):
    first, second = rows(1, title="first"), rows(1, title="second")
    found = passed(engine, source_of([*rows(2), *first, *second], rows(2)))
    assert (found.rows, found.repeated, found.new) == (2, 2, 2)
    assert read(engine, product.c.title, where=product.c.source_id == "p1") == [("second",)]


def test_a_source_that_fails_goes_on_at_its_cursor(engine):
    source = source_of(rows(1, 2), rows(3), rows(4), state="done")
    source.given.insert(2, InputError("the service does not answer"))
    with pytest.raises(InputError, match="does not answer"):
        passed(engine, source)
    assert there(engine) == set()
    del source.given[2]
    found = passed(engine, source)
    assert (found.resumed, found.rows, found.new) == (True, 4, 4)
    assert source.asked == [("", ""), ("2", "")]
    passed(engine, source)
    assert source.asked[-1] == ("", "done")
    assert len(read(engine, pull.c.id)) == 2


def test_a_pass_begins_again_where_the_cursor_is_stale_or_the_settings_changed(engine):
    source = source_of(rows(1, 2), rows(3))
    source.given.insert(1, InputError("no answer"))
    with pytest.raises(InputError):
        passed(engine, source)
    source = source_of(rows(1), rows(3), stale={"1"})
    found = passed(engine, source)
    assert (found.rows, len(found.notes)) == (2, 1)
    assert [cursor for cursor, _ in source.asked] == ["1", ""]
    source.given[1] = InputError("no answer")
    with pytest.raises(InputError):
        passed(engine, source)
    passed(engine, source_of(rows(5, 1)), contract={"most_rows": 9})
    assert there(engine) == {"p1", "p5"}


def test_a_source_that_changes_all_the_time_is_one_line(engine):
    with pytest.raises(InputError, match="changes while it is read"):
        passed(engine, source_of(rows(1), stale={""}))


def test_restart_begins_at_the_beginning(engine):
    source = source_of(rows(1), rows(2))
    source.given.insert(1, InputError("no answer"))
    with pytest.raises(InputError):
        passed(engine, source)
    del source.given[1]
    assert not passed(engine, source, restart=True).resumed
    assert [cursor for cursor, _ in source.asked] == ["", ""]


def test_an_unchanged_source_changes_nothing_and_is_no_measure_of_volume(engine):
    passed(engine, source_of(rows(1, 2), state="etag"))
    source = GivenSource([Page((), unchanged=True)])
    assert passed(engine, source).outcome == "unchanged"
    assert source.asked == [("", "etag")]
    assert there(engine) == {"p1", "p2"}
    assert passed(engine, source_of([])).outcome == "refused"


def test_rewritten_addresses_take_effect_without_history_of_values(engine):
    passed(engine, source_of(rows(1)))
    rule = {"pattern": r"/(\d)\.jpg", "replacement": r"/large/\1.jpg"}
    found = passed(engine, source_of(rows(1)), rewrite=[rule])
    assert found.changed == 1
    shown = sa.select(link.c.url).join(product_link, product_link.c.link == link.c.id)
    with engine.begin() as connection:
        assert connection.execute(shown).scalars().all() == ["https://shop.test/large/1.jpg"]
    ((was,),) = read(engine, history.c.was)
    assert json.loads(was) == {"images": ["https://shop.test/1.jpg"]}


def test_what_no_database_stores_is_in_quarantine(engine):
    bad = [*rows(1, title="a\0b"), *rows(2, brand="\ud800"), *rows(3, id="\0")]
    links = rows(4, image_urls=("data:image/png;base64,AAAA", "https://x.test/" + "a" * 3_000))
    found = passed(engine, source_of([*bad, *links]), contract={"most_rejected": 0.8})
    assert {code: each.number for code, each in found.reasons.items()} == {"text": 3, "address": 2}
    assert (found.rows, found.rejected) == (1, 3)
    assert there(engine) == {"p4"}


def test_variants_wait_for_the_picture_where_there_is_no_title(engine):
    passed(engine, source_of([*rows(1, title=""), *rows(2, title="", image_urls=())]))
    groups = dict(read(engine, product.c.source_id, product.c.variants))
    assert groups == {"p1": 0, "p2": group_id(group_key("", b"", ""))}


def test_two_imports_of_one_source_exclude_each_other_and_of_two_do_not(engine):
    with only_one(engine, "other"):
        assert passed(engine, source_of(rows(1))).new == 1
    held = pytest.raises(InputError, match="another process imports it")
    with only_one(engine, "shop"), held:
        passed(engine, source_of(rows(1, 2)))
    assert there(engine) == {"p1"}


def test_a_batch_holds_a_bounded_text_and_one_row_at_least(engine, monkeypatch):
    monkeypatch.setattr("shelfsort.catalog.importing.applying._CHARS_AT_ONCE", 250)
    said = []
    source = source_of(rows(*range(9)))
    found = run_pass(
        engine, settings_of(source), said=lambda what, done, total: said.append((what, done, total))
    )
    assert found.new == 9
    stored = [done for what, done, _ in said if what == "stored"]
    assert len(stored) > 2 and stored[-1] == 9


def test_quarantine_keeps_a_bounded_number_and_counts_all(engine, monkeypatch):
    monkeypatch.setattr("shelfsort.catalog.importing.staging._MAX_QUARANTINE", 5)
    rejects = [Reject(f"a.csv:{n}", "price", "x" * 9_000, "y\0" * 9_000) for n in range(4)]
    pages = [Page(rows(1), rejects, "1"), Page(rows(2), rejects)]
    found = passed(engine, GivenSource([*pages]), contract={"most_rejected": 1})
    assert (found.rejected, found.reasons["price"].number) == (8, 8)
    kept = read(engine, quarantine.c.content, quarantine.c.detail)
    assert len(kept) == 5
    assert {(len(content), len(detail)) for content, detail in kept} == {(2_000, 500)}
    passed(engine, source_of(rows(1, 2)))
    assert read(engine, quarantine.c.id) == []
