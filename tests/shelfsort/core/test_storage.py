import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import pytest
from fsspec.registry import _registry

from shelfsort.core import files, storage
from shelfsort.core.errors import InputError


@pytest.fixture(params=["path", "file", "memory", "s3"])
def folder(request, tmp_path) -> str:
    """An empty folder of each kind of place."""
    if request.param == "path":
        return str(tmp_path)
    if request.param == "file":
        return tmp_path.as_uri()
    return f"{request.getfixturevalue(f'{request.param}_bucket')}/below"


def test_the_scheme_of_a_place():
    assert storage.scheme("S3://bucket/key") == "s3"
    assert storage.scheme("file:///a") == "file"
    for path in ("/plain/path", "a/b://c", "C:/x", Path("/x"), ""):
        assert storage.scheme(path) == ""


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        ("a/b.csv", "/shop/a/b.csv"),
        ("/a/b.csv", "/a/b.csv"),
        ("s3://bucket/b.csv", "s3://bucket/b.csv"),
        ("file:///a%20b.csv", "/a b.csv"),
    ],
)
def test_a_place_in_a_file_is_relative_to_its_folder(place, meant):
    assert storage.placed("/shop", place) == meant


def test_object_stores_are_remote_and_files_are_not():
    assert storage.is_remote("gs://bucket/key")
    assert not storage.is_remote("/plain/path")
    assert not storage.is_remote("FILE:///plain/path")


def test_file_addresses_are_local_and_percent_decoded(tmp_path):
    path = tmp_path / "a b.txt"
    path.write_bytes(b"x")
    address = f"file://{tmp_path}/a%20b.txt"
    assert storage.local_path(address) == path
    assert storage.read_bytes(address) == b"x"
    assert storage.absolute(address) == str(path)
    assert storage.absolute("s3://b/x") == "s3://b/x"


def test_a_file_is_written_and_read(folder):
    place = storage.join(folder, "deep", "a.bin")
    assert not storage.exists(place)
    files.write_bytes(place, b"abc" * 1000)
    assert storage.exists(place)
    assert storage.read_bytes(place) == b"abc" * 1000
    assert storage.read_bytes(place, at_most=4) == b"abca"
    assert storage.file_digest(place) == hashlib.sha256(b"abc" * 1000).hexdigest()
    with storage.open_binary(place) as stream:
        assert stream.read(2) == b"ab"


def test_an_empty_file_has_no_bytes(folder):
    place = storage.join(folder, "empty")
    files.write_bytes(place, b"")
    assert storage.read_bytes(place, at_most=10) == b""
    assert storage.file_state(place)[0] == 0


def test_size_and_time_of_a_file_follow_its_changes(folder):
    place = storage.join(folder, "a")
    assert storage.file_state(place) == (-1, 0.0)
    files.write_bytes(place, b"abc")
    size, changed = storage.file_state(place)
    assert size == 3
    assert abs(changed - time.time()) < 60
    files.write_bytes(place, b"abcd")
    assert storage.file_state(place)[0] == 4


def test_a_missing_file_is_missing_everywhere(folder):
    place = storage.join(folder, "none")
    for ask in (storage.read_bytes, storage.file_digest, storage.open_binary):
        with pytest.raises(FileNotFoundError) as caught:
            ask(place)
        assert caught.value.strerror == "No such file or directory"


def test_folders_and_files_are_listed(folder):
    names = ["a.manifest", "b.txt", "one/c.manifest", "one/two/d.manifest"]
    for name in names:
        files.write_bytes(storage.join(folder, name), b"x")
    assert storage.files_beneath(folder) == names
    assert storage.files_beneath(folder + "/") == names
    assert storage.files_beneath(storage.join(folder, "one")) == ["c.manifest", "two/d.manifest"]
    assert storage.child_folders(folder) == ["one"]
    assert storage.child_folders(storage.join(folder, "none")) == []
    assert storage.is_folder(folder) and storage.is_folder(storage.join(folder, "one"))
    assert not storage.is_folder(storage.join(folder, "b.txt"))
    assert not storage.is_folder(storage.join(folder, "none"))
    found = storage.list_files(storage.join(folder, "*.manifest"))
    assert [storage.read_bytes(each) for each in found] == [b"x"]
    assert found[0].endswith("/a.manifest")
    assert len(storage.list_files(storage.join(folder, "*"))) == 2
    assert len(storage.list_files(storage.join(folder, "*/[a-d].*"))) == 1
    assert storage.list_files(storage.join(folder, "*.none")) == []


