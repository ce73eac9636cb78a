"""What a place that somebody names holds: a database, or a file of answers."""

from pathlib import Path

from shelfsort.catalog.database.opening import ROOM as CRAWL
from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_remote, local_path
from shelfsort.decisions.database.opening import ROOM as DECISIONS
from shelfsort.labeling.queue.log import is_answer_log

ROOMS = (DECISIONS, CRAWL)


def answers_at(place: str) -> Path | None:
    """The path of a file of answers, None for anything else.

    Raises:
        InputError: there is no such file.
    """
    if is_remote(place):
        return None
    path = local_path(place)
    if not path.is_file():
        raise InputError(f"{place}: there is no such file. Give a database or a file of answers.")
    return path if is_answer_log(str(path)) else None
