"""Products that are the same by what identifies them."""

from datetime import datetime, timezone

from PIL import Image

from shelfsort.catalog.duplicates.identity import repeats

GONE = datetime(2026, 1, 2, tzinfo=timezone.utc)


def counted(crawled) -> dict[str, tuple[int, int, int]]:
    with crawled.engine.connect() as connection:
        found = repeats(connection)
    return {each.kind: (each.groups, each.products, each.extra) for each in found}


def test_products_are_grouped_by_each_key(crawled):
    crawled.product(title="Mug", gtin="4006381333931", brand="Acme", mpn="a1", variants=5)
    crawled.product(title="Mug", gtin="04006381333931", brand="ACME", mpn="A1", variants=5)
    crawled.product(title="Mug", description="Red", gtin="4006381333948", brand="Acme", variants=5)
    crawled.product(title="", brand="Acme")
    crawled.product(title="", brand="Acme")
    assert counted(crawled) == {
        "text": (1, 2, 1),
        "gtin": (1, 2, 1),
        "mpn": (1, 2, 1),
        "variants": (1, 3, 2),
        "picture": (0, 0, 0),
    }


def test_products_with_one_picture_are_counted_and_gone_ones_are_not(crawled):
    digest = crawled.picture(Image.new("RGB", (8, 8), "red"))
    for title in ("Mug", "Cup", "Jar"):
        crawled.product(digest, title=title)
    crawled.product(digest, title="Mug", gone=GONE)
    found = counted(crawled)
    assert found["picture"] == (1, 3, 2)
    assert found["text"] == (0, 0, 0)
