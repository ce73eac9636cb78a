"""Days of `prediction_detail`: PostgreSQL keeps each in a partition of its own.

When all of a day was deleted, its partition is dropped, and the disk is free without a vacuum.
The narrow tables are not partitioned: a unique key of PostgreSQL has to hold the column that
partitions, so a product that is sent again on another day would be decided twice.
"""

from datetime import datetime, timedelta, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.decisions.database.tables import prediction_detail

DAYS_AHEAD = 7
_PREFIX = f"{prediction_detail.name}_"
_LOCK = 0x5E1F50A7


def make_days(connection: Connection, first: datetime, days: int = 1) -> None:
    """Makes the partitions that are missing; several processes may do so at once.

    Writers and readers of other days go on meanwhile. In SQLite there is nothing to do.

    Args:
        connection: in a transaction of the caller's.
        first: any moment of the first day, with its time zone.
        days: number of days.
    """
    if connection.dialect.name != "postgresql":
        return
    start = _midnight(first)
    wanted = [start + timedelta(days=n) for n in range(days)]
    if not _missing(connection, wanted):
        return
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    for day in _missing(connection, wanted):
        name = _name(day)
        # Attached, a table locks out nobody; made as a partition it would.
        connection.exec_driver_sql(
            f"CREATE TABLE {name} (LIKE {prediction_detail.name} INCLUDING ALL)"
        )
        connection.exec_driver_sql(
            f"ALTER TABLE {prediction_detail.name} ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{day.isoformat()}') TO ('{(day + timedelta(days=1)).isoformat()}')"
        )


def drop_empty_days(connection: Connection, moment: datetime) -> int:
    """Drops the partitions of whole UTC days before `moment` in which no row is left.

    Args:
        connection: in a transaction of the caller's.
        moment: with its time zone.

    Returns:
        The number of partitions that were dropped.
    """
    end, dropped = _name(_midnight(moment)), 0
    for name in _partitions(connection):
        if name < end:
            rows = sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1)
            if connection.execute(rows).first() is None:
                connection.exec_driver_sql(f"DROP TABLE {name}")
                dropped += 1
    return dropped


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)


def _name(day: datetime) -> str:
    return f"{_PREFIX}{day:%Y%m%d}"


def _missing(connection: Connection, days: list[datetime]) -> list[datetime]:
    there = set(_partitions(connection))
    return [day for day in days if _name(day) not in there]


def _partitions(connection: Connection) -> list[str]:
    """Names of the partitions, the earliest first."""
    if connection.dialect.name != "postgresql":
        return []
    found = connection.execute(
        sa.text(
            "SELECT child.relname FROM pg_inherits "
            "JOIN pg_class AS child ON child.oid = inhrelid "
            "WHERE inhparent = to_regclass(:parent) ORDER BY child.relname"
        ),
        {"parent": prediction_detail.name},
    )
    return list(found.scalars())
