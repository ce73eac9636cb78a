"""Follows the configuration file of a running model server."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from serving.server import ModelServer


def follow(
    server: "ModelServer",
    path: str,
    applied: bytes,
    stop: threading.Event,
    every: float,
    longest: float,
) -> None:
    """Applies the file when it changes, in a thread. A faulty file changes nothing.

    Args:
        server: that runs.
        path: of the file.
        applied: what it held when the server started.
        stop: ends it.
        every: seconds between two looks.
        longest: seconds to wait for versions of what it names; a correction is seen afterwards.
    """
    from serving.server.config_file import read_config_file

    def watch() -> None:
        nonlocal applied
        while not stop.wait(every):
            try:
                found = Path(path).read_bytes()
                if found != applied:
                    applied = found
                    server.manager.bring_up(read_config_file(path), longest)
            # Whatever is wrong with the file, the next version of it must still be seen.
            except Exception as error:
                click.echo(f"shelfsort: {path} was not applied: {error}", err=True)

    threading.Thread(target=watch, name="config", daemon=True).start()
