"""The store of pictures, in a folder and in a bucket."""

import ctypes
import errno
import hashlib
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import image
from shelfsort.catalog.fetching.store import ImageStore, Picture
from shelfsort.core import files, storage

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


def test_no_picture_has_its_name_before_its_bytes_are_on_the_disk(tmp_path, monkeypatch):
    store, seen = ImageStore(str(tmp_path / "images")), []

    def flushed(folder):
        assert str(folder) == store.place
        names = storage.files_beneath(store.place)
        seen.append((len(names), sum(name.endswith(".partial") for name in names)))

    monkeypatch.setattr(files, "sync_file_system", flushed)
    store.write([picture(b"%d" % n) for n in range(100)])
    assert seen == [(100, 100), (100, 0)]
    store.write([picture(b"0")])
    assert len(seen) == 2


def test_a_disk_that_fails_fails_the_write(tmp_path, monkeypatch):
    class Libc:
        def syncfs(self, descriptor):
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(files, "_libc", Libc)
    store = ImageStore(str(tmp_path / "images"))
    with pytest.raises(OSError, match=store.place) as failed:
        store.write([picture(b"one")])
    assert failed.value.errno == errno.EIO
    assert not [n for n in storage.files_beneath(store.place) if not n.endswith(".partial")]


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
