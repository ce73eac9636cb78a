"""What a candidate would have decided: another model, other rules, or both.

It goes into the table `shadow`, beside the live decision about the same product. No view of
decisions reads that table.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.client.batch.answering import answered
from shelfsort.client.batch.reading import Asked, asked_rows
from shelfsort.client.each import Ask
from shelfsort.client.messages import Answer
from shelfsort.contract.targets import percent_of
from shelfsort.core.database.engine import reader
from shelfsort.core.database.upserts import insert_or_keep
from shelfsort.core.errors import InputError
from shelfsort.core.yaml import parse_mapping
from shelfsort.decisions.batch.decided import Key, decide, fault_of, key_of, level_of
from shelfsort.decisions.batch.scoring import chunks
from shelfsort.decisions.database.tables import (
    HAS_DETAIL,
    decision,
    prediction,
    prediction_detail,
    rules,
    run,
    shadow,
)
from shelfsort.decisions.rules.model import Rules, UndecidableError
from shelfsort.products.images.source import ImageSources
from shelfsort.products.tables.rows import Reading
from shelfsort.products.taxonomy import UnknownLabel

_AT_ONCE = 1_000


@dataclass(frozen=True)
class Candidate:
    """Who decides beside the live model.

    Attributes:
        rules: that decide.
        ask: the candidate's model; None for the live model's stored answers.
        name: under which it is compared; "" for one of its model's version and rules.
        days: for so many days from its first decision it decides.
    """

    rules: Rules
    ask: Ask | None = None
    name: str = ""
    days: int = 14


@dataclass
class Decided:
    """What came of a call.

    Attributes:
        candidate: its name, "" if it decided nothing.
        new: decisions that were not there before.
        unmatched: products of the data about which there is no live decision.
        failures: products that the candidate refuses, or cannot decide about.
        over: whether its days are over, so that it decided nothing.
    """

    candidate: str = ""
    new: int = 0
    unmatched: int = 0
    failures: int = 0
    over: bool = False


@dataclass(frozen=True)
class _Live:
    """A live decision, its product and the answer that it rests on."""

    id: int
    model: str
    answer: Mapping[str, Any]
    fields: Mapping[str, str] = field(default_factory=dict)


def decide_beside(
    engine: Engine,
    candidate: Candidate,
    files: Sequence[str],
    columns: Reading,
    sources: ImageSources,
    now: datetime | None = None,
) -> Decided:
    """Lets a candidate's model decide about products that have a live decision, each once.

    Args:
        engine: of the results database.
        candidate: with a model.
        files: of the products, as `shelfsort batch` got them.
        columns: how tables are read.
        sources: of images.
        now: with its time zone; now by default.

    Raises:
        InputError: the data cannot be read, the rules do not fit the candidate's model, or there
            are no live decisions.
        ServerError, AnswerError: the candidate's model does not answer, or is none.
    """
    assert candidate.ask is not None
    at, found = _now(now), Decided()
    live_fields = _live_fields(engine)
    also = tuple({*live_fields, *candidate.rules.fields})
    how = dataclasses.replace(columns, also=also)
    for chunk in chunks(asked_rows(files, how, sources)):
        sent = [each for each in chunk if each.row is not None]
        keys = [_live_key(each, live_fields) for each in sent]
        live = _live_decisions(engine, keys)
        found.unmatched += sum(key not in live for key in keys)
        asked = [(each, live[key]) for each, key in zip(sent, keys, strict=True) if key in live]
        if not found.candidate and asked:
            if not (version := _version(candidate, [each for each, _ in asked])):
                found.failures += len(asked)
                continue
            found.candidate = _name(candidate, version)
            if _is_over(engine, found.candidate, candidate.days, at):
                return Decided(found.candidate, over=True)
        asked = _missing(engine, found.candidate, asked)
        rows = list(_rows(candidate, asked, found, at))
        found.new += _store(engine, rows)
    return found


def decide_from_stored(
    engine: Engine, candidate: Candidate, now: datetime | None = None
) -> Decided:
    """Lets other rules decide from the live model's answers of the candidate's days so far.

    Raises:
        InputError: there are no live decisions.
    """
    at = _now(now)
    found = Decided(_name(candidate, ""))
    _live_fields(engine)
    began = _began(engine, found.candidate)
    if began is not None and at > began + timedelta(candidate.days):
        return Decided(found.candidate, over=True)
    after = 0
    while batch := _stored(engine, found.candidate, at - timedelta(candidate.days), after):
        after = batch[-1].id
        rows = []
        for live in batch:
            row = _decided(candidate.rules, live.answer, live.fields)
            if row is None:
                found.failures += 1
            else:
                rows.append(_stamped(row, found.candidate, live, candidate.rules, at, ""))
        found.new += _store(engine, rows)
    return found


def _rows(
    candidate: Candidate, asked: Sequence[tuple[Asked, _Live]], found: Decided, at: datetime
) -> Iterator[dict[str, Any]]:
    assert candidate.ask is not None
    replies = [
        reply for batch in answered([each for each, _ in asked], candidate.ask) for reply in batch
    ]
    for (each, live), reply in zip(asked, replies, strict=True):
        answer = reply.answer
        row = _decided(candidate.rules, _as_row(answer), each.fields) if _is(answer) else None
        if row is None:
            found.failures += 1
            continue
        gold = _gold(candidate.rules, each)
        yield _stamped(row, found.candidate, live, candidate.rules, at, gold)


def _is(answer: Any) -> bool:
    return isinstance(answer, Answer) and not fault_of(answer)


def _as_row(answer: Any) -> dict[str, Any]:
    return {
        "category": answer.category,
        "score": answer.score,
        "accepted": level_of(answer),
        "model": str(answer.model_version),
    }


def _decided(
    rules_: Rules, answer: Mapping[str, Any], fields: Mapping[str, str]
) -> dict[str, Any] | None:
    try:
        then = decide(rules_, answer["category"], answer["accepted"], answer["score"], fields)
    except UndecidableError:
        return None
    return {**answer, "outcome": then.outcome, "rule": then.rule}


def _stamped(
    row: Mapping[str, Any], name: str, live: _Live, rules_: Rules, at: datetime, gold: str
) -> dict[str, Any]:
    stamp = {"candidate": name, "decision": live.id, "at": at, "rules": rules_.digest}
    return {**row, **stamp, "gold": gold}


def _gold(rules_: Rules, asked: Asked) -> str:
    if asked.gold is None:
        return ""
    try:
        return rules_.tree.resolve(asked.gold)
    except UnknownLabel:
        return ""


def _version(candidate: Candidate, asked: Sequence[Asked]) -> str:
    """The version of the candidate's model, which only an answer tells; "" if it gives none."""
    assert candidate.ask is not None
    replies = (reply for each in asked for (reply,) in answered([each], candidate.ask))
    first = next((each.answer for each in replies if isinstance(each.answer, Answer)), None)
    if first is None:
        return ""
    targets = [percent_of(target) for target in sorted(first.accepted)]
    if targets != list(candidate.rules.levels[1:]):
        raise InputError(
            f"{candidate.rules.file}: its targets are not those of the candidate's model "
            f"({', '.join(targets)}). Correct targets."
        )
    return str(first.model_version)


