import gc
import sqlite3
import sys

import click
import pytest
import sqlalchemy

from shelfsort.cli import main as module
from shelfsort.core.errors import InputError, InputErrors, NotBlessed, RunFailed


@pytest.fixture
def command(monkeypatch, capsys):
    """The exit status and standard error of the command, where it raises an error."""

    def called(error):
        def fails(**_):
            raise error

        monkeypatch.setattr(module.shelfsort, "main", fails)
        monkeypatch.setattr(sys, "argv", ["shelfsort"])
        with pytest.raises(SystemExit) as ended:
            module.main()
        gc.unfreeze()
        return ended.value.code, capsys.readouterr().err

    return called


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("a\nshelfsort: all is well\x1b[2J"), 2),
        (NotBlessed("a\nshelfsort: all is well\x1b[2J"), 3),
        (RunFailed("a\nshelfsort: all is well\x1b[2J"), 1),
        (OSError(28, "No space left on device", "a\nshelfsort: all is well\x1b[2J"), 1),
        (click.UsageError("a\nshelfsort: all is well\x1b[2J"), 2),
    ],
)
def test_an_error_is_one_line_whatever_the_data_put_into_it(command, error, status):
    code, said = command(error)
    assert code == status
    assert said.count("\n") == 1 and said.startswith("shelfsort: ")
    assert r"a\nshelfsort: all is well\x1b[2J" in said


@pytest.mark.parametrize(
    "cause", ["database or disk is full", "database is locked", "a\nshelfsort: all is well\x1b[2J"]
)
def test_a_database_that_fails_while_it_is_used_is_one_line(command, cause):
    failed = sqlite3.OperationalError(cause)
    for error in (failed, sqlalchemy.exc.OperationalError("INSERT …", {"secret": 1}, failed)):
        code, said = command(error)
        assert code == 1
        assert said.count("\n") == 1 and said.startswith("shelfsort: failed: the database failed")
        assert "INSERT" not in said and "secret" not in said and "\x1b" not in said


def test_each_of_several_faults_has_a_line(command):
    code, said = command(InputErrors(["a.yaml:1: x. Correct it.", "a.yaml:2: \ny. Correct it."]))
    assert (code, said.splitlines()) == (
        2,
        ["shelfsort: a.yaml:1: x. Correct it.", r"shelfsort: a.yaml:2: \ny. Correct it."],
    )


def test_the_end_looks_for_no_garbage_in_what_was_imported(monkeypatch, capsys):
    monkeypatch.setattr(module.shelfsort, "main", lambda **_: 0)
    with pytest.raises(SystemExit):
        module.main()
    assert gc.get_freeze_count() > 10_000
    gc.unfreeze()


def test_a_wrong_use_names_the_help_of_its_command(command):
    context = click.Context(click.Command("run"), info_name="shelfsort run")
    code, said = command(click.UsageError("No such option: --dta.", ctx=context))
    assert (code, said) == (2, "shelfsort: No such option: --dta. Run: shelfsort run --help\n")
