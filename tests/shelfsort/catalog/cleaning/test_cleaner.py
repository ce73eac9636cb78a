"""The rules of a catalogue, applied to the products of its database."""

import pytest

from shelfsort.catalog.cleaning.cleaner import Cleaner
from shelfsort.catalog.cleaning.language import language
from shelfsort.catalog.cleaning.posts import later_of_posts
from shelfsort.catalog.cleaning.settings import CleaningSettings
from shelfsort.catalog.cleaning.survey import survey
from shelfsort.catalog.output.selection import Selection
from shelfsort.catalog.output.wanted import wanted_products
from shelfsort.catalog.settings import load_settings
from shelfsort.core.database.engine import reader
from tests.fixtures.shop import NOW, Shop

GERMAN = "Das Hemd hat lange Ärmel, zwei Taschen und einen weichen Kragen."
ENGLISH = "The shirt has long sleeves, two pockets on the front and a soft collar."
PROMISE = "Every order comes with a replacement guarantee."


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    shop.source("shop")
    shop.add("shop", "0", title="SchÃ¶ne  Tasse", description="<p>R&amp;amp;D</p>")
    for number in range(1, 6):
        about = f"Mug number {number} of the set. {PROMISE}"
        shop.add("shop", str(number), title="Mug", description=about)
    shop.add("shop", "mail", title="Mug", description="Write to jo@shop.example.com")
    shop.add("shop", "old", description=PROMISE, gone=NOW)
    return shop


def settings_of(shop, **cleaning):
    shop.more["cleaning"] = {"least_products": 5, "least_share": 0.1, **cleaning}
    shop.write()
    return load_settings(shop.settings)


def taken(shop, **cleaning):
    settings = settings_of(shop, **cleaning)
    with reader(shop.engine) as connection:
        selection = Selection(connection, wanted_products(settings, without_images=True))
        return list(selection), selection.left_out


def test_products_leave_the_database_clean_and_stay_in_it_as_they_came(shop):
    chosen, _ = taken(shop)
    texts = [(each.title, each.description) for each in chosen]
    assert texts[:2] == [("Schöne Tasse", "R&D"), ("Mug", "Mug number 1 of the set.")]
    with reader(shop.engine) as connection:
        stored = connection.exec_driver_sql("select title from product where source_id = '0'")
        assert stored.scalar_one() == "SchÃ¶ne  Tasse"


def test_each_rule_can_be_turned_off(shop):
    off = {"mojibake": False, "entities": False, "html": False, "boilerplate": False}
    chosen, _ = taken(shop, **off)
    assert (chosen[0].title, chosen[0].description) == ("SchÃ¶ne Tasse", "<p>R&amp;amp;D</p>")
    assert chosen[1].description.endswith(PROMISE)


def test_products_with_personal_data_may_be_left_out(shop):
    chosen, left_out = taken(shop, personal_data=False)
    assert left_out["personal_data"] == 1
    assert "shop:mail" not in {each.id for each in chosen}


def test_only_the_first_product_of_a_post_may_be_kept(shop):
    shop.add("shop", "third", position=3, part_of="post 1")
    shop.add("shop", "first", position=1, part_of="post 1")
    shop.add("shop", "unknown", part_of="post 1")
    shop.add("shop", "gone", part_of="post 2", gone=NOW)
    shop.add("shop", "alone", part_of="post 2")
    with reader(shop.engine) as connection:
        assert len(later_of_posts(connection)) == 2
    chosen, left_out = taken(shop, first_of_post=True)
    assert left_out["spam"] == 2
    kept = {each.id for each in chosen}
    assert {"shop:first", "shop:alone", "shop:0"} <= kept
    assert not {"shop:third", "shop:unknown"} & kept


def test_a_survey_counts_what_rules_do_with_examples(shop):
    settings = settings_of(shop).cleaning
    with reader(shop.engine) as connection:
        found = survey(connection, settings)
    assert found.products == 7
    assert found.changed == {"html": 1, "entities": 1, "mojibake": 1, "boilerplate": 5}
    assert len(found.examples["boilerplate"]) == 3
    first = found.examples["boilerplate"][0]
    assert (PROMISE[:20] in first.before, first.after) == (True, "number 1 of the set.")
    assert found.examples["html"][0].before == "<p>R&amp;amp;D</p>"
    assert found.examples["html"][0].after == "R&D"
    assert (found.personal_data, found.later_of_posts, found.languages) == (1, 0, {})


def test_another_language_may_be_left_out_and_an_unknown_one_stays():
    cleaner = Cleaner(CleaningSettings(languages=("en",)))
    german = cleaner.clean("shop", "Blaues Hemd aus Baumwolle", GERMAN)
    english = cleaner.clean("shop", "A blue cotton shirt", ENGLISH)
    short = cleaner.clean("shop", "Hemd", "")
    assert [cleaner.reason(each) for each in (german, english, short)] == ["language", "", ""]


def test_the_language_of_a_short_text_is_unknown():
    assert language("Puma Men Black Polo T-shirt") == ""
    assert language("Sac à main en cuir noir avec deux poches et une longue bandoulière") == "fr"
