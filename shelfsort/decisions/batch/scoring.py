"""Decides about a file of products in one process, and goes on where it was stopped."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy.engine import Engine

from shelfsort.client.batch.answering import Progress
from shelfsort.client.batch.reading import Asked, asked_rows
from shelfsort.client.classifier import ServerError
from shelfsort.client.each import Ask
from shelfsort.client.messages import Answer
from shelfsort.core.database.patience import patiently
from shelfsort.core.errors import RunFailed
from shelfsort.decisions.batch import runs
from shelfsort.decisions.batch.deciding import AT_ONCE, Decider
from shelfsort.decisions.batch.job import Job, Summary
from shelfsort.products.tables.lines import product_lines

_BYTES_AT_ONCE = 128 * 2**20
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0


def decide_file(job: Job, ask: Ask, engine: Engine, say: Callable[[str], None]) -> Summary:
    """Decides about every product, each once for its input, model version and rules.

    Products that are decided already are not asked about again.

    Raises:
        InputError: the data cannot be read, or the rules do not fit the model.
        RunFailed: the model or the database stayed away; the same call goes on from there.
    """
    total = sum(1 for file in job.files for _ in product_lines(file, job.how))
    begun = patiently(engine, job.patience_s, say, lambda to: runs.begin(to, job))
    decider = Decider(job, patient(ask, job.patience_s, say), engine, begun, say)
    summary, progress = Summary(), Progress(total, say)
    try:
        for chunk in chunks(asked_rows(job.files, job.how, job.sources)):
            summary.add(decider.decide(chunk))
            progress.at(summary.rows)
    except ServerError as error:
        raise RunFailed(
            f"{error} {summary.decided:,} of {total:,} products are decided; the same "
            "command goes on."
        ) from error
    patiently(engine, job.patience_s, say, lambda to: runs.end(to, begun, summary))
    return summary


def chunks(rows: Iterable[Asked]) -> Iterator[list[Asked]]:
    """As many rows as fit into memory with their images."""
    chunk: list[Asked] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += row.row.size if row.row else 0
        if len(chunk) == AT_ONCE or size > _BYTES_AT_ONCE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def patient(ask: Ask, patience_s: float, say: Callable[[str], None]) -> Ask:
    """Asks again while a server is away, less and less often."""
    import grpc

    away = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

    def asked(rows: Sequence[Any]) -> list[Answer]:
        end, wait = time.monotonic() + patience_s, _FIRST_WAIT_S
        while True:
            try:
                return ask(rows)
            except ServerError as error:
                if error.code not in away or time.monotonic() + wait > end:
                    raise
                say(f"{error} Asked again in {wait:.0f} s.")
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_S)

    return asked
