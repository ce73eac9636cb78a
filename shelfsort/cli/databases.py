"""Closes the databases that a command opens.

SQLite then writes its log back into the file: a file that is copied after the command is whole.
"""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy import Engine


def closed_at_end(engine: "Engine") -> "Engine":
    """The engine. Its connections are closed when the running command ends, however it ends."""
    click.get_current_context().call_on_close(engine.dispose)
    return engine
