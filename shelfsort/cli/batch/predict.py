"""Answers every row of a file: in batches, resumable, one row out for each row in."""

import dataclasses
import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shelfsort.cli.batch.journal import Journal
from shelfsort.cli.batch.writing import columns_of, writer_of
from shelfsort.client.batch.answering import Progress, Reply, answered
from shelfsort.client.batch.reading import asked_rows
from shelfsort.client.classifier import ServerError
from shelfsort.client.each import Ask
from shelfsort.client.messages import Answer, AnswerError
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.files import refuse_inputs
from shelfsort.core.storage import is_remote, local_path
from shelfsort.products.images.source import ImageSources
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading

_FIRST = ("file", "row", "id")
_LAST = ("left_out", "error")


@dataclasses.dataclass(frozen=True)
class Job:
    """What is asked of what.

    Attributes:
        data: file, folder or pattern of the products, absolute.
        output: place of the answers.
        how: tables are read.
        model: names the model that answers; part of what a later run must share to go on.
        image_roots, allow_http: as in `data`.
    """

    data: str
    output: str
    how: Reading
    model: str
    image_roots: tuple[str, ...] = ()
    allow_http: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes:
        rows: of the input, and of the output.
        resumed: rows that an earlier run had answered.
        errors: rows without an answer.
        left_out: rows whose answer rests on a part of the product.
        accepted: rows that are accepted, by the column that says so.
        first_error: place and reason of the first row without an answer, "" for none.
    """

    rows: int
    resumed: int
    errors: int
    left_out: int
    accepted: Mapping[str, int]
    first_error: str


def predict_file(job: Job, ask: Ask, say: Callable[[str], None]) -> Outcome:
    """Answers every row and writes the answers.

    Args:
        job: what is asked.
        ask: the model.
        say: shows a line of progress.

    Raises:
        InputError: the data cannot be read, or the output cannot be written or is the data.
        RunFailed: the model stopped answering; the same call goes on from there.
    """
    write = writer_of(job.output)
    if is_remote(job.output):
        raise InputError(f"--output {job.output}: not a path of this machine. Copy it afterwards.")
    target = local_path(job.output)
    files = find_manifest_files(job.data)
    refuse_inputs(job.output, *files)
    digest, total = _fingerprint(files, job.how)
    journal = Journal(_journal_path(target), {"model": job.model, "data": digest})
    resumed = journal.done
    if resumed:
        say(f"{resumed:,} of {total:,} rows were answered before")
    try:
        sources = ImageSources(job.image_roots, allow_http=job.allow_http)
        left = itertools.islice(asked_rows(files, job.how, sources), resumed, None)
        progress = Progress(total, say, resumed)
        for replies in answered(left, ask):
            journal.add(map(_record, replies))
            progress.at(journal.done)
    except (ServerError, AnswerError) as error:
        raise RunFailed(
            f"{error} {journal.done:,} of {total:,} rows are answered; the same command goes on."
        ) from error
    finally:
        journal.close()
    stored = _Stored(journal)
    write(job.output, columns_of(stored, _FIRST, _LAST), stored)
    outcome = _outcome(stored, resumed)
    journal.remove()
    return outcome


@dataclasses.dataclass(frozen=True)
class _Stored:
    """The journal's records, from the first again each time."""

    journal: Journal

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.journal.records()


def _record(reply: Reply) -> dict[str, Any]:
    asked = reply.asked
    record: dict[str, Any] = {"file": asked.file, "row": asked.number, "id": asked.id}
    if isinstance(reply.answer, Answer):
        record |= reply.answer.to_json()
    record |= {"left_out": "; ".join(asked.left_out) or None, "error": reply.error or None}
    # Half a surrogate pair, as in the name of a file that is no UTF-8, cannot be written.
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in record.items()
    }


def _fingerprint(files: Sequence[str], how: Reading) -> tuple[str, int]:
    """A digest of the files and of how they are read, and how many rows they have."""
    digest = hashlib.blake2b(repr(how).encode(), digest_size=16)
    rows = 0
    for file in files:
        digest.update(file.encode("utf-8", "surrogateescape"))
        rows += sum(1 for _ in product_lines(file, how, digest))
    return digest.hexdigest(), rows


def _journal_path(output: Path) -> Path:
    return output.with_name(f".{output.name}.partial")


def _outcome(records: Iterable[Mapping[str, Any]], resumed: int) -> Outcome:
    counts: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    first_error = ""
    for record in records:
        counts["rows"] += 1
        counts["left_out"] += record["left_out"] is not None and record["error"] is None
        if record["error"] is not None:
            counts["errors"] += 1
            first_error = first_error or f"{record['file']}:{record['row']}: {record['error']}"
        for name, value in record.items():
            if name.startswith("accepted_"):
                accepted[name] += bool(value)
    rows, errors, left_out = (counts[name] for name in ("rows", "errors", "left_out"))
    return Outcome(rows, resumed, errors, left_out, accepted, first_error)
