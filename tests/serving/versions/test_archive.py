"""A version as an archive: its layout, its bytes, and what may not be packed."""

import tarfile
from pathlib import Path

import pytest

from serving import versions
from serving.archive import write_archive
from shelfsort.core import storage


def _contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        return {each.name: opened.extractfile(each).read() for each in opened.getmembers()}


def test_an_archive_holds_every_file_below_name_and_version(make_model, base, tmp_path):
    version = versions.find_version(base, versions.publish(make_model("a"), base).version)
    size = write_archive(version, "products", tmp_path / "out" / "model.tar.gz")
    packed = _contents(tmp_path / "out" / "model.tar.gz")
    assert packed == {
        f"products/1/{name}": storage.read_bytes(storage.join(version.path, name))
        for name in storage.files_beneath(version.path)
    }
    assert "products/1/variables/variables.data-00000-of-00001" in packed
    assert size == (tmp_path / "out" / "model.tar.gz").stat().st_size


def test_equal_files_give_an_equal_archive_without_times_or_owners(make_model, base, tmp_path):
    version = versions.find_version(base, versions.publish(make_model("a"), base).version)
    first, second = tmp_path / "first.tar.gz", tmp_path / "second.tar.gz"
    write_archive(version, "products", first)
    for file in Path(version.path).rglob("*"):
        file.touch()
    write_archive(version, "products", second)
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as opened:
        assert {(each.mtime, each.uid, each.uname) for each in opened} == {(0, 0, "")}


@pytest.mark.slow
def test_an_archive_is_written_from_one_store_to_another(
    make_model, memory_bucket, s3_bucket, tmp_path
):
    versions.publish(make_model("a"), memory_bucket)
    version = versions.live_version(memory_bucket)
    size = write_archive(version, "products", f"{s3_bucket}/model.tar.gz")
    storage.copy(f"{s3_bucket}/model.tar.gz", tmp_path / "model.tar.gz")
    assert (tmp_path / "model.tar.gz").stat().st_size == size
    assert _contents(tmp_path / "model.tar.gz")["products/1/saved_model.pb"] == b"graph a"


def test_a_failed_write_leaves_the_archive_that_was_there(make_model, base, tmp_path, monkeypatch):
    version = versions.find_version(base, versions.publish(make_model("a"), base).version)
    place = tmp_path / "model.tar.gz"
    place.write_bytes(b"before")
    monkeypatch.setattr(
        "serving.archive.open_binary", lambda source: (_ for _ in ()).throw(OSError("unreadable"))
    )
    with pytest.raises(OSError, match="unreadable"):
        write_archive(version, "products", place)
    assert [file.name for file in tmp_path.glob("*model.tar*")] == ["model.tar.gz"]
    assert place.read_bytes() == b"before"
