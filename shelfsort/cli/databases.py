"""The database of decisions that a command opens: its option, and how it is closed.

SQLite writes its log back when it is closed: a file that is copied after the command is whole.
"""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy import Engine

database_option = click.option(
    "--database",
    required=True,
    metavar="FILE|URL",
    help="Database of `shelfsort batch`: an SQLite file, or postgresql://USER@HOST/NAME.",
)


def closed_at_end(engine: "Engine") -> "Engine":
    """The engine. Its connections are closed when the running command ends, however it ends."""
    click.get_current_context().call_on_close(engine.dispose)
    return engine
