import sys

import pytest

from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_remote, local_path, open_binary, read_input


def test_file_addresses_are_local_and_percent_decoded(tmp_path):
    path = tmp_path / "a b.txt"
    path.write_bytes(b"x")
    address = f"file://{tmp_path}/a%20b.txt"
    assert not is_remote(address)
    assert local_path(address) == path
    with open_binary(address) as stream:
        assert stream.read() == b"x"


def test_object_stores_are_remote():
    assert is_remote("gs://bucket/key")
    assert not is_remote("/plain/path")


def test_an_address_nobody_serves_is_one_clear_line():
    with pytest.raises(InputError, match="nowhere://x: the taxonomy cannot be read"):
        read_input("nowhere://x", "taxonomy")


def test_a_store_whose_package_is_not_installed_is_one_line_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(InputError, match=r"s3://bucket/key: .*pip install 'shelfsort\[aws\]'"):
        open_binary("s3://bucket/key")
