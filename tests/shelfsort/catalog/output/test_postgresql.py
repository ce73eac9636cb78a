"""PostgreSQL and SQLite say the same about the same catalogue."""

from datetime import timedelta

import pytest

from shelfsort.catalog.output.report import take_report
from shelfsort.catalog.output.selection import Selection, Wanted
from shelfsort.catalog.settings import load_settings
from shelfsort.core.database.engine import reader
from tests.fixtures.shop import NOW, Shop, reasons


def filled(folder, database=""):
    folder.mkdir()
    shop = Shop(folder, database)
    shop.tree()
    shop.source("shop")
    shop.source("bare", licence="")
    shop.pull("shop", rows=9, rejected=2, reasons=reasons("no_id", "no_id"))
    red, green = shop.picture("red"), shop.picture("green", size=(300, 200))
    bad = shop.picture("black", problem="placeholder")
    shop.same(red, green)
    shop.add("shop", "1", "gone", bad, red, categories=["shirts"], variants=2**62)
    shop.add("shop", "2", green, red, categories=["Sale"], variants=-(2**62))
    shop.add("bare", "3", "timeout", categories=[], first_seen=NOW - timedelta(days=100))
    shop.add("bare", "4", red, gone=NOW, variants=2**62)
    return shop


def seen(shop, one_per):
    with reader(shop.engine) as connection:
        selection = Selection(connection, Wanted({}, one_per=one_per))
        return list(selection), dict(selection.left_out)


@pytest.mark.slow
def test_both_databases_say_the_same(tmp_path, postgresql):
    here, there = filled(tmp_path / "here"), filled(tmp_path / "there", postgresql)
    for one_per in ("product", "picture", "group"):
        assert seen(here, one_per) == seen(there, one_per)
    assert len(seen(there, "product")[0]) == 2
    assert seen(there, "picture")[1] == {"same_picture": 1, "no_image": 1, "gone": 1}
    reports = [take_report(load_settings(each.settings), NOW) for each in (here, there)]
    assert reports[0].figures == reports[1].figures
    assert reports[0].sheet == reports[1].sheet
    there.engine.dispose()
