"""Puts what was restored in its place."""

import os
from pathlib import Path

from shelfsort.core.errors import InputError
from shelfsort.core.files import sync_folder


def place_new(copy: Path, target: Path) -> None:
    """Gives a copy the name of a file that is not there yet. Raises InputError if it is."""
    try:
        os.link(copy, target)
    except FileExistsError as error:
        raise InputError(f"{target}: is there already. Give --replace, or another path.") from error
    sync_folder(target.parent)
