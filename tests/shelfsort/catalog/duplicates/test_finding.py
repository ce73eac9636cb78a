"""Pairs of pictures are proposed, decided and stored."""

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from shelfsort.catalog.database.tables import image, pair
from shelfsort.catalog.duplicates.finding import MOST_OF_ONE_HASH, find_duplicates
from shelfsort.catalog.duplicates.settings import DuplicateSettings

SETTINGS = DuplicateSettings()


def shown(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((120, 160), Image.Resampling.BICUBIC)


def recoloured(picture: Image.Image) -> Image.Image:
    """The same grey values without their colours."""
    grey = picture.convert("L")
    return Image.merge("RGB", (grey, grey.point(lambda value: min(255, value + 3)), grey))


def verdicts(crawled) -> dict[frozenset[str], str]:
    with crawled.engine.connect() as connection:
        rows = connection.execute(sa.select(pair)).mappings().all()
    assert all(row["one"] < row["other"] for row in rows)
    return {frozenset((row["one"], row["other"])): row["verdict"] for row in rows}


def test_a_copy_is_the_same_and_the_shape_in_other_colours_is_not(crawled):
    original, copy = crawled.picture(shown(0)), crawled.picture(shown(0), quality=60)
    other_colours = crawled.picture(recoloured(shown(0)))
    crawled.picture(shown(1))
    found = find_duplicates(crawled.engine, crawled.read, SETTINGS)
    assert (found.images, found.proposed, found.decided) == (4, 3, 3)
    assert verdicts(crawled) == {
        frozenset((original, copy)): "same",
        frozenset((original, other_colours)): "different",
        frozenset((copy, other_colours)): "different",
    }


def test_a_second_search_looks_at_new_pairs_only_and_new_settings_at_none(crawled):
    crawled.picture(shown(0))
    crawled.picture(shown(0), quality=60)
    find_duplicates(crawled.engine, crawled.read, SETTINGS)
    crawled.picture(shown(0), quality=30)
    again = find_duplicates(crawled.engine, crawled.read, SETTINGS)
    assert (again.proposed, again.decided) == (3, 2)
    strict = find_duplicates(crawled.engine, crawled.read, DuplicateSettings(difference=0))
    assert strict.decided == 0
    assert set(verdicts(crawled).values()) == {"different"}


def test_pictures_that_may_not_be_used_are_not_compared(crawled):
    crawled.picture(shown(0))
    crawled.picture(shown(0), quality=60, problem="placeholder")
    crawled.picture(shown(0), quality=50, perceptual_hash="")
    assert find_duplicates(crawled.engine, crawled.read, SETTINGS).proposed == 0


def test_a_picture_that_the_store_lost_or_damaged_is_counted(crawled):
    digests = [crawled.picture(shown(0), quality=quality) for quality in (90, 60, 50, 40)]
    del crawled.contents[digests[0]]
    crawled.contents[digests[1]] = b"\xff\xd8\xff broken"
    found = find_duplicates(crawled.engine, crawled.read, SETTINGS)
    assert found.unreadable == 2
    assert set(verdicts(crawled)) == {frozenset(digests[2:])}


def test_many_pictures_of_one_hash_are_compared_with_a_bounded_number(crawled):
    count = MOST_OF_ONE_HASH + 10
    same = {"perceptual_hash": "00000000000000ff"}
    digests = [crawled.picture(shown(number), **same) for number in range(count)]
    crawled.picture(shown(count), perceptual_hash="00000000000000fe")
    found = find_duplicates(crawled.engine, crawled.read, SETTINGS)
    within = MOST_OF_ONE_HASH * (MOST_OF_ONE_HASH - 1) // 2 + MOST_OF_ONE_HASH * 10
    assert found.proposed == within + MOST_OF_ONE_HASH
    assert found.crowded == 1
    assert len(digests) == count


def test_a_pair_of_a_picture_that_was_deleted_meanwhile_is_not_stored(crawled):
    digests = [crawled.picture(shown(0), quality=quality) for quality in (90, 60, 50)]

    def read(digest: str, form: str) -> bytes:
        with crawled.engine.begin() as connection:
            connection.execute(sa.delete(image).where(image.c.digest == digests[0]))
        return crawled.read(digest, form)

    find_duplicates(crawled.engine, read, SETTINGS)
    assert set(verdicts(crawled)) == {frozenset(digests[1:])}


def test_an_empty_database_has_none(crawled):
    found = find_duplicates(crawled.engine, crawled.read, SETTINGS)
    assert (found.images, found.proposed) == (0, 0)


def test_settings_outside_their_range_are_refused():
    with pytest.raises(ValueError, match="less than or equal to 11"):
        DuplicateSettings(distance=12)
