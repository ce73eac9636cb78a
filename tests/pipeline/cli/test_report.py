"""`shelfsort report` on a folder as a finished run leaves it."""

import dataclasses
import json
import webbrowser
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from components.evaluator.artifact import Metrics
from components.report_gen.artifact import Report, write_page
from pipeline.cli.report import report
from pipeline.experiments.runs import Run
from shelfsort.core.errors import InputError

REPORT = Report(
    model_name="shelves",
    blessed=False,
    failed=("coverage: too low",),
    n=1234,
    figures={
        "coverage_at_95": 0.923,
        "accepted_accuracy_95": 0.966,
        "coverage_at_98": 0.0,
        "accepted_accuracy_98": None,
        "accuracy": 0.951,
        "parent_accuracy": 0.98,
    },
)


@pytest.fixture
def finished_run(tmp_path):
    """Writes a page and the report in brief; gives the run's output folder."""

    def write(**changed):
        folder = tmp_path / "out" / "report"
        write_page(folder, b"<!doctype html>")
        dataclasses.replace(REPORT, **changed).write(folder)
        return tmp_path / "out"

    return write


def call(*arguments) -> str:
    arguments = list(map(str, arguments))
    result = CliRunner().invoke(report, arguments, catch_exceptions=False, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.stdout


@pytest.mark.parametrize("inside", [".", "report", "report/index.html"])
def test_prints_verdict_figures_and_path(finished_run, inside):
    run = finished_run()
    said = call(run / inside).splitlines()
    assert "coverage: too low" in said[1]
    assert "1,234" in said[2]
    figures = [line.split()[0] for line in said[3:-1]]
    assert figures == ["92.3%", "96.6%", "0.0%", "–", "95.1%", "98.0%"]
    assert said[-1].endswith(str(run / "report/index.html"))


def test_golden_report(finished_run, golden):
    """A refused model, one that a person approved, and one that was never scored."""
    approved = {"blessed": True, "failed": (), "overruled": ("coverage: too low",)}
    lines = []
    for changed in (
        {},
        {**approved, "approved_by": "A. Reviewer"},
        {"n": 0, "figures": {}},
    ):
        run = finished_run(**changed)
        lines += [*call(run).replace(str(run), "out").splitlines(), ""]
    golden("report_command.txt", lines)


def test_json_is_one_object_for_a_program(finished_run):
    found = json.loads(call(finished_run(), "--json"))
    assert not found["blessed"]
    assert found["figures"]["coverage_at_95"] == 0.923
    assert found["page"].endswith("report/index.html")


def test_opens_the_page_when_asked(finished_run, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda page: opened.append(page) or True)
    run = finished_run()
    call(run)
    assert opened == []
    call(run, "--open")
    assert opened == [(run / "report/index.html").as_uri()]


def test_the_live_models_report_is_shown_and_the_last_runs_on_request(finished_run, monkeypatch):
    out = finished_run()
    (out / ".shelfsort").write_text("format 1\n")
    (out / "metadata.sqlite").touch()
    for number, lineage in ((1, {}), (2, {}), (3, {"rollback_of": 1})):
        extra = out / "serving" / "shelves" / str(number) / "assets.extra"
        extra.mkdir(parents=True)
        (extra / "shelfsort.json").write_text(json.dumps(lineage))
        (extra.parent / "saved_model.pb").touch()
    runs = []
    for version in ("", "2", "1"):
        folder = out / "pipeline" / f"of-{version}"
        write_page(folder, f"<!doctype html>{version}".encode())
        dataclasses.replace(REPORT, blessed=bool(version)).write(folder)
        now = datetime.now(timezone.utc)
        runs.append(Run(version, now, "", version, Metrics(), {}, {"report": folder}))
    monkeypatch.setattr("pipeline.experiments.runs.list_runs", lambda _: runs)
    live, last = (json.loads(call(out, *more, "--json")) for more in ((), ("--last",)))
    assert (live["version"], live["page"]) == (3, str(out / "pipeline" / "of-1" / "index.html"))
    assert (last["version"], last["page"]) == (None, str(out / "report" / "index.html"))
    assert "--last" in call(out) and "version 3" in call(out)


def test_a_page_of_an_earlier_version_holds_its_report_itself(tmp_path):
    summary = json.dumps({**REPORT.to_dict(), "format_version": 0})
    opening = '<!doctype html><script type="application/json" id="summary">'
    (tmp_path / "index.html").write_text(f"{opening}{summary}</script>")
    found = json.loads(call(tmp_path, "--json"))
    assert found["figures"] == REPORT.figures


def test_a_folder_without_a_report_is_bad_input(tmp_path):
    with pytest.raises(InputError, match="--output"):
        call(tmp_path)


@pytest.mark.parametrize(
    "page",
    ["<p>Another page</p>", '<script type="application/json" id="summary">{</script>', "\xff"],
)
def test_a_page_that_is_no_report_is_bad_input(tmp_path, page):
    (tmp_path / "index.html").write_bytes(page.encode("latin-1"))
    with pytest.raises(InputError, match=r"index\.html: .*(--output|Repeat)"):
        call(tmp_path)
