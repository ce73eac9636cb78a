"""Runs subcommands of `shelfsort taxonomy` in a folder of their own."""

import pytest
from click.testing import CliRunner

from shelfsort.cli.taxonomy.command import taxonomy


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a subcommand; returns its lines, and raises what it raises."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments):
        result = CliRunner().invoke(taxonomy, arguments)
        if result.exception is not None:
            raise result.exception
        return result.output.splitlines()

    return called