def _name(candidate: Candidate, version: str) -> str:
    model = f"model {version}, " if version else ""
    return candidate.name or f"{model}rules {candidate.rules.digest}"


def _live_fields(engine: Engine) -> tuple[str, ...]:
    """Fields that the newest live rules ask about; they are part of a product's key."""
    newest = (
        sa.select(rules.c.content)
        .join(run, run.c.rules == rules.c.digest)
        .order_by(run.c.id.desc())
        .limit(1)
    )
    with reader(engine) as connection:
        content = connection.execute(newest).scalar()
    if content is None:
        raise InputError("the database holds no live decisions. Run `shelfsort batch` first.")
    return tuple(parse_mapping(content, "the live rules").value.get("fields") or ())


def _live_key(asked: Asked, fields: Sequence[str]) -> Key:
    kept = {name: value for name, value in asked.fields.items() if name in fields}
    return key_of(dataclasses.replace(asked, fields=kept))


def _live_decisions(engine: Engine, keys: Sequence[Key]) -> dict[Key, _Live]:
    """The newest live decision about each key that has one."""
    chosen = (
        sa.select(decision.c.id, prediction.c.product, prediction.c.input, prediction.c.model)
        .join(prediction, prediction.c.id == decision.c.prediction)
        .where(prediction.c.product.in_([key.product for key in keys]))
        .order_by(decision.c.id)
    )
    with reader(engine) as connection:
        found = connection.execute(chosen).mappings().all()
    return {Key(row["product"], row["input"]): _Live(row["id"], row["model"], {}) for row in found}


