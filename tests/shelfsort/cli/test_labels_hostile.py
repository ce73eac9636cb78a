"""Fields that JSON in UTF-8 cannot hold stop no command that writes a manifest."""

import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels

META = {"type": "groundtruth/custom"}


@pytest.fixture
def manifest(tmp_path):
    worker = {"worker_id": "w\ud800", "label": "a\udfff", "seconds": float("nan")}
    answered = {
        "id": "p\ud800",
        "title": "\ud800 mug",
        "selected-by": "\ud800",
        "size": float("inf"),
        "s": {"workers": [worker]},
        "s-metadata": META,
    }
    new = {"id": "q\udfff", "title": "t", "size": float("nan"), "y": ["\ud800"]}
    path = tmp_path / "in.manifest"
    path.write_text("".join(json.dumps(each) + "\n" for each in (answered, new)))
    return path


@pytest.mark.parametrize("command", ["next", "auto", "consolidate", "manifest"])
def test_half_surrogates_and_nan_become_question_marks_and_null(manifest, tmp_path, command):
    output = tmp_path / "out.manifest"
    result = CliRunner().invoke(labels, [command, str(manifest), "--output", str(output)])
    assert result.exception is None, result.exception
    lines = {each["id"]: each for each in map(json.loads, output.read_bytes().splitlines())}
    if command != "manifest":
        assert lines["q?"]["size"] is None
        assert lines["q?"]["y"] == ["?"]
    if command != "next":
        assert lines["p?"]["title"] == "? mug"
    if command in ("auto", "consolidate"):
        assert lines["p?"]["s"]["workers"] == [{"worker_id": "w?", "label": "a?", "seconds": None}]
        assert lines["p?"]["s"]["result"] == {"s": "a?"}


def test_an_export_with_such_fields_is_imported(tmp_path):
    content = {"label": "a\ud800", "comment": "\udfff", "x": float("inf")}
    answer = {"workerId": "w\ud800", "timeSpentInSeconds": float("nan"), "answerContent": content}
    export, output = tmp_path / "in.jsonl", tmp_path / "out.manifest"
    export.write_text(json.dumps({"datasetObjectId": "0\ud800", "answers": [answer]}) + "\n")
    result = CliRunner().invoke(labels, ["import", str(export), "--output", str(output)])
    assert result.exception is None, result.exception
    (line,) = map(json.loads, output.read_bytes().splitlines())
    assert line["id"] == "0?"
    (entry,) = line["category"]["workers"]
    assert entry == {"worker_id": "w?", "label": "a?", "comment": "?", "x": None}
