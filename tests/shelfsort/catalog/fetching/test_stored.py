"""Pictures in folders of this machine and in buckets."""

import hashlib

import pytest

from shelfsort.catalog.database.tables import link
from shelfsort.catalog.fetching.store import ImageStore
from shelfsort.catalog.sources.tables import TablesSettings
from shelfsort.core import storage
from tests.fixtures.crawl import jpeg

pytestmark = pytest.mark.slow


@pytest.fixture
def photos(crawl):
    """A folder of pictures that the settings name."""
    folder = crawl.folder / "photos"
    folder.mkdir()
    crawl.image_folders = [str(folder)]
    return folder


def test_pictures_of_a_folder_are_fetched_with_the_limits_of_downloads(crawl, photos):
    (photos / "a b.png").write_bytes(jpeg(1))
    (photos / "text.png").write_text("no picture")
    (photos / "long.png").write_bytes(jpeg(2) + bytes(200_000))
    (photos / "folder.png").mkdir()
    names = ("a b", "text", "long", "folder", "none")
    crawl.add([(photos / f"{name}.png").as_uri() for name in names])
    crawl.run()
    found = [each["state"] for each in crawl.rows(link)]
    assert found == ["good", "not_an_image", "too_large", "not_an_image", "gone"]
    assert [each["digest"] for each in crawl.images] == [hashlib.sha256(jpeg(1)).hexdigest()]


def test_nothing_outside_the_folders_is_read(crawl, photos):
    secret = crawl.folder / "secret.png"
    secret.write_bytes(jpeg(1))
    (photos / "out.png").symlink_to(secret)
    (photos / "up").symlink_to(crawl.folder)
    crawl.add([each.as_uri() for each in (secret, photos / "out.png", photos / "up/secret.png")])
    crawl.run()
    assert {each["state"] for each in crawl.rows(link)} == {"refused_address"}
    crawl.image_folders = []
    assert crawl.run(retry=["refused_address"]).progress.outcomes == {"refused_address": 3}
    assert crawl.images == []


def test_a_folder_that_is_not_there_makes_no_picture_gone(crawl, photos):
    crawl.add([(photos / "a.png").as_uri()])
    photos.rmdir()
    assert crawl.run().progress.outcomes == {"dead_host": 1}


def test_a_stored_picture_is_read_again_only_if_it_changed(crawl, photos):
    (photos / "a.png").write_bytes(jpeg(1))
    crawl.add([(photos / "a.png").as_uri()])
    crawl.run()
    assert crawl.run(retry=["good"]).progress.outcomes == {"unchanged": 1}
    (photos / "a.png").write_bytes(jpeg(2, (20, 20)))
    assert crawl.run(retry=["good"]).progress.outcomes == {"good": 1}
    assert crawl.run(retry=["good"], check_only=True).progress.outcomes == {"unchanged": 1}


def test_pictures_go_from_a_bucket_to_a_bucket_and_others_are_not_asked(crawl, s3_bucket):
    for name in ("photos/a.png", "secret/b.png"):
        storage.create(f"{s3_bucket}/{name}", jpeg(len(name)))
    crawl.image_folders, crawl.store = [f"{s3_bucket}/photos"], f"{s3_bucket}/kept"
    crawl.add([f"{s3_bucket}/{name}" for name in ("photos/a.png", "photos/none", "secret/b.png")])
    crawl.run()
    assert [each["state"] for each in crawl.rows(link)] == ["good", "gone", "refused_address"]
    (kept,) = crawl.images
    assert storage.files_beneath(crawl.store) == [f"{kept['digest'][:2]}/{kept['digest']}.png"]
    content = ImageStore(crawl.store).read(kept["digest"], kept["format"])
    assert content == jpeg(len("photos/a.png"))


def test_other_stores_are_no_folders_of_pictures():
    with pytest.raises(ValueError, match="image_folders"):
        TablesSettings(name="a", folder="/", files="a.csv", image_folders=["ftp://a/b"])