def _missing(
    engine: Engine, name: str, asked: Sequence[tuple[Asked, _Live]]
) -> list[tuple[Asked, _Live]]:
    chosen = sa.select(shadow.c.decision).where(
        shadow.c.candidate == name, shadow.c.decision.in_([live.id for _, live in asked])
    )
    with reader(engine) as connection:
        known = set(connection.execute(chosen).scalars())
    return [each for each in asked if each[1].id not in known]


def _stored(engine: Engine, name: str, since: datetime, after: int) -> list[_Live]:
    """Live decisions since a moment about which the candidate has not decided."""
    later = decision.alias("later")
    replaced = sa.exists().where(
        later.c.prediction == decision.c.prediction, later.c.id > decision.c.id
    )
    known = sa.exists().where(shadow.c.decision == decision.c.id, shadow.c.candidate == name)
    answer = ("category", "score", "accepted", "model")
    chosen = (
        sa.select(
            decision.c.id,
            *(prediction.c[column] for column in answer),
            prediction_detail.c.fields,
        )
        .join(prediction, prediction.c.id == decision.c.prediction)
        .join(prediction_detail, HAS_DETAIL)
        .where(decision.c.at >= since, decision.c.id > after, ~replaced, ~known)
        .order_by(decision.c.id)
        .limit(_AT_ONCE)
    )
    with reader(engine) as connection:
        found = connection.execute(chosen).mappings().all()
    return [
        _Live(
            row["id"],
            row["model"],
            {column: row[column] for column in answer},
            json.loads(row["fields"] or "{}"),
        )
        for row in found
    ]


def _store(engine: Engine, rows: Sequence[Mapping[str, Any]]) -> int:
    """Stores decisions of one candidate; returns how many are new."""
    if not rows:
        return 0
    chosen = sa.select(shadow.c.decision).where(
        shadow.c.candidate == rows[0]["candidate"],
        shadow.c.decision.in_([row["decision"] for row in rows]),
    )
    with engine.begin() as connection:
        known = set(connection.execute(chosen).scalars())
        fresh = {row["decision"]: row for row in rows if row["decision"] not in known}
        if fresh:
            # Another process may store them at the same moment.
            insert = insert_or_keep(connection, shadow, ("candidate", "decision"))
            connection.execute(insert, list(fresh.values()))
    return len(fresh)


def _began(engine: Engine, name: str) -> datetime | None:
    first = sa.select(shadow.c.at).where(shadow.c.candidate == name).order_by(shadow.c.id).limit(1)
    with reader(engine) as connection:
        return connection.execute(first).scalar()


def _is_over(engine: Engine, name: str, days: int, at: datetime) -> bool:
    began = _began(engine, name)
    return began is not None and at > began + timedelta(days)


def _now(now: datetime | None) -> datetime:
    return (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
