import subprocess
from pathlib import Path

from components import code_version


def test_the_commit_comes_from_the_environment_where_it_is_set(monkeypatch):
    monkeypatch.setenv("SHELFSORT_GIT_COMMIT", "abc123")
    assert code_version.code_commit() == "abc123"


def test_the_commit_comes_from_git_and_says_when_files_differ(tmp_path, monkeypatch):
    monkeypatch.delenv("SHELFSORT_GIT_COMMIT", raising=False)
    stand_in = tmp_path / "components" / "code_version.py"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text("one")
    monkeypatch.setattr(code_version, "__file__", str(stand_in))
    assert code_version.code_commit() == ""

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    commit = git("rev-parse", "HEAD")
    assert code_version.code_commit() == commit
    Path(stand_in).write_text("two")
    assert code_version.code_commit() == f"{commit}+changes"
