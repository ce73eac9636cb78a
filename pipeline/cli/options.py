"""The options by which each command that runs the pipeline takes its data and its settings."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from shelfsort.products.tables.columns import parse_columns

_Command = TypeVar("_Command", bound=Callable[..., Any])

_config = click.option(
    "--config",
    "config_file",
    help="YAML file of settings. All have defaults, listed in docs/configuration.md.",
)
_set = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override one setting. Repeatable.",
)
_columns = click.option(
    "--columns",
    multiple=True,
    metavar="FIELD=COLUMN,...",
    help="Columns of a table that are not recognised, such as title=Name,image=Photo. Repeatable.",
)
_categories = click.option(
    "--categories",
    multiple=True,
    metavar="CATEGORY",
    help="Learn this category and all below it: id, path or name. Repeatable.",
)
_min_products = click.option(
    "--min-products",
    type=click.IntRange(min=0),
    help="Leave out categories with fewer products.",
)
_taxonomy = click.option(
    "--taxonomy",
    default="",
    help="Category tree (JSON, CSV or a path on each line). Default: built from the labels.",
)


def settings_options(command: _Command) -> _Command:
    """Adds `--config` and `--set`, whose values are the arguments of `load_config`.

    The command takes `config_file`, a path or None, and `overrides`, a tuple of `KEY=VALUE`.
    """
    return _config(_set(command))


def data_options(command: _Command) -> _Command:
    """Adds `--taxonomy` ("" to build the tree) and the options that `data_overrides` takes."""
    return _taxonomy(_columns(_categories(_min_products(command))))


def data_overrides(
    columns: tuple[str, ...], categories: tuple[str, ...], min_products: int | None
) -> tuple[str, ...]:
    """The options as overrides for `load_config`.

    Raises:
        InputError: `columns` is not of its form.
    """
    given: dict[str, Any] = {}
    if columns:
        given["columns"] = parse_columns(*columns)
    if categories:
        given["categories"] = categories
    if min_products is not None:
        given["min_products"] = min_products
    # JSON is YAML.
    return tuple(f"data.{key}={json.dumps(value)}" for key, value in given.items())
