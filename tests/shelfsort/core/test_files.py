import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shelfsort.core import files, storage
from shelfsort.core.errors import InputError


@pytest.fixture(params=["path", "memory", "s3"])
def folder(request, tmp_path) -> str:
    """An empty folder of each kind of place."""
    if request.param == "path":
        return str(tmp_path)
    return f"{request.getfixturevalue(f'{request.param}_bucket')}/below"


def test_a_reader_never_sees_part_of_a_file(tmp_path):
    path = tmp_path / "metrics.json"
    files.write_bytes(path, b"old")
    writer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from shelfsort.core.files import write_bytes\n"
            "while True:\n"
            "    for byte in (b'a', b'b'): write_bytes(sys.argv[1], byte * 4_000_000)",
            str(path),
        ]
    )
    try:
        seen, give_up = set(), time.monotonic() + 60
        while len(seen) < 3 and time.monotonic() < give_up:
            content = path.read_bytes()
            assert content == b"old" or (len(content) == 4_000_000 and len(set(content)) == 1)
            seen.add(content[:1])
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert seen == {b"o", b"a", b"b"}


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(folder):
    place = storage.join(folder, "a.txt")
    files.write_text(place, "old")
    with pytest.raises(RuntimeError), files.writing(place) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert storage.read_bytes(place) == b"old"
    assert storage.files_beneath(folder) == ["a.txt"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing"])
def test_a_folder_or_a_pipe_is_not_replaced_by_a_file(tmp_path, kind):
    place = "" if kind == "nothing" else str(tmp_path / "place")
    if kind == "folder":
        (tmp_path / "place").mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    before = list(tmp_path.iterdir())
    with pytest.raises(InputError, match="Name a file"):
        files.write_text(place, "x")
    assert list(tmp_path.iterdir()) == before
    assert not before or not before[0].is_file()


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_a_stream_is_not_replaced_even_where_it_leads_to_a_file(tmp_path, place):
    script = (
        "import sys\n"
        "from shelfsort.core import files\n"
        "from shelfsort.core.errors import InputError\n"
        "try:\n"
        "    files.write_text(sys.argv[1], 'x')\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    before = Path("/dev/stdout").readlink()
    with (tmp_path / "said").open("w") as said:
        subprocess.run([sys.executable, "-c", script, place], stdout=said, check=True)
    assert "Name a file" in (tmp_path / "said").read_text()
    assert Path("/dev/stdout").readlink() == before


def test_a_new_file_may_be_read_by_those_whom_the_umask_lets(tmp_path):
    files.write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"}
    assert len(modes) == 1


def test_json_is_written_and_read(folder):
    place = storage.join(folder, "a.json")
    content = {"category": "Stühle", "share": 0.5, "counts": [1, 2]}
    files.write_json(place, content)
    assert files.read_json(place) == content
    assert (
        storage.read_bytes(place).decode()
        == json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    )


def test_a_missing_json_file_is_an_error_or_what_the_caller_says(folder):
    place = storage.join(folder, "none.json")
    with pytest.raises(FileNotFoundError):
        files.read_json(place)
    assert files.read_json(place, missing={}) == {}
    assert files.read_json(place, missing=None) is None


@pytest.mark.parametrize(
    ("content", "where"), [(b'{"a":\n 1,}', ":2: not JSON"), (b"\xff", ": not UTF-8"), (b"", ":1:")]
)
def test_broken_json_names_file_and_line(tmp_path, content, where):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        files.read_json(path, missing={})
    assert str(caught.value).startswith(f"{path}{where}")


def test_not_a_number_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"share": float("nan")})
    assert list(tmp_path.iterdir()) == []
