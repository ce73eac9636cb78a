"""`--help` of every command: complete, within 80 columns, and worded as the golden files say."""

import subprocess
import sys

import click
import pytest

from shelfsort.cli.database.command import database
from shelfsort.cli.labels.command import labels
from shelfsort.cli.main import COMMANDS, shelfsort
from shelfsort.cli.taxonomy.command import taxonomy


def _help(*names: str) -> tuple[click.Command, list[str]]:
    command = shelfsort
    context = click.Context(command, info_name="shelfsort", help_option_names=["-h", "--help"])
    for name in names:
        command = command.get_command(context, name)
        context = click.Context(command, parent=context, info_name=name)
    # click keeps the help option of the first call, which may have been another test's.
    command._help_option = None
    context.terminal_width = context.max_content_width = 80
    return command, command.get_help(context).splitlines()


MODELS = [("models", name) for name in ("list", "card", "rollback", "prune", "verify")]
TAXONOMY = [("taxonomy", name) for name in taxonomy.commands]
LABELS = [("labels", name) for name in labels.commands]
DATABASE = [("database", name) for name in database.commands]
NAMES = [*((name,) for name in COMMANDS), *MODELS, *TAXONOMY, *LABELS, *DATABASE]


@pytest.mark.parametrize("names", [(), *NAMES], ids=" ".join)
def test_golden_help(names, golden):
    golden(f"help/{'-'.join(['shelfsort', *names])}.txt", _help(*names)[1])


@pytest.mark.parametrize("names", NAMES, ids=" ".join)
def test_help_gives_examples_and_explains_every_option(names):
    command, lines = _help(*names)
    assert any("Examples:" in line for line in lines)
    assert max(map(len, lines)) <= 100
    unexplained = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert unexplained == []


def test_help_loads_no_heavy_library():
    code = (
        "import sys, shelfsort.cli.main as cli\n"
        "cli.shelfsort(['--help'], standalone_mode=False)\n"
        "heavy = ('rich', 'numpy', 'pandas', 'tensorflow', 'tfx', 'yaml', 'grpc')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stderr.strip() == "[]"
