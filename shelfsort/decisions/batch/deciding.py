"""Decides about some rows of a job and stores what came of them, all or none."""

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.client.batch.answering import Reply, answered
from shelfsort.client.batch.reading import IMAGE_LEFT_OUT, Asked
from shelfsort.client.each import Ask
from shelfsort.client.messages import Answer
from shelfsort.contract.targets import percent_of
from shelfsort.core.database.patience import patiently
from shelfsort.core.database.texts import storable
from shelfsort.core.database.upserts import insert_or_keep
from shelfsort.core.errors import InputError
from shelfsort.decisions.batch.decided import (
    Key,
    decide,
    fault_of,
    held_back,
    key_of,
    stored_answer,
)
from shelfsort.decisions.batch.job import Job, Summary
from shelfsort.decisions.batch.runs import Begun, active_backoffs, utc_now
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.copying import DECISION, RefusedRows, copy_decisions
from shelfsort.decisions.database.writing import write_decisions
from shelfsort.decisions.rules.model import REVIEW, UndecidableError
from shelfsort.products.taxonomy import UnknownLabel

_Read = TypeVar("_Read")
AT_ONCE = 128
"""A kill loses the answers of so many products at most."""
_Write = Callable[[Connection, Sequence[Mapping[str, Any]], int, datetime], int]
_NONE = dict.fromkeys((*DECISION, "rate", "draw"))


