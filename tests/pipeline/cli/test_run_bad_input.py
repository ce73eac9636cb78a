"""Bad input: one line that names file, line and remedy, and exit status 2."""

import json
import subprocess
import sys

import pytest

from shelfsort.cli.main import main

TREE = [
    {"id": "main", "name": "Main", "subcategories": ["bags", "hats"]},
    {"id": "bags", "name": "Bags", "subcategories": [], "parent": "main"},
    {"id": "hats", "name": "Hats", "subcategories": [], "parent": "main"},
]


def _line(label="bags", attribute="category", **more) -> str:
    answer = {
        "workers": [{"worker_id": "w", "label": label}],
        "confidence": 1.0,
        "result": {attribute: label},
    }
    metadata = {"type": "groundtruth/custom", "job-name": "job"}
    return json.dumps({"title": "x", attribute: answer, f"{attribute}-metadata": metadata, **more})


GOOD = "\n".join([_line("bags", id="1"), _line("hats", id="2", title="y")])


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Calls `shelfsort run` and returns its exit status and what it wrote to stderr."""

    def call(**given) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", _command(tmp_path, **given))
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().err

    return call


def _command(tmp_path, manifest=GOOD, tree=TREE, extra=()) -> list[str]:
    for name, content in (("m.manifest", manifest), ("tree.json", tree)):
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / name).write_text(text, "utf-8")
    places = {"output": "out", "manifest": "m.manifest", "taxonomy": "tree.json"}
    options = [part for key, name in places.items() for part in (f"--{key}", str(tmp_path / name))]
    return ["shelfsort", "run", *options, *extra]


def _nodes(**changed) -> list[dict]:
    return [{**node, **changed.get(node["id"], {})} for node in TREE]


CASES = {
    "manifest missing": ({"manifest": None}, "m.manifest"),
    "manifest empty": ({"manifest": ""}, "empty"),
    "manifest not JSON": ({"manifest": "hello\nworld\n"}, "m.manifest:1"),
    "taxonomy missing": ({"tree": None}, "tree.json"),
    "taxonomy not JSON": ({"tree": "[{"}, "tree.json"),
    "taxonomy empty": ({"tree": "[]"}, "tree.json"),
    "a cycle": (
        {"tree": _nodes(bags={"subcategories": ["hats"]}, hats={"subcategories": ["bags"]})},
        "tree.json",
    ),
    "two roots": ({"tree": [*TREE, {"id": "x", "name": "X", "subcategories": []}]}, "root"),
    "no label attribute": ({"manifest": '{"title": "x"}\n'}, "--columns category=NAME"),
    "unknown setting": ({"extra": ["--set", "training.epoch=3"]}, "'training.fit.epochs'"),
    "no YAML": ({"extra": ["--config", "nowhere.yaml"]}, "nowhere.yaml"),
}


# Found after the run has begun its log, which is the whole process's.
AFTER_THE_LOG = {
    "several label attributes": (
        {"manifest": _line() + "\n" + _line(attribute="other")},
        "--set data.label_attribute=",
    ),
    "weights missing": (
        {"extra": ["--set", "training.image.backbone_weights=none.h5"]},
        "training.image.backbone_weights needs it",
    ),
    "one category": ({"manifest": _line(id="1") + "\n" + _line(id="2")}, "categor"),
    "every row rejected": ({"manifest": _line("cars") + "\n" + _line("boats")}, "rejected"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line_and_status_2(run, case):
    arguments, said = CASES[case]
    assert_refused(*run(**arguments), said)


@pytest.mark.parametrize("case", AFTER_THE_LOG)
def test_bad_lines_are_one_line_and_status_2(tmp_path, case):
    arguments, said = AFTER_THE_LOG[case]
    _, *given = _command(tmp_path, **arguments)
    command = [sys.executable, "-m", "shelfsort.cli.main", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert_refused(done.returncode, done.stderr, said)


def assert_refused(status: int, errors: str, said: str) -> None:
    assert status == 2, errors
    assert errors.startswith("shelfsort: ") and errors.count("\n") == 1
    assert said in errors


def test_an_output_folder_that_is_not_ours_is_refused_and_left_alone(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.jpg").write_bytes(b"mine")
    status, errors = run()
    assert status == 2
    assert "not Shelfsort's" in errors
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["holiday.jpg"]


def test_an_unknown_option_and_an_unknown_command_are_status_2():
    for arguments in (["run", "--manifst", "x"], ["rum"]):
        command = [sys.executable, "-m", "shelfsort.cli.main", *arguments]
        assert subprocess.run(command, capture_output=True).returncode == 2
