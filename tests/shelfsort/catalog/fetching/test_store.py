"""The store of pictures, in a folder and in a bucket."""

import hashlib
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import image
from shelfsort.catalog.fetching.store import ImageStore, Picture
from shelfsort.core import storage

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)


def picture(content: bytes) -> Picture:
    return Picture(hashlib.sha256(content).hexdigest(), "png", content)


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def store(request, tmp_path):
    if request.param == "folder":
        return ImageStore(str(tmp_path / "images"))
    return ImageStore(request.getfixturevalue("s3_bucket") + "/images")


def test_pictures_are_kept_under_their_digests_and_once(store):
    one, other = picture(b"one"), picture(b"other")
    store.write([one, other, one])
    store.write([one])
    assert store.read(one.digest, "png") == b"one"
    assert sorted(storage.files_beneath(store.place)) == sorted(
        f"{each.digest[:2]}/{each.digest}.png" for each in (one, other)
    )


def test_removing_takes_one_picture_and_may_be_repeated(store):
    one, other = picture(b"one"), picture(b"other")
    store.write([one, other])
    store.remove(one.digest, "png")
    store.remove(one.digest, "png")
    assert storage.files_beneath(store.place) == [f"{other.digest[:2]}/{other.digest}.png"]


def test_sweeping_removes_what_the_database_does_not_know(tmp_path):
    store = ImageStore(str(tmp_path / "images"))
    known, stray = picture(b"known"), picture(b"stray")
    store.write([known, stray])
    engine = open_database(str(tmp_path / "c.db"))
    with engine.begin() as connection:
        row = {"digest": known.digest, "format": "png", "fetched": NOW}
        connection.execute(sa.insert(image), row)
    assert store.sweep(engine) == 1
    assert storage.files_beneath(store.place) == [f"{known.digest[:2]}/{known.digest}.png"]
