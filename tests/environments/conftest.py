"""Writes the outcome of each environment into docs/tested.md when a run ends."""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.environments.record import current_commit, write_results

_COMMIT = current_commit()
_reports: dict[str, list[pytest.TestReport]] = defaultdict(list)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _reports[Path(report.fspath).stem.removeprefix("test_")].append(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    option = session.config.option
    if option.collectonly or option.keyword or option.markexpr:
        return
    tested = {name: each for name, each in _reports.items() if _ran(each)}
    write_results({name: _result(reports) for name, reports in tested.items()}, _COMMIT)


def _ran(reports: list[pytest.TestReport]) -> bool:
    return any(each.when == "call" or each.failed for each in reports)


def _result(reports: list[pytest.TestReport]) -> str:
    outcome = "failed" if any(each.failed for each in reports) else "passed"
    tests = sum(each.when == "call" for each in reports)
    return f"{outcome} ({tests} tests, {sum(each.duration for each in reports):.0f} s)"
