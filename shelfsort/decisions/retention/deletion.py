"""Forgets products because somebody asks for it, such as the customer who sent the pictures."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.texts import storable
from shelfsort.decisions.database.tables import dead_letter, event, prediction
from shelfsort.decisions.monitoring.counts import keep_days
from shelfsort.decisions.retention.removing import Removed, remove_predictions
from shelfsort.decisions.review.events import note

_AT_ONCE = 500


def delete_products(engine: Engine, products: Sequence[str], who: str, why: str) -> Removed:
    """Removes all that the results database knows of products.

    What audits said stays as totals without the product. The audit log tells the numbers, the
    person and the reason; where it named one of the products, it does so no longer.

    Args:
        engine: of the results database.
        products: ids.
        who: name of the person who answers for it.
        why: of that person, such as the number of the request.

    Returns:
        What was removed.
    """
    keep_days(engine)
    removed = Removed()
    for start in range(0, len(products), _AT_ONCE):
        some = list(map(storable, products[start : start + _AT_ONCE]))
        # One transaction each: a kill leaves whole products, and a log that tells of them.
        with engine.begin() as connection:
            _delete(connection, some, who, why, removed)
    return removed


def _delete(
    connection: Connection, products: list[str], who: str, why: str, removed: Removed
) -> None:
    now, part = datetime.now(timezone.utc), Removed()
    chosen = sa.select(prediction.c.id).where(prediction.c.product.in_(products))
    ids = list(connection.execute(chosen).scalars())
    for start in range(0, len(ids), _AT_ONCE):
        # A key of the totals is the moment; within a call they may come in several parts.
        moment = now + timedelta(microseconds=start)
        remove_predictions(connection, ids[start : start + _AT_ONCE], moment, part)
    dead = sa.delete(dead_letter).where(dead_letter.c.product.in_(products))
    part.rows[dead_letter.name] += connection.execute(dead).rowcount
    part.rows[event.name] += _forget_names(connection, set(products))
    rows = {name: n for name, n in part.rows.items() if n}
    if rows:
        detail = {"reason": why, "rows": rows, "audits_kept": part.audits_kept}
        note(connection, who, "delete", now, {**detail, "audits_lost": part.audits_lost})
    removed.rows.update(part.rows)
    removed.audits_kept += part.audits_kept
    removed.audits_lost += part.audits_lost


def _forget_names(connection: Connection, products: set[str]) -> int:
    """Takes products out of earlier lines of the audit log; returns how many lines changed."""
    named = sa.select(event.c.id, event.c.detail).where(event.c.detail.contains('"product"'))
    changed = 0
    for id_, text in connection.execute(named).all():
        try:
            detail = json.loads(text)
        except ValueError:
            continue
        if isinstance(detail, dict) and detail.get("product") in products:
            without = json.dumps({**detail, "product": ""}, ensure_ascii=False)
            connection.execute(sa.update(event).where(event.c.id == id_).values(detail=without))
            changed += 1
    return changed