def test_a_file_of_another_process_is_seen_at_once(s3_bucket):
    assert storage.list_files(f"{s3_bucket}/*") == []
    fsspec.filesystem("s3", skip_instance_cache=True).pipe_file(f"{s3_bucket}/new", b"x")
    assert storage.list_files(f"{s3_bucket}/*") == [f"{s3_bucket}/new"]


def test_a_file_is_created_once(folder):
    place = storage.join(folder, "number")
    storage.create(place, b"first")
    with pytest.raises(FileExistsError):
        storage.create(place, b"second")
    assert storage.read_bytes(place) == b"first"


def test_files_are_copied_moved_and_removed(folder):
    first, second = storage.join(folder, "first"), storage.join(folder, "deep", "second")
    files.write_bytes(first, b"x")
    storage.copy(first, second)
    assert storage.read_bytes(first) == storage.read_bytes(second) == b"x"
    storage.move(first, storage.join(folder, "third"))
    assert storage.files_beneath(folder) == ["deep/second", "third"]
    storage.remove(storage.join(folder, "third"))
    storage.remove_tree(storage.join(folder, "deep"))
    assert storage.files_beneath(folder) == []


def test_files_are_copied_from_every_kind_of_place_to_every_other(
    folder, tmp_path, memory_bucket, s3_bucket
):
    source = storage.join(folder, "a")
    files.write_bytes(source, b"x" * 100)
    for number, there in enumerate((str(tmp_path / "there"), memory_bucket, s3_bucket)):
        target = storage.join(there, f"copy-{number}")
        storage.copy(source, target)
        assert storage.read_bytes(target) == b"x" * 100


def test_an_address_nobody_serves_is_one_clear_line():
    with pytest.raises(InputError, match="nowhere://x: the taxonomy cannot be read"):
        storage.read_input("nowhere://x", "taxonomy")


def test_a_missing_or_empty_input_is_named_with_the_remedy(folder):
    place = storage.join(folder, "tree.json")
    with pytest.raises(InputError, match=r"the taxonomy cannot be read .No such file or directory"):
        storage.read_input(place, "taxonomy")
    files.write_bytes(place, b" \n")
    with pytest.raises(InputError, match="the taxonomy is empty"):
        storage.read_input(place, "taxonomy")


def test_the_host_of_an_address_is_kept(monkeypatch):
    class Hosted(fsspec.AbstractFileSystem):
        protocol = "hosted"

        def __init__(self, host="", **options):
            super().__init__(**options)
            self.host = host

        @staticmethod
        def _get_kwargs_from_urls(address):
            return {"host": address.split("/")[2]}

    monkeypatch.setitem(_registry, "hosted", Hosted)
    assert storage.file_system("hosted://one/x").host == "one"
    assert storage.file_system("hosted://two/x").host == "two"


@pytest.mark.parametrize(
    ("store", "package", "extra"), [("s3", "s3fs", "aws"), ("gs", "gcsfs", "gcs")]
)
def test_a_missing_package_is_one_line_with_the_remedy(monkeypatch, store, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(_registry, store, raising=False)
    message = rf"{store}://bucket/key: .*pip install 'shelfsort\[{extra}\]'"
    with pytest.raises(InputError, match=message):
        storage.open_binary(f"{store}://bucket/key")


def test_the_base_install_without_fsspec_names_the_same_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match=r"pip install 'shelfsort\[aws\]'"):
        storage.read_bytes("s3://bucket/key")


def test_what_a_library_raises_is_an_os_error(monkeypatch):
    class BrokenError(Exception):
        pass

    class Store:
        def open(self, *_):
            raise BrokenError("no route to the store")

    monkeypatch.setattr(storage, "file_system", lambda _: Store())
    with pytest.raises(OSError, match="gs://b/x: no route to the store"):
        storage.read_bytes("gs://b/x")


def test_local_files_need_no_fsspec(tmp_path):
    code = (
        "import sys; from shelfsort.core import files, storage; p = sys.argv[1]\n"
        "files.write_json(p, {}); storage.read_bytes(p); storage.list_files(p + '*')\n"
        "sys.exit(sum(name in sys.modules for name in ('fsspec', 'asyncio', 'apache_beam')))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.json")], check=False)
    assert done.returncode == 0


def test_a_pipe_or_a_device_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", "/dev/zero"):
        for ask in (storage.read_bytes, storage.file_digest, storage.open_binary):
            with pytest.raises(OSError, match="not a plain file"):
                ask(place)
        with pytest.raises(InputError, match="not a plain file"):
            storage.read_input(place, "taxonomy")


def test_an_input_file_above_the_limit_is_refused(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 11)
    assert storage.read_input(tmp_path / "big", "taxonomy", at_most=11) == b"x" * 11
    with pytest.raises(InputError, match="larger than"):
        storage.read_input(tmp_path / "big", "taxonomy", at_most=10)
