"""The audit log: what people did, and when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.core.database.texts import storable, storable_json
from shelfsort.decisions.database.tables import event


def note(
    connection: Connection, who: str, what: str, at: datetime, detail: Mapping[str, Any]
) -> None:
    """Adds a line to the audit log.

    Args:
        connection: in a transaction of the caller's, so that the line stands if the deed does.
        who: name of the person.
        what: such as answer, undo, appeal or release.
        at: when.
        detail: plain values.
    """
    row = {"at": at, "who": storable(who), "what": what, "detail": storable_json(dict(detail))}
    connection.execute(sa.insert(event), row)


def last_events(connection: Connection, most: int) -> list[dict[str, Any]]:
    """The newest lines of the audit log, the newest first."""
    chosen = sa.select(event).order_by(event.c.id.desc()).limit(most)
    return [dict(row) for row in connection.execute(chosen).mappings()]
