"""Decides about a file of products, and goes on where it was stopped."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.client.batch.answering import Progress, Reply, answered
from shelfsort.client.batch.reading import Asked, asked_rows
from shelfsort.client.classifier import ServerError
from shelfsort.client.each import Ask
from shelfsort.client.messages import Answer
from shelfsort.contract.targets import percent_of
from shelfsort.core.database.engine import reader
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.decisions.batch.decided import (
    Key,
    decide,
    held_back,
    key_of,
    stored_answer,
)
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.writing import DECISION, write_decisions
from shelfsort.decisions.promise.sampling import Sampling
from shelfsort.decisions.rules.model import REVIEW, Rules, UndecidableError
from shelfsort.products.images.source import ImageSources
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading
from shelfsort.products.taxonomy import UnknownLabel

# A kill loses the answers of so many products at most.
_AT_ONCE = 128
_BYTES_AT_ONCE = 128 * 2**20
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0


@dataclass(frozen=True)
class Job:
    """What is decided about.

    Attributes:
        data: as it was named, for the table of runs.
        files: of the products.
        how: tables are read; its `also` names the fields of the rules.
        rules: that decide.
        content: of the file of the rules.
        sources: of images.
        patience_s: seconds that a server may be away.
        sampling: which automatic decisions people look at.
    """

    data: str
    files: Sequence[str]
    how: Reading
    rules: Rules
    content: str
    sources: ImageSources
    patience_s: float
    sampling: Sampling = Sampling()


@dataclass
class Summary:
    """What came of a job.

    Attributes:
        rows: of the data.
        new: decisions that were not there before.
        outcomes: number of products by outcome, decided now or before.
        rejects: rows that could not be sent or decided about, by reason.
        failures: products that the model refuses.
        judged: products decided without a person whose true category is known.
        right: of these, how many the model names rightly.
        first_fault: place and reason of the first row without a decision, "" for none.
    """

    rows: int = 0
    new: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    judged: int = 0
    right: int = 0
    first_fault: str = ""

    @property
    def decided(self) -> int:
        """Products with a decision."""
        return sum(self.outcomes.values())

    @property
    def automatic(self) -> int:
        """Products decided without a person."""
        return self.decided - self.outcomes[REVIEW]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rows": self.rows,
            "decided": self.decided,
            "automatic": self.automatic,
            "new": self.new,
            "outcomes": dict(self.outcomes),
            "rejects": dict(self.rejects),
            "failures": self.failures,
            "judged": self.judged,
            "right": self.right,
        }


def decide_file(job: Job, ask: Ask, engine: Engine, say: Callable[[str], None]) -> Summary:
    """Decides about every product, each once for its input, model version and rules.

    Products that are decided already are not asked about again.

    Raises:
        InputError: the data cannot be read, or the rules do not fit the model.
        RunFailed: the model stopped answering; the same call goes on from there.
    """
    total = sum(1 for file in job.files for _ in product_lines(file, job.how))
    batch = _Batch(job, _patient(ask, job.patience_s, say), engine)
    progress = Progress(total, say)
    rows = asked_rows(job.files, job.how, job.sources)
    try:
        for chunk in _chunks(rows):
            batch.decide(chunk)
            progress.at(batch.summary.rows)
    except ServerError as error:
        raise RunFailed(
            f"{error} {batch.summary.decided:,} of {total:,} products are decided; the same "
            "command goes on."
        ) from error
    batch.end()
    return batch.summary


class _Batch:
    """One run over the data."""

    def __init__(self, job: Job, ask: Ask, engine: Engine):
        self._job, self._ask, self._engine = job, ask, engine
        self._model = ""
        self.summary = Summary()
        with engine.begin() as connection:
            self._backoffs = _backoffs(connection)
            self._run = self._begun(connection)

    def _begun(self, connection: Connection) -> int:
        now, rules = _now(), self._job.rules
        known = sa.select(tables.rules.c.digest).where(tables.rules.c.digest == rules.digest)
        if connection.execute(known).first() is None:
            row = {"digest": rules.digest, "stored": now, "content": self._job.content}
            connection.execute(sa.insert(tables.rules), row)
        row = {"started": now, "data": self._job.data, "rules": rules.digest}
        (number,) = connection.execute(sa.insert(tables.run), row).inserted_primary_key or (0,)
        return int(number)

    def decide(self, chunk: Sequence[Asked]) -> None:
        """Decides about some rows and stores them, all or none."""
        keys = {place: key_of(each) for place, each in enumerate(chunk) if each.row is not None}
        if keys and not self._model:
            # Which version answers is known from an answer only.
            self._replies([chunk[next(iter(keys))]])
        known = self._known(list(keys.values()))
        fresh = [place for place, key in keys.items() if key not in known]
        replies = dict(zip(fresh, self._replies([chunk[place] for place in fresh]), strict=True))
        rows, rejects, failures = [], [], []
        for place, asked in enumerate(chunk):
            if (key := keys.get(place)) is None:
                rejects.append((asked, "unusable", asked.error))
                continue
            stored = known.get(key)
            if stored is None:
                reply = replies[place]
                if not isinstance(reply.answer, Answer):
                    failures.append((asked, key, reply.error))
                    continue
                stored = stored_answer(asked, key, reply.answer, self._run, _now())
            try:
                rows.append(self._decided(asked, stored))
            except UndecidableError as error:
                rejects.append((asked, "undecidable", str(error)))
                rows.append({**stored, **dict.fromkeys((*DECISION, "rate", "draw"))})
        self._store(rows, rejects, failures)
        self.summary.rows += len(chunk)

    def _known(self, keys: Sequence[Key]) -> dict[Key, Mapping[str, Any]]:
        """Answers of the model's present version that are stored."""
        if not self._model:
            return {}
        table = tables.prediction
        chosen = sa.select(table).where(
            table.c.product.in_([key.product for key in keys]), table.c.model == self._model
        )
        with reader(self._engine) as connection:
            found = connection.execute(chosen).mappings().all()
        return {Key(row["product"], row["input"]): dict(row) for row in found}

    def _replies(self, asked: Sequence[Asked]) -> list[Reply]:
        replies = [reply for batch in answered(asked, self._ask) for reply in batch]
        first = next((each.answer for each in replies if isinstance(each.answer, Answer)), None)
        if first is not None:
            self._refuse_other_targets(first)
            self._model = str(first.model_version)
        return replies

    def _refuse_other_targets(self, answer: Answer) -> None:
        levels = [percent_of(target) for target in sorted(answer.accepted)]
        ours = list(self._job.rules.levels[1:])
        if levels != ours:
            raise InputError(
                f"{self._job.rules.file}: targets {', '.join(ours)}; the model has "
                f"{', '.join(levels)}. Correct targets."
            )

    def _decided(self, asked: Asked, answer: Mapping[str, Any]) -> dict[str, Any]:
        rules = self._job.rules
        category = str(answer["category"])
        then = decide(rules, category, answer["accepted"], answer["score"], asked.fields)
        outcome, backoff = held_back(then, category, self._backoffs)
        self._count(asked, category, outcome)
        return {
            **answer,
            "rules": rules.digest,
            "outcome": outcome,
            "reason": then.reason if not backoff else "",
            "rule": then.rule,
            "held_back": backoff and f"back-off {backoff}",
            **self._job.sampling.drawn(str(answer["product"]), category, outcome),
        }

    def _count(self, asked: Asked, category: str, outcome: str) -> None:
        self.summary.outcomes[outcome] += 1
        if asked.gold is None or outcome == REVIEW:
            return
        try:
            gold = self._job.rules.tree.resolve(asked.gold)
        except UnknownLabel:
            return
        self.summary.judged += 1
        self.summary.right += gold == category

    def _store(
        self,
        rows: Sequence[Mapping[str, Any]],
        rejects: Sequence[tuple[Asked, str, str]],
        failures: Sequence[tuple[Asked, Key, str]],
    ) -> None:
        now = _now()
        refused = [
            {"run": self._run, "place": _place(asked), "reason": reason, "detail": detail}
            for asked, reason, detail in rejects
        ]
        dead = [
            {
                "run": self._run,
                "product": key.product,
                "input": key.input,
                "at": now,
                "attempts": 1,
                "error": error,
            }
            for _, key, error in failures
        ]
        with self._engine.begin() as connection:
            self.summary.new += write_decisions(connection, rows, self._run, now)
            if refused:
                connection.execute(sa.insert(tables.reject), refused)
            for row in {(each["product"], each["input"]): each for each in dead}.values():
                connection.execute(sa.insert(tables.dead_letter), row)
        self.summary.rejects.update(reason for _, reason, _ in rejects)
        self.summary.failures += len(failures)
        faults = [f"{_place(asked)}: {why}" for asked, _, why in [*rejects, *failures]]
        self.summary.first_fault = self.summary.first_fault or next(iter(faults), "")

    def end(self) -> None:
        """Notes that the run is whole."""
        ended = {
            "ended": _now(),
            "model": self._model,
            "summary": json.dumps(self.summary.to_json()),
        }
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(tables.run).where(tables.run.c.id == self._run).values(**ended)
            )


def _chunks(rows: Iterable[Asked]) -> Iterator[list[Asked]]:
    """As many rows as fit into memory with their images."""
    chunk: list[Asked] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += row.row.size if row.row else 0
        if len(chunk) == _AT_ONCE or size > _BYTES_AT_ONCE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _place(asked: Asked) -> str:
    return f"{asked.file}:{asked.number}"


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _backoffs(connection: Connection) -> dict[str, str]:
    table = tables.backoff
    found = connection.execute(
        sa.select(table.c.category, table.c.id).where(table.c.lifted.is_(None))
    )
    return {category: str(id_) for category, id_ in found}


def _patient(ask: Ask, patience_s: float, say: Callable[[str], None]) -> Ask:
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
