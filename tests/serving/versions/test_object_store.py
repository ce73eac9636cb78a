"""The same guarantees where there is no rename: in memory, and on a real S3 interface."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving import version_folders, versions
from shelfsort.contract.model_files import model_digest
from shelfsort.core import files, storage
from shelfsort.core.errors import InputError


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.slow)])
def bucket(request) -> str:
    return f"{request.getfixturevalue(f'{request.param}_bucket')}/serving/products"


def test_push_rollback_and_prune(make_model, bucket):
    for content in "ab":
        versions.publish(make_model(content), bucket)
    version = versions.rollback(bucket)
    assert (version.number, version.lineage["rollback_of"]) == (3, 1)
    assert model_digest(version.path) == model_digest(make_model("a"))
    assert versions.verify(version) == []
    assert versions.publish(make_model("a"), bucket).already_live
    assert versions.prune(bucket, keep=1) == [1, 2]
    assert [version.number for version in versions.list_versions(bucket)] == [3]
    assert storage.child_folders(bucket) == ["3"]


def test_a_pushed_version_holds_every_byte(make_model, bucket):
    model = make_model("a")
    pushed = versions.publish(model, bucket).path
    assert storage.files_beneath(pushed) == storage.files_beneath(model)
    for name in set(storage.files_beneath(model)) - {"assets.extra/shelfsort.json"}:
        assert storage.read_bytes(f"{pushed}/{name}") == (model / name).read_bytes()


def test_the_graph_is_written_last_and_the_lineage_first(make_model, bucket, monkeypatch):
    written, copy, create = [], storage.copy, storage.create

    def recording(act):
        def wrapped(*places):
            written.append(places[1] if act is copy else places[0])
            act(*places)

        return wrapped

    monkeypatch.setattr(storage, "copy", recording(copy))
    monkeypatch.setattr(storage, "create", recording(create))
    versions.publish(make_model("a"), bucket)
    assert written[0] == f"{bucket}/1/assets.extra/shelfsort.json"
    assert written[-1] == f"{bucket}/1/saved_model.pb"
    assert len(written) == 6


def test_an_unfinished_version_does_not_count_and_goes_when_it_is_old(
    make_model, bucket, monkeypatch
):
    files.write_bytes(f"{bucket}/1/variables/variables.index", b"half")
    assert versions.live_version(bucket) is None
    assert versions.publish(make_model("a"), bucket).version == 2
    versions.prune(bucket, keep=5)
    assert storage.exists(f"{bucket}/1")
    later = time.time() + version_folders.ABANDONED_AFTER_S + 60
    monkeypatch.setattr(version_folders.time, "time", lambda: later)
    versions.prune(bucket, keep=5)
    assert not storage.exists(f"{bucket}/1")
    assert versions.live_version(bucket).number == 2


def test_a_failing_copy_leaves_nothing_behind(make_model, bucket, monkeypatch):
    versions.publish(make_model("a"), bucket)
    copy = storage.copy

    def full(source, target):
        if target.endswith("saved_model.pb"):
            raise OSError("the store is full")
        copy(source, target)

    monkeypatch.setattr(storage, "copy", full)
    with pytest.raises(OSError, match="store is full"):
        versions.publish(make_model("b"), bucket)
    assert storage.child_folders(bucket) == ["1"]


def test_publishers_at_the_same_time_get_a_number_each(make_model, bucket):
    models = [make_model(content) for content in "abcd"]
    with ThreadPoolExecutor(len(models)) as pool:
        published = list(pool.map(lambda model: versions.publish(model, bucket), models))
    assert sorted(publication.version for publication in published) == [1, 2, 3, 4]
    for publication, model in zip(published, models, strict=True):
        assert model_digest(publication.path) == model_digest(model)


@pytest.mark.slow
def test_a_model_in_one_store_is_pushed_to_another(make_model, memory_bucket, s3_bucket):
    model = make_model("a")
    there = versions.publish(model, memory_bucket).path
    here = versions.publish(there, s3_bucket).path
    assert model_digest(here) == model_digest(model)
    assert versions.verify(versions.live_version(s3_bucket)) == []


@pytest.mark.slow
def test_a_model_in_a_store_is_pushed_to_a_folder(make_model, s3_bucket, base):
    there = versions.publish(make_model("a"), s3_bucket).path
    pushed = Path(versions.publish(there, base).path)
    assert model_digest(pushed) == model_digest(make_model("a"))


def test_an_unknown_scheme_is_named(make_model):
    with pytest.raises(InputError, match="no file system for s4://"):
        versions.publish(make_model("a"), "s4://bucket/serving")


def test_a_file_uri_is_a_folder(make_model, base):
    assert versions.publish(make_model("a"), f"file://{base}").version == 1
    assert (base / "1" / "saved_model.pb").is_file()
