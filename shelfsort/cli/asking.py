"""The model that a command asks, behind a server or in a folder, and the options for it."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from shelfsort.cli.batch.model_folder import ModelFolder
from shelfsort.client import Classifier, Connection, Tls
from shelfsort.client.each import Ask
from shelfsort.core.errors import InputError
from shelfsort.core.storage import absolute

_Command = TypeVar("_Command", bound=Callable[..., Any])
_TABLE = (
    click.option(
        "--columns",
        multiple=True,
        metavar="FIELD=COLUMN,...",
        help="Columns of --data that are not recognised, such as title=Name,image=Photo. "
        "Repeatable.",
    ),
    click.option("--encoding", default="utf-8", show_default=True, help="Encoding of a CSV file."),
    click.option("--sheet", default="", help="Sheet of an Excel file. Default: the first."),
    click.option("--allow-http", is_flag=True, help="Fetch images of --data from the web."),
    click.option(
        "--image-root",
        "image_roots",
        multiple=True,
        help="Folder that images of --data may lie in, besides the file's own. Repeatable.",
    ),
)
_TLS = (
    click.option("--tls", is_flag=True, help="Connect with TLS. Each --tls-... option implies it."),
    click.option("--tls-ca", type=click.Path(path_type=Path), help="PEM file of the CA to trust."),
    click.option(
        "--tls-certificate",
        type=click.Path(path_type=Path),
        help="PEM file of the client certificate.",
    ),
    click.option(
        "--tls-key",
        type=click.Path(path_type=Path),
        help="PEM file of the client certificate's key.",
    ),
)


def table_options(command: _Command) -> _Command:
    """Options that say how --data is read: columns, encoding, sheet, allow_http, image_roots."""
    return _with(_TABLE, command)


def tls_options(command: _Command) -> _Command:
    """Options of a connection with TLS: tls, tls_ca, tls_certificate, tls_key."""
    return _with(_TLS, command)


def _with(options: Sequence[Callable[[_Command], _Command]], command: _Command) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command


def tls_of(tls: bool, ca: Path | None, certificate: Path | None, key: Path | None) -> Tls | None:
    """What `tls_options` ask for; None for a connection without TLS.

    Raises:
        InputError: a file cannot be read, or a certificate comes without its key.
    """
    return Tls.from_files(ca, certificate, key) if tls or ca or certificate or key else None


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
