"""InputCheck tells what there is to ingest and what is live, and imports little for it."""

import json
import subprocess
import sys

import pytest

from components.manifest_example_gen.preflight import check
from components.manifest_example_gen.settings import DataConfig
from demo.catalogue import make_catalogue
from pipeline.kubeflow import input_check
from pipeline.kubeflow.input_check_task import ANSWERS
from serving.versions import publish
from shelfsort.core.errors import InputError

HEAVY = ("tensorflow", "tfx", "apache_beam", "keras")


@pytest.fixture
def inbox(tmp_path):
    """A folder with one manifest."""
    catalogue = make_catalogue(tmp_path / "inbox", 30)
    catalogue.manifest.rename(catalogue.directory / "1.manifest")
    return catalogue


@pytest.fixture
def parameters(inbox, tmp_path):
    """As a schedule's run has them."""
    return {
        "manifest": str(inbox.directory),
        "taxonomy_file": str(inbox.taxonomy),
        "data": json.dumps({"max_reject_share": 1.0}),
        "content_digest": "",
        "spans": "[]",
        "serving_dir": str(tmp_path / "serving"),
        "serving_logs": "",
        "training": "",
    }


def executor_input(parameters, folder):
    files = {name: {"outputFile": str(folder / "outputs" / name)} for name in ANSWERS}
    given = {"inputs": {"parameterValues": parameters}, "outputs": {"parameters": files}}
    return ["--executor_input", json.dumps(given)]


def push(tmp_path, name, **lineage):
    model = tmp_path / name
    model.mkdir()
    (model / "saved_model.pb").write_text(name)
    return publish(model, tmp_path / "serving", extra_lineage=lineage)


def test_every_answer_is_written_into_the_file_of_its_output(parameters, inbox, tmp_path):
    assert input_check.main(executor_input(parameters, tmp_path)) == 0
    written = {file.name: file.read_text() for file in (tmp_path / "outputs").iterdir()}
    content = check(str(inbox.directory), str(inbox.taxonomy), DataConfig(max_reject_share=1.0))
    assert written == {
        "content_digest": content.digest,
        "spans": json.dumps({str(inbox.directory / "1.manifest"): inbox.lines}),
        "live_version": "",
        "start_digest": "",
        "serving_logs_digest": "",
        "weights_digest": "",
    }


def test_a_new_file_changes_the_content_and_nothing_new_does_not(parameters, inbox):
    before = input_check.answer(parameters)
    assert input_check.answer(parameters) == before
    first = inbox.directory / "1.manifest"
    second = inbox.directory / "2.manifest"
    second.write_bytes(b"".join(first.read_bytes().splitlines(True)[:3]))
    after = input_check.answer(parameters)
    assert json.loads(after["spans"]) == {str(first): inbox.lines, str(second): 3}
    assert after["content_digest"] != before["content_digest"]


def test_the_live_version_is_told_and_what_training_starts_from(parameters, tmp_path):
    content = input_check.answer(parameters)["content_digest"]
    push(tmp_path, "first", manifest_digest="of other products")
    first = input_check.answer(parameters)
    push(tmp_path, "second", manifest_digest=content, base_model=first["start_digest"])
    second = input_check.answer(parameters)
    assert (first["live_version"], second["live_version"]) == ("1", "2")
    assert second["start_digest"] == first["start_digest"] != ""


def test_known_content_is_handed_on_unread(parameters):
    known = {
        "content_digest": "0123",
        "spans": '{"/nowhere/1.manifest": 7}',
        "manifest": "/nowhere",
    }
    told = input_check.answer(parameters | known)
    assert (told["content_digest"], told["spans"]) == ("0123", known["spans"])


@pytest.mark.parametrize("spans", ["{}", '{"/elsewhere/1.manifest": 7}'])
def test_content_known_of_other_files_is_read_anew(parameters, spans):
    told = input_check.answer(parameters | {"content_digest": "0123", "spans": spans})
    assert told == input_check.answer(parameters)


def test_other_weights_of_ones_own_are_told_apart(parameters, tmp_path):
    weights = tmp_path / "own.h5"
    named = json.dumps({"image": {"backbone_weights": str(weights)}})
    digests = set()
    for content in (b"first", b"first", b"second"):
        weights.write_bytes(content)
        digests.add(input_check.answer(parameters | {"training": named})["weights_digest"])
    assert len(digests) == 2 and "" not in digests


@pytest.mark.slow
def test_other_serving_logs_are_told_apart(parameters, tmp_path):
    given = parameters | {"serving_logs": str(tmp_path / "*.log")}
    (tmp_path / "1.log").write_text("asked")
    first = input_check.answer(given)["serving_logs_digest"]
    (tmp_path / "2.log").write_text("asked again")
    assert "" != first != input_check.answer(given)["serving_logs_digest"]


def test_bad_input_is_told_in_a_line(parameters, tmp_path, capsys):
    given = executor_input(parameters | {"manifest": "/nowhere/1.manifest"}, tmp_path)
    assert input_check.main(given) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("shelfsort: /nowhere/1.manifest: ")
    assert not (tmp_path / "outputs").exists()


def test_settings_of_an_older_release_are_refused_with_the_remedy(parameters):
    del parameters["data"]
    with pytest.raises(InputError, match="Compile again"):
        input_check.content_of(parameters)


@pytest.mark.slow
def test_for_local_files_nothing_heavy_is_imported(parameters, tmp_path):
    program = (
        "import sys; from pipeline.kubeflow import input_check; "
        "status = input_check.main(sys.argv[1:]); "
        f"print(status, [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *executor_input(parameters, tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0 []"
