"""One process at a time changes the pictures of a database."""

from contextlib import AbstractContextManager

from sqlalchemy.engine import Engine

from shelfsort.catalog.importing.locks import only_one

# No source has a name in capital letters.
_NAME = "PICTURES"
_TAKEN = "Another process fetches or removes pictures of this database. Wait until it has ended."


def store_lock(engine: Engine) -> AbstractContextManager[None]:
    """Holds the pictures for this process; a kill frees them.

    Two fetches would ask one host twice as much as either knows.

    Raises:
        InputError: another process holds them.
    """
    return only_one(engine, _NAME, _TAKEN)
