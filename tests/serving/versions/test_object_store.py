"""The same promises where there is no rename, on TensorFlow's in-memory file system."""

import uuid

import pytest

from serving import version_folders, versions
from shelfsort.contract.model_files import gfile, model_digest
from shelfsort.core.errors import InputError


@pytest.fixture
def bucket(monkeypatch) -> str:
    walk = gfile().walk

    def walk_without_ghosts(top):
        # The in-memory file system lists `assets.extra` beneath `assets` too, as ".extra".
        for folder, folders, names in walk(top):
            yield folder, folders, [name for name in names if name != ".extra"]

    monkeypatch.setattr(gfile(), "walk", walk_without_ghosts)
    return f"ram://{uuid.uuid4().hex}/serving/products"


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


def test_the_graph_is_written_last(make_model, bucket, monkeypatch):
    written = []
    write = version_folders.ObjectVersions._write

    def recording(self, path, content):
        written.append(path)
        write(self, path, content)

    monkeypatch.setattr(version_folders.ObjectVersions, "_write", recording)
    versions.publish(make_model("a"), bucket)
    assert written[-1] == f"{bucket}/1/saved_model.pb"
    assert len(written) == 6


def test_an_unfinished_version_does_not_count_and_goes_when_it_is_old(
    make_model, bucket, monkeypatch
):
    gfile().makedirs(f"{bucket}/1/variables")
    with gfile().GFile(f"{bucket}/1/variables/variables.index", "wb") as file:
        file.write(b"half")
    assert versions.live_version(bucket) is None
    assert versions.publish(make_model("a"), bucket).version == 2
    versions.prune(bucket, keep=5)
    assert gfile().exists(f"{bucket}/1")
    long = version_folders.ABANDONED_AFTER_S + 60
    monkeypatch.setattr(version_folders.ObjectVersions, "_idle_s", lambda self, path: long)
    versions.prune(bucket, keep=5)
    assert not gfile().exists(f"{bucket}/1")
    assert versions.live_version(bucket).number == 2


def test_a_scheme_tensorflow_does_not_know_is_named(make_model):
    with pytest.raises(InputError, match="no file system for s4://"):
        versions.publish(make_model("a"), "s4://bucket/serving")


def test_a_file_uri_is_a_folder(make_model, base):
    assert versions.publish(make_model("a"), f"file://{base}").version == 1
    assert (base / "1" / "saved_model.pb").is_file()
