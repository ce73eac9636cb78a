import errno
import json
import os
import re
import sys
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.cli.models import models
from serving.versions import list_versions, publish
from shelfsort.cli.main import main
from shelfsort.core.errors import InputError


def _publish(tmp_path: Path, base: Path, content: str, **lineage: object) -> None:
    model = tmp_path / f"model-{content}"
    (model / "variables").mkdir(parents=True, exist_ok=True)
    (model / "saved_model.pb").write_text(content)
    publish(model, base, extra_lineage=lineage)


@pytest.fixture
def serving(tmp_path) -> Path:
    """The serving folder of a run, with one model that has two versions."""
    base = tmp_path / "serving" / "products"
    figures = {"combined": {"eval": {"accuracy": 0.91, "coverage_at_95": 0.8765}}}
    _publish(tmp_path, base, "a", pushed="2026-01-02T03:04:05+00:00", metrics=figures)
    _publish(tmp_path, base, "b", approved_by="Ada")
    return base.parent


def _run(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(models, words, catch_exceptions=False)


def test_list_shows_the_newest_first_with_its_lineage(serving):
    lines = _run("list", "--model-base-path", serving).output.splitlines()
    assert lines[0] == str(serving / "products")
    assert lines[2].split()[:2] == ["2", "live"]
    assert lines[2].endswith("Ada")
    assert lines[3].split()[:5] == ["1", "2026-01-02", "03:04", "91.0%", "87.6%"]


def test_the_card_of_the_live_version_or_of_another_one_is_printed_or_written(serving, tmp_path):
    printed = _run("card", "--model-base-path", serving).output
    assert printed.startswith("# products, version 2\n")
    assert "| approved by | Ada |" in printed
    path = tmp_path / "card.md"
    said = _run("card", "--version", 1, "--output", path, "--model-base-path", serving).output
    assert said == f"{path}: card of version 1.\n"
    assert path.read_text("utf-8").startswith("# products, version 1\n")


@pytest.mark.parametrize("below", ["", "products"])
def test_the_folder_of_the_models_and_that_of_one_model_will_both_do(serving, below):
    result = _run("list", "--json", "--model-base-path", serving / below)
    records = json.loads(result.output)
    assert [(r["model"], r["version"], r["live"]) for r in records] == [
        ("products", 1, False),
        ("products", 2, True),
    ]
    assert records[1]["lineage"]["approved_by"] == "Ada"


def test_several_models_are_listed_together_and_changed_one_at_a_time(serving, tmp_path):
    _publish(tmp_path, serving / "shoes", "c")
    records = json.loads(_run("list", "--json", "--model-base-path", serving).output)
    assert {record["model"] for record in records} == {"products", "shoes"}
    with pytest.raises(InputError, match=r"several models \(products, shoes\).*--name"):
        _run("rollback", "--model-base-path", serving)
    assert _run("verify", "--model-base-path", serving, "--name", "shoes").exit_code == 0


def test_rollback_says_what_is_live_now(serving):
    result = _run("rollback", "--model-base-path", serving)
    assert re.findall(r"\d+", result.output) == ["3", "1", "2"]
    lines = _run("list", "--model-base-path", serving).output.splitlines()
    assert lines[2].split()[:2] == ["3", "live"]
    assert lines[2].endswith("1")


def test_a_full_disk_ends_a_rollback_in_one_line_and_leaves_all_as_it_was(
    serving, monkeypatch, capsys
):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = sorted(path for path in serving.rglob("*"))
    monkeypatch.setattr(os, "fsync", full)
    command = ["shelfsort", "models", "rollback", "--model-base-path", str(serving)]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert capsys.readouterr().err.splitlines() == ["shelfsort: failed: No space left on device"]
    assert sorted(path for path in serving.rglob("*")) == before


def test_rollback_to_a_named_version_records_who_decided(serving):
    arguments = ("--to", 1, "--approved-by", "Grace", "--json", "--model-base-path", serving)
    record = json.loads(_run("rollback", *arguments).output)
    assert (record["version"], record["lineage"]["rollback_of"]) == (3, 1)
    assert record["lineage"]["rolled_back_by"] == "Grace"


def test_prune_names_what_it_removed(serving):
    result = _run("prune", "--keep", 1, "--model-base-path", serving)
    assert re.findall(r"\d+", result.output) == ["1"]
    assert _run("prune", "--keep", 1, "--json", "--model-base-path", serving).output == (
        '{"removed": []}\n'
    )
    assert [version.number for version in list_versions(serving / "products")] == [2]


def test_verify_fails_when_a_file_has_changed(serving):
    assert _run("verify", "--model-base-path", serving).exit_code == 0
    (serving / "products" / "1" / "saved_model.pb").write_text("rot")
    result = _run("verify", "--model-base-path", serving)
    assert result.exit_code == 1
    rotten, sound = result.output.splitlines()
    assert rotten.startswith("version 1: saved_model.pb") and sound.startswith("version 2: ")
    only = _run("verify", "--version", 2, "--json", "--model-base-path", serving)
    assert (only.exit_code, json.loads(only.output)) == (0, [{"version": 2, "problems": []}])


def _export(*arguments: object) -> Result:
    return _run("export", "--target", "sagemaker", *arguments)


def test_export_packs_the_live_version_or_the_one_that_is_named(serving, tmp_path):
    output = tmp_path / "model.tar.gz"
    for chosen, number in (((), 2), (("--version", 1), 1)):
        place = ("--model-base-path", serving, "--output", output)
        record = json.loads(_export(*chosen, "--json", *place).output)
        assert (record["model"], record["version"]) == ("products", number)
        assert record["bytes"] == output.stat().st_size
        with tarfile.open(output) as archive:
            assert f"products/{number}/saved_model.pb" in archive.getnames()


def test_export_refuses_a_version_that_has_changed_or_is_not_whole(serving, tmp_path):
    output = tmp_path / "model.tar.gz"
    (serving / "products" / "1" / "saved_model.pb").write_text("rot")
    with pytest.raises(InputError, match=r"products/1: saved_model\.pb has changed"):
        _export("--version", 1, "--model-base-path", serving, "--output", output)
    assert not output.exists()


@pytest.mark.parametrize("command", ["list", "rollback", "prune", "verify"])
def test_a_folder_without_versions_is_bad_input(tmp_path, command):
    with pytest.raises(InputError, match="nowhere"):
        _run(command, "--model-base-path", tmp_path / "nowhere")
    with pytest.raises(InputError, match="mugs"):
        _run(command, "--model-base-path", tmp_path, "--name", "mugs")


def test_golden_models(serving, golden):
    """A list, a rollback, verification before and after a change, and a removal."""
    lines = []
    for command in ("list", "rollback", "list", "verify", "prune", "verify"):
        if command == "prune":
            (serving / "products" / "2" / "saved_model.pb").write_text("rot")
        keep = ("--keep", 2) if command == "prune" else ()
        output = _run(command, *keep, "--model-base-path", serving).output
        lines += [command, *re.sub(r"\b[0-9a-f]{12}\b", "DIGEST", output).splitlines(), ""]
    said = "\n".join(lines).replace(str(serving), "serving")
    golden(
        "models_command.txt",
        re.sub(r"\d{4}(-\d\d){2} \d\d:\d\d", "YYYY-MM-DD hh:mm", said).splitlines(),
    )


@pytest.mark.parametrize(
    "lineage",
    [{"metrics": []}, {"metrics": {"combined": {"eval": {"accuracy": "high"}}}},
     {"encoder": "minilm"}, {"encoder": {"name": ["x"], "licence": 7}},
     {"approved_by": "A\n2  live\x1b[2J", "backbone": ["x"], "model_digest": 7, "pushed": {}}],
)  # fmt: skip
def test_a_lineage_of_another_form_is_listed_on_one_line(serving, lineage):
    document = serving / "products" / "2" / "assets.extra" / "shelfsort.json"
    document.write_text(json.dumps(lineage))
    lines = _run("list", "--model-base-path", serving).stdout.splitlines()
    before = _run("list", "--model-base-path", serving, "--json")
    assert before.exit_code == 0
    assert (len(lines), [line.split()[1] for line in lines[2:3]]) == (4, ["live"])


def test_the_encoder_of_a_version_is_listed_with_its_licence(serving):
    document = serving / "products" / "2" / "assets.extra" / "shelfsort.json"
    encoder = {"name": "minilm", "key": "minilm-1f", "licence": "Apache-2.0"}
    document.write_text(json.dumps({"backbone": "lite", "encoder": encoder}))
    lines = _run("list", "--model-base-path", serving).stdout.splitlines()
    assert [("lite, minilm (Apache-2.0)" in line) for line in lines[2:]] == [True, False]
    listed = json.loads(_run("list", "--model-base-path", serving, "--json").stdout)
    assert encoder in [each["lineage"].get("encoder") for each in listed]
    document.write_text(json.dumps({"encoder": {**encoder, "fine_tuned": "1f"}}))
    lines = _run("list", "--model-base-path", serving).stdout.splitlines()
    assert "minilm (Apache-2.0), fine-tuned" in lines[2]


def test_a_version_that_is_not_whole_is_listed_and_not_live(serving):
    folder = serving / "products" / "2"
    (folder / "assets.extra" / "shelfsort.json").unlink()
    (folder / "variables").mkdir(exist_ok=True)
    (folder / "variables" / "variables.data-00000-of-00001").write_text("half")
    lines = _run("list", "--model-base-path", serving).stdout.splitlines()
    assert "not whole" in lines[2] and "live" not in lines[2]
    assert lines[3].split()[1] == "live"


@pytest.mark.parametrize("place", [".", "../products/"])
def test_a_model_is_called_by_its_folder_however_that_is_given(
    serving, tmp_path, monkeypatch, place
):
    monkeypatch.chdir(serving / "products")
    output = tmp_path / "model.tar.gz"
    _export("--model-base-path", place, "--output", output)
    with tarfile.open(output) as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {"products"}
    assert _run("card", "--model-base-path", place).output.startswith("# products, version 2\n")


@pytest.mark.parametrize("command", [("card",), ("export", "--target", "sagemaker")])
def test_nothing_is_written_over_a_model(serving, command):
    for file in ("2/saved_model.pb", "2/new", "card.md"):
        output = serving / "products" / "1" / ".." / file
        with pytest.raises(InputError, match="folder of the model"):
            _run(*command, "--model-base-path", serving, "--output", output)
    assert _run("verify", "--model-base-path", serving).exit_code == 0
