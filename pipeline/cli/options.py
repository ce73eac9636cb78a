"""The options by which each command that runs the pipeline takes its settings."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

_config = click.option("--config", "config_file", help="YAML file of settings. All have defaults.")
_set = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override one setting. Repeatable.",
)


def settings_options(command: _Command) -> _Command:
    """Adds `--config` and `--set`, whose values are the arguments of `load_config`.

    The command takes `config_file`, a path or None, and `overrides`, a tuple of `KEY=VALUE`.
    """
    return _config(_set(command))
