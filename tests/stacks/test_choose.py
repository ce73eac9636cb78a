"""stacks/choose: the newest stack that a machine can run, or one line that says what to install."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHOOSE = Path(__file__).parents[2] / "stacks/choose"
OLD_GLIBC, NEW_GLIBC = "2.36", "2.41"


def program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


class Machine:
    """A machine with the given glibc, whose PATH has these Pythons and nothing else of the kind."""

    def __init__(self, home: Path, glibc: str, pythons: tuple[str, ...]):
        self.home, self.bin = home, home / "bin"
        program(self.bin / "getconf", f"echo glibc {glibc}")
        for tool in ("awk", "sort", "head"):
            (self.bin / tool).symlink_to(shutil.which(tool))
        for version in pythons:
            self.python(f"bin/python{version}", version)

    def python(self, path: str, version: str) -> Path:
        return program(self.home / path, f"echo {version}")

    def choose(self, **wishes: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "HOME": str(self.home), **wishes}
        return subprocess.run(["/bin/sh", CHOOSE], env=environment, capture_output=True, text=True)

    def chosen(self, **wishes: str) -> tuple[str, str]:
        """The stack, and the path of its Python from the home folder."""
        done = self.choose(**wishes)
        assert done.returncode == 0, done.stderr
        stack, python, why = done.stdout.rstrip("\n").split("\t")
        assert why
        return stack, str(Path(python).relative_to(self.home))

    def refusal(self, **wishes: str) -> str:
        done = self.choose(**wishes)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        return line


@pytest.fixture
def machine(tmp_path):
    return lambda glibc, *pythons: Machine(tmp_path, glibc, pythons)


@pytest.mark.parametrize(
    ("glibc", "pythons", "stack", "version"),
    [
        (NEW_GLIBC, ("3.10", "3.12", "3.13"), "tfx-1.21", "3.13"),
        (NEW_GLIBC, ("3.10", "3.12"), "tfx-1.21", "3.12"),
        (NEW_GLIBC, ("3.10", "3.11"), "tfx-1.16", "3.10"),
        (OLD_GLIBC, ("3.10", "3.13"), "tfx-1.16", "3.10"),
        ("2.39", ("3.13",), "tfx-1.21", "3.13"),
        ("2.4", ("3.10", "3.13"), "tfx-1.16", "3.10"),
    ],
)
def test_the_newest_stack_that_can_run_is_taken(machine, glibc, pythons, stack, version):
    assert machine(glibc, *pythons).chosen() == (stack, f"bin/python{version}")


def test_a_stack_can_be_asked_for(machine):
    with_both = machine(NEW_GLIBC, "3.10", "3.13")
    assert with_both.chosen(STACK="tfx-1.16") == ("tfx-1.16", "bin/python3.10")


def test_a_named_python_decides_about_the_stack(machine):
    with_both = machine(NEW_GLIBC, "3.13")
    named = with_both.python("elsewhere/python", "3.10")
    assert with_both.chosen(PYTHON=str(named)) == ("tfx-1.16", "elsewhere/python")


def test_pythons_of_pyenv_are_found(machine):
    bare = machine(NEW_GLIBC)
    bare.python(".pyenv/versions/3.13.2/bin/python", "3.13")
    assert bare.chosen() == ("tfx-1.21", ".pyenv/versions/3.13.2/bin/python")


def test_a_python_that_cannot_make_environments_is_passed_over(machine):
    debian = machine(NEW_GLIBC, "3.12")
    program(debian.bin / "python3.13", "exit 1")
    assert debian.chosen() == ("tfx-1.21", "bin/python3.12")


@pytest.mark.parametrize(
    ("glibc", "remedy"),
    [(NEW_GLIBC, "apt install python3-venv"), (OLD_GLIBC, "pyenv install 3.10")],
)
def test_without_a_python_one_line_says_what_to_install(machine, glibc, remedy):
    assert remedy in machine(glibc, "3.11").refusal()


def test_a_named_python_that_does_not_fit_is_refused(machine):
    old = machine(OLD_GLIBC)
    for version in ("3.11", "3.13"):
        named = old.python(f"elsewhere/python{version}", version)
        assert "PYTHON=" in old.refusal(PYTHON=str(named))
