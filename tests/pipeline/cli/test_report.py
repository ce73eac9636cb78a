"""`shelfsort report` on a folder as a finished run leaves it."""

import json
import webbrowser

import pytest
from click.testing import CliRunner

from pipeline.cli.report import report
from shelfsort.core.errors import InputError

SUMMARY = {
    "model_name": "shelves",
    "blessed": False,
    "failed": ["coverage: too low"],
    "overruled": [],
    "approved_by": None,
    "n": 1234,
    "figures": {
        "coverage_at_95": 0.923,
        "accepted_accuracy_95": 0.966,
        "coverage_at_98": 0.0,
        "accepted_accuracy_98": None,
        "accuracy": 0.951,
        "parent_accuracy": 0.98,
    },
}


@pytest.fixture
def finished_run(tmp_path):
    """Writes a page with the given summary; gives the run's output folder."""

    def write(**changed):
        page = tmp_path / "out" / "report" / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        summary = json.dumps({**SUMMARY, **changed})
        opening = '<!doctype html><script type="application/json" id="summary">'
        page.write_text(f"{opening}{summary}</script>")
        return tmp_path / "out"

    return write


def call(*arguments) -> str:
    arguments = list(map(str, arguments))
    result = CliRunner().invoke(report, arguments, catch_exceptions=False, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.stdout


@pytest.mark.parametrize("inside", [".", "report", "report/index.html"])
def test_says_verdict_figures_and_place(finished_run, inside):
    run = finished_run()
    said = call(run / inside).splitlines()
    assert said[0] == "shelves may not go live"
    assert said[1].strip() == "against it: coverage: too low"
    assert "1,234 eval products" in said[2]
    assert "92.3%  decided at 95 %" in said[3]
    assert "–  right when decided at 98 %" in said[6]
    assert said[-1] == f"Report: {run / 'report/index.html'}"


def test_names_the_checks_a_person_let_pass(finished_run):
    said = call(
        finished_run(
            blessed=True, failed=[], overruled=["coverage: too low"], approved_by="A. Reviewer"
        )
    )
    assert "shelves may go live" in said
    assert "let pass by A. Reviewer: coverage: too low" in said


def test_json_is_one_object_for_a_program(finished_run):
    found = json.loads(call(finished_run(), "--json"))
    assert not found["blessed"]
    assert found["figures"]["coverage_at_95"] == 0.923
    assert found["page"].endswith("report/index.html")


def test_a_model_that_was_never_scored_has_no_figures(finished_run):
    assert "–  decided at 95 %" in call(finished_run(n=0, figures={}))


def test_opens_the_page_when_asked(finished_run, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    run = finished_run()
    call(run)
    assert opened == []
    call(run, "--open")
    assert opened == [(run / "report/index.html").as_uri()]


def test_a_folder_without_a_report_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"there is no report\. Give the --output folder"):
        call(tmp_path)


@pytest.mark.parametrize(
    "page",
    ["<p>Another page</p>", '<script type="application/json" id="summary">{</script>', "\xff"],
)
def test_a_page_that_is_no_report_is_bad_input(tmp_path, page):
    (tmp_path / "index.html").write_bytes(page.encode("latin-1"))
    with pytest.raises(InputError, match=r"index\.html: .* Give the --output folder"):
        call(tmp_path)
