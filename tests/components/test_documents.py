"""Documents survive their files; older ones are read, newer and broken ones refused in one line."""

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from components.blessing import MODEL_BLESSING
from components.documents import VERSION_KEY, Document, json_lines
from shelfsort.core.errors import InputError


@dataclass(frozen=True)
class Note(Document):
    """A document whose field was once called `words`."""

    FILE: ClassVar[str] = "note.json"
    FORMAT: ClassVar[int] = 2

    text: str
    score: float | None = None
    tags: tuple[str, ...] = field(default_factory=tuple)

    @classmethod
    def _fields(cls, content: Any, version: int) -> Any:
        return content if version >= 2 else {"text": content["words"]}


def test_a_document_survives_its_file(tmp_path):
    note = Note("höchst übel", 0.1 + 0.2, ("a", "b"))
    note.write(tmp_path / "new" / "folder")
    assert Note.read(tmp_path / "new" / "folder") == note
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["note.json"]


def test_the_file_says_its_version_and_holds_no_number_that_is_none(tmp_path):
    Note("x", float("nan")).write(tmp_path)
    content = json.loads((tmp_path / "note.json").read_text())
    assert content == {VERSION_KEY: 2, "text": "x", "score": None, "tags": []}


def test_a_document_of_an_older_version_is_read(tmp_path):
    (tmp_path / "note.json").write_text('{"words": "x"}')
    assert Note.read(tmp_path) == Note("x")


@pytest.mark.parametrize("version", ["3", '"two"', "null"])
def test_a_newer_version_is_refused_with_its_remedy(tmp_path, version):
    (tmp_path / "note.json").write_text(f'{{"{VERSION_KEY}": {version}, "text": "x"}}')
    with pytest.raises(InputError, match=r"note\.json: has format .* Use the version") as caught:
        Note.read(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"format_version": 2, "text": []}'])
def test_anything_else_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "note.json").write_text(text)
    with pytest.raises(InputError, match=r"note\.json: .* Repeat the run") as caught:
        Note.read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_document_that_is_not_there_is_none_or_an_error(tmp_path):
    assert Note.find(tmp_path) is None
    with pytest.raises(InputError, match=r"note\.json: is not there"):
        Note.read(tmp_path)


def test_a_broken_record_is_named_with_its_line(tmp_path):
    path = tmp_path / "notes.jsonl"
    assert list(json_lines(str(path), Note)) == []
    path.write_text('{"text": "a"}\n\n{"text": 1}\n')
    with pytest.raises(InputError, match=r"notes\.jsonl:3: .*text"):
        list(json_lines(str(path), Note))


def test_a_refusal_beside_a_blessing_blesses_nothing(tmp_path):
    folder = str(tmp_path)
    assert not MODEL_BLESSING.given(folder)
    MODEL_BLESSING.write(folder, True)
    assert MODEL_BLESSING.given(folder)
    MODEL_BLESSING.write(folder, False)
    assert not MODEL_BLESSING.given(folder)
