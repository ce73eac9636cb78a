"""The model that a command asks: behind a server, or in a folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from shelfsort.cli.batch.model_folder import ModelFolder
from shelfsort.client import Classifier, Connection
from shelfsort.client.each import Ask
from shelfsort.core.errors import InputError
from shelfsort.core.storage import absolute


@contextlib.contextmanager
def asking(
    address: str | None,
    folder: Path | None,
    model: str,
    version: int | None,
    connection: Connection,
) -> Iterator[tuple[Ask, str]]:
    """How to ask the model, and its name for a later run that goes on.

    Raises:
        InputError: both or none of address and folder are given, or one cannot be used.
    """
    if (address is None) == (folder is None):
        raise InputError("give --address of a server, or --model-folder.")
    if folder is not None:
        loaded = ModelFolder(folder)
        yield loaded.ask, f"{absolute(folder)} {loaded.version}"
        return
    if not str(address).rpartition(":")[2].isdigit():
        raise InputError(f"--address {address}: no port. Give HOST:PORT, such as localhost:8500.")
    with Classifier(str(address), model, version=version, connection=connection) as classifier:
        yield classifier.ask, f"{address} {model} {version or 'newest'}"
