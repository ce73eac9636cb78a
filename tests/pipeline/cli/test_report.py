"""`shelfsort report` on a folder as a finished run leaves it."""

import json
import webbrowser

import pytest
from click.testing import CliRunner

from pipeline.cli.report import report
from pipeline.errors import InputError

METRICS = {
    "combined": {
        "eval": {
            "n": 1234,
            "accuracy": 0.951,
            "parent_accuracy": 0.98,
            "coverage_at_95": 0.923,
            "accepted_accuracy_95": 0.966,
            "coverage_at_98": 0.0,
            "accepted_accuracy_98": None,
        }
    }
}
VERDICT = {"blessed": False, "failed": ["coverage: too low"], "model_name": "shelves"}


@pytest.fixture
def finished_run(tmp_path):
    folder = tmp_path / "out" / "report"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "verdict.json").write_text(json.dumps(VERDICT))
    return tmp_path / "out"


def call(*arguments) -> str:
    arguments = list(map(str, arguments))
    result = CliRunner().invoke(report, arguments, catch_exceptions=False, standalone_mode=False)
    return result.stdout


@pytest.mark.parametrize("inside", [".", "report", "report/index.html"])
def test_says_verdict_figures_and_place(finished_run, inside):
    said = call(finished_run / inside).splitlines()
    assert said[0] == "shelves may not go live"
    assert said[1].strip() == "against it: coverage: too low"
    assert "1,234 eval products" in said[2]
    assert "92.3%  decided at 95 %" in said[3]
    assert "–  right when decided at 98 %" in said[6]
    assert said[-1] == f"Report: {finished_run / 'report/index.html'}"


def test_names_the_checks_a_person_let_pass(finished_run):
    overruled = {
        **VERDICT,
        "blessed": True,
        "failed": [],
        "overruled": ["coverage: too low"],
        "approved_by": "A. Reviewer",
    }
    (finished_run / "report/verdict.json").write_text(json.dumps(overruled))
    said = call(finished_run)
    assert "shelves may go live" in said
    assert "let pass by A. Reviewer: coverage: too low" in said


def test_json_is_one_object_for_a_program(finished_run):
    found = json.loads(call(finished_run, "--json"))
    assert not found["blessed"]
    assert found["figures"]["coverage_at_95"] == 0.923
    assert found["page"].endswith("report/index.html")


def test_opens_the_page_when_asked(finished_run, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    call(finished_run)
    assert opened == []
    call(finished_run, "--open")
    assert opened == [(finished_run / "report/index.html").as_uri()]


def test_a_folder_without_a_report_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"there is no report\. Give the --output folder"):
        call(tmp_path)


@pytest.mark.parametrize("broken", ["{", "[]"])
def test_a_broken_file_beside_the_page_is_bad_input(finished_run, broken):
    (finished_run / "report/verdict.json").write_text(broken)
    with pytest.raises(InputError, match=r"verdict\.json: not "):
        call(finished_run)


def test_a_page_without_its_figures_is_bad_input(finished_run):
    (finished_run / "report/metrics.json").unlink()
    with pytest.raises(InputError, match=r"metrics\.json: missing"):
        call(finished_run)
