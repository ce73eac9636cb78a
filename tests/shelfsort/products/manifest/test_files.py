import os
import re

import pytest

from shelfsort.core.errors import InputError
from shelfsort.core.files import write_text
from shelfsort.products.manifest.files import NoFiles, are_of, find_manifest_files


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in ("10.manifest", "09.manifest", "notes.txt", "_11.manifest", ".12.manifest"):
        (folder / name).write_text("x")
    (folder / "13.manifest.part").write_text("x")
    (folder / "14.manifest").mkdir()
    return folder


def names(files):
    return [file.rsplit("/", 1)[-1] for file in files]


def test_a_folders_complete_manifests_are_its_files_in_the_order_of_their_names(inbox):
    assert names(find_manifest_files(str(inbox))) == ["09.manifest", "10.manifest"]
    assert names(find_manifest_files(f"{inbox}/")) == ["09.manifest", "10.manifest"]


def test_a_pattern_chooses(inbox):
    assert names(find_manifest_files(f"{inbox}/1*.manifest")) == ["10.manifest"]
    assert names(find_manifest_files(f"{inbox}/*")) == [
        "09.manifest",
        "10.manifest",
        "13.manifest.part",
        "notes.txt",
    ]


def test_a_file_is_the_only_one_even_with_brackets_in_its_name(tmp_path):
    path = tmp_path / "labels [1].manifest"
    path.write_text("x")
    assert find_manifest_files(str(path)) == (str(path),)


def test_a_missing_file_is_left_to_whoever_reads_it():
    assert find_manifest_files("/nowhere/labelled.manifest") == ("/nowhere/labelled.manifest",)


@pytest.mark.parametrize("name", ["", "/*.manifest", "/2026-??.manifest"])
def test_a_folder_or_pattern_without_a_complete_manifest_is_refused(tmp_path, name):
    (tmp_path / "_half.manifest").write_text("x")
    with pytest.raises(InputError, match=rf"^{re.escape(str(tmp_path))}[/:].*'_'"):
        find_manifest_files(f"{tmp_path}{name}")


def test_images_without_folders_are_told_which_layout_names_categories(tmp_path):
    photos = tmp_path / "my photos"
    photos.mkdir()
    for name in ("1.jpg", "2.PNG", ".3.jpg", "notes.txt"):
        (photos / name).write_bytes(b"x")
    with pytest.raises(NoFiles) as refused:
        find_manifest_files(str(photos))
    said = str(refused.value)
    assert said.startswith(f"{photos}: ")
    assert f"{photos}/Mugs/1.jpg" in said
    assert said.endswith(f"shelfsort label --data '{photos}'")
    (photos / "Mugs").mkdir()
    (photos / "Mugs" / "4.jpg").write_bytes(b"x")
    assert find_manifest_files(str(photos)) == (str(photos),)


@pytest.mark.parametrize(
    ("manifest", "theirs"),
    [
        ("/in/1.manifest", True),
        ("/in", True),
        ("/in/", True),
        ("/in/*.manifest", True),
        ("/in/2.manifest", False),
        ("/i", False),
        ("/in/*.jsonl", False),
        ("/other", False),
    ],
)
def test_files_are_told_to_be_of_a_manifest_or_not(manifest, theirs):
    assert are_of(["/in/1.manifest"], manifest) is theirs


def test_files_of_an_object_store_are_found(memory_bucket):
    for name in ("2.manifest", "_3.manifest", "1.manifest", "notes.txt"):
        write_text(f"{memory_bucket}/in/{name}", "x")
    expected = (f"{memory_bucket}/in/1.manifest", f"{memory_bucket}/in/2.manifest")
    for manifest in ("in", "in/", "in/*.manifest"):
        assert find_manifest_files(f"{memory_bucket}/{manifest}") == expected


def test_a_store_that_cannot_be_asked_is_told_in_one_line():
    with pytest.raises(InputError, match=r"^nostore://b/\*\.manifest: .*nostore"):
        find_manifest_files("nostore://b/*.manifest")


def test_a_name_that_is_not_utf_8_is_refused_in_a_line_that_can_be_printed(tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.manifest")
    with open(name, "wb") as file:  # noqa: PTH123 - a name that pathlib need not know
        file.write(b"{}")
    for manifest in (name, str(tmp_path), f"{tmp_path}/*.manifest"):
        with pytest.raises(InputError, match="not UTF-8") as caught:
            find_manifest_files(manifest)
        str(caught.value).encode()