class Decider:
    """Decides for one run. Several, in any processes, may decide about the rows of a run."""

    def __init__(
        self, job: Job, ask: Ask, engine: Engine, begun: Begun, say: Callable[[str], None]
    ):
        """As in `scoring.decide_file`; `begun` is the run."""
        self._job, self._ask, self._engine, self._begun, self._say = job, ask, engine, begun, say
        self._model = ""
        self._backoffs: Mapping[str, str] = {}

    def decide(self, chunk: Sequence[Asked]) -> Summary:
        """Decides about rows; may be called again about the same ones.

        Raises:
            InputError: the rules do not fit the model.
            RunFailed: the database stays away.
            ServerError, AnswerError: the model stopped answering, or is none.
        """
        keys = {place: key_of(each) for place, each in enumerate(chunk) if each.row is not None}
        if keys and not self._model:
            # Which version answers is known from an answer only.
            self._replies([chunk[next(iter(keys))]])
        known = self._known(list(keys.values()))
        fresh = [place for place, key in keys.items() if key not in known]
        replies = dict(zip(fresh, self._replies([chunk[place] for place in fresh]), strict=True))
        # A long run heeds a promise that is broken meanwhile.
        self._backoffs = self._read(active_backoffs)
        rows: dict[Key, dict[str, Any]] = {}
        rejects, failures = [], []
        summary = Summary(rows=len(chunk), model=self._model)
        for place, asked in enumerate(chunk):
            self._note_image(replies[place].asked if place in replies else asked, summary)
            if (key := keys.get(place)) is None:
                rejects.append((asked, "unusable", asked.error))
                continue
            stored = known.get(key)
            if stored is not None and stored["decided"] is not None:
                self._count(asked, stored["category"], stored["decided"], summary)
                continue
            if stored is None:
                reply = replies[place]
                if not isinstance(reply.answer, Answer):
                    failures.append((asked, key, reply.error))
                    continue
                if fault := fault_of(reply.answer):
                    failures.append((asked, key, fault))
                    continue
                stored = stored_answer(asked, key, reply.answer)
            try:
                rows[key] = self._decided(asked, stored, summary)
            except UndecidableError as error:
                rejects.append((asked, "undecidable", str(error)))
                rows[key] = {**stored, **_NONE}
        self._store(list(rows.values()), rejects, failures)
        summary.rejects.update(reason for _, reason, _ in rejects)
        summary.failures = len(failures)
        for asked, _, why in [*rejects, *failures]:
            summary.fault(f"{_place(asked)}: {why}", self._position(asked))
        return summary

    def _note_image(self, asked: Asked, summary: Summary) -> None:
        left_out = [each for each in asked.left_out if each.startswith(IMAGE_LEFT_OUT)]
        if asked.row is not None and left_out:
            summary.words_alone += 1
            summary.without_image(f"{_place(asked)}: {left_out[0]}", self._position(asked))

    def _position(self, asked: Asked) -> tuple[int, int]:
        return list(self._job.files).index(asked.file), asked.number

    def _known(self, keys: Sequence[Key]) -> dict[Key, Mapping[str, Any]]:
        """Answers of the model's present version that are stored.

        `decided` is the outcome where these rules have decided already, else None.
        """
        if not self._model:
            return {}
        table, made = tables.prediction, tables.decision
        ours = sa.and_(made.c.prediction == table.c.id, made.c.rules == self._job.rules.digest)
        chosen = (
            sa.select(table, made.c.outcome.label("decided"))
            .outerjoin(made, ours)
            .where(table.c.product.in_([key.product for key in keys]), table.c.model == self._model)
        )

        def read(connection: Connection) -> dict[Key, Mapping[str, Any]]:
            found = connection.execute(chosen).mappings()
            return {Key(row["product"], row["input"]): dict(row) for row in found}

        return self._read(read)

    def _read(self, work: Callable[[Connection], _Read]) -> _Read:
        reading = self._engine.execution_options(reads=True)
        return patiently(reading, self._job.patience_s, self._say, work)

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

    def _decided(self, asked: Asked, answer: Mapping[str, Any], summary: Summary) -> dict[str, Any]:
        rules = self._job.rules
        category = str(answer["category"])
        then = decide(rules, category, answer["accepted"], answer["score"], asked.fields)
        outcome, backoff = held_back(then, category, self._backoffs)
        self._count(asked, category, outcome, summary)
        return {
            **answer,
            "rules": rules.digest,
            "outcome": outcome,
            "reason": then.reason if not backoff else "",
            "rule": then.rule,
            "held_back": backoff and f"back-off {backoff}",
            **self._job.sampling.drawn(str(answer["product"]), category, outcome),
        }

    def _count(self, asked: Asked, category: str, outcome: str, summary: Summary) -> None:
        summary.outcomes[outcome] += 1
        if asked.gold is None or outcome == REVIEW:
            return
        try:
            gold = self._job.rules.tree.resolve(asked.gold)
        except UnknownLabel:
            return
        summary.judged += 1
        summary.right += gold == category

    def _store(
        self,
        rows: Sequence[Mapping[str, Any]],
        rejects: Sequence[tuple[Asked, str, str]],
        failures: Sequence[tuple[Asked, Key, str]],
    ) -> None:
        now, run = utc_now(), self._begun.run
        refused = [
            {"run": run, "place": _place(asked), "reason": reason, "detail": storable(detail)}
            for asked, reason, detail in rejects
        ]
        dead = [
            {
                "run": run,
                "product": key.product,
                "input": key.input,
                "at": now,
                "error": storable(error),
            }
            for _, key, error in failures
        ]

        def write(connection: Connection, decisions: _Write) -> None:
            if rows:
                decisions(connection, rows, run, now)
            if refused:
                key = ("run", "place", "reason")
                connection.execute(insert_or_keep(connection, tables.reject, key), refused)
            if dead:
                letters = [{**row, "attempts": 1} for row in dead]
                key = ("run", "product", "input")
                connection.execute(insert_or_keep(connection, tables.dead_letter, key), letters)

        def persist(decisions: _Write) -> None:
            work = functools.partial(write, decisions=decisions)
            patiently(self._engine, self._job.patience_s, self._say, work)

        if self._engine.dialect.name == "postgresql":
            try:
                persist(copy_decisions)
            except RefusedRows:
                # Another process decides about the same products, or a commit's answer was lost.
                persist(write_decisions)
        else:
            persist(write_decisions)


def _place(asked: Asked) -> str:
    return storable(f"{asked.file}:{asked.number}")
