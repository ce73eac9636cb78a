"""Removes records from a file of answers: a person's, those about products, and old ones."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from shelfsort.core.errors import InputError
from shelfsort.labeling.queue.log import AnswerLog, read_log, write_log
from shelfsort.labeling.queue.records import Record, pseudonym


def delete_worker(path: Path, name: str) -> int:
    """Removes every record of a person; returns how many there were.

    Raises:
        InputError: the file is in use, or has a second name under which it would stay as it is, or
            there is none.
    """

    def others(key: bytes, records: Sequence[Record]) -> list[Record]:
        worker = pseudonym(key, name)
        return [record for record in records if record.worker != worker]

    return _keep(path, others)


def delete_tasks(path: Path, tasks: Collection[str]) -> int:
    """Removes every record about some products; returns how many there were.

    Raises:
        InputError: as `delete_worker`.
    """
    gone = set(tasks)
    return _keep(path, lambda _, records: [each for each in records if each.task not in gone])


def delete_older(path: Path, before: float, *, dry_run: bool = False) -> int:
    """Removes every record about products whose last record is older than a moment.

    Args:
        path: of the file.
        before: Unix time in seconds.
        dry_run: count only.

    Returns:
        The number of records that were removed, or would be.

    Raises:
        InputError: as `delete_worker`.
    """
    if dry_run:
        records = list(read_log(str(path)))
        return len(records) - len(_young(records, before))
    return _keep(path, lambda _, records: _young(records, before))


def _young(records: Sequence[Record], before: float) -> list[Record]:
    # Whole products: a record may take an earlier one back.
    young = {record.task for record in records if record.at >= before}
    return [record for record in records if record.task in young]


def _keep(path: Path, which: Callable[[bytes, Sequence[Record]], list[Record]]) -> int:
    """Rewrites a file with the records that `which` keeps; returns how many are gone."""
    if not path.exists():
        raise InputError(f"{path}: no such file. Give the file of answers.")
    # A link to the file stays one.
    path = path.resolve()
    records: list[Record] = []
    log = AnswerLog(path, records.append)
    try:
        if path.stat().st_nlink > 1:
            raise InputError(
                f"{path}: has a second name (a hard link), which would keep the answers. Delete "
                "that name first."
            )
        kept = which(log.key, records)
        if len(kept) < len(records):
            write_log(path, log.key, kept)
    finally:
        log.close()
    return len(records) - len(kept)
