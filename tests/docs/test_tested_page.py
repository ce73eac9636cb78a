import subprocess

import pytest

from tests.environments import record


@pytest.fixture
def commit(tmp_path, monkeypatch):
    """Commits files to a repository of its own, in which one environment is covered."""

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    def commit_files(**files: str) -> None:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        git("add", ".")
        git("commit", "-m", " ".join(files))

    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "PAGE", tmp_path / "tested.md")
    monkeypatch.setattr(record, "covers", lambda: {"venvs": ("lock", "/^two/,/^four/:settings")})
    git("init", "--quiet")
    return commit_files


SETTINGS = "one\ntwo\nthree\nfour\nfive\n"


def test_a_passed_environment_stays_valid_until_what_it_covers_changes(commit):
    commit(lock="1", settings=SETTINGS)
    record.write_results({"venvs": "passed (2 tests, 3 s)"}, record.current_commit())
    commit(other="unrelated", settings=SETTINGS.replace("five", "5"))
    assert record.outdated() == {}
    commit(lock="2")
    assert "lock" in record.outdated()["venvs"]


def test_a_change_of_covered_lines_outdates_the_record(commit):
    commit(lock="1", settings=SETTINGS)
    record.write_results({"venvs": "passed (2 tests, 3 s)"}, record.current_commit())
    commit(settings=SETTINGS.replace("three", "3"))
    assert "settings" in record.outdated()["venvs"]


def test_what_failed_or_was_never_tested_is_named(commit):
    commit(lock="1", settings=SETTINGS)
    assert record.outdated() == {"venvs": "never tested"}
    record.write_results({"venvs": "failed (2 tests, 3 s)"}, record.current_commit())
    assert record.outdated()["venvs"].startswith("failed")


def test_an_unknown_commit_is_named(commit):
    commit(lock="1", settings=SETTINGS)
    record.PAGE.write_text("| venvs | passed | 2026-01-01 | 0123456789ab |\n")
    assert "0123456789ab" in record.outdated()["venvs"]
