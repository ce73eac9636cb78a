"""What is bulky in a prediction moves to a table with a partition for each day."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.engine import UtcTime
from shelfsort.core.database.frozen import ID, text

revision = "0003"
down_revision = "0002"

_MOVED = ("top", "fields", "shown")


def upgrade() -> None:
    op.create_index(op.f("ix_prediction_id_at"), "prediction", ["id", "at"], unique=True)
    op.create_table(
        "prediction_detail",
        sa.Column("prediction", ID, autoincrement=False, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        *map(text, _MOVED),
        sa.ForeignKeyConstraint(
            ["prediction", "at"],
            ["prediction.id", "prediction.at"],
            name=op.f("fk_prediction_detail_prediction_at_prediction"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prediction", "at", name=op.f("pk_prediction_detail")),
        postgresql_partition_by="RANGE (at)",
    )
    if op.get_bind().dialect.name == "postgresql":
        _make_days()
    moved = ", ".join(_MOVED)
    op.execute(
        f"INSERT INTO prediction_detail (prediction, at, {moved}) "
        f"SELECT id, at, {moved} FROM prediction"
    )
    for name in _MOVED:
        op.drop_column("prediction", name)


def _make_days() -> None:
    """A partition for each day of the rows that are there."""
    days = op.get_bind().execute(
        sa.text(
            "SELECT DISTINCT to_char(at AT TIME ZONE 'UTC', 'YYYYMMDD'), "
            "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), "
            "to_char((at AT TIME ZONE 'UTC') + interval '1 day', 'YYYY-MM-DD') FROM prediction"
        )
    )
    for name, first, end in days.all():
        op.execute(
            f"CREATE TABLE prediction_detail_{name} PARTITION OF prediction_detail "
            f"FOR VALUES FROM ('{first} 00:00:00+00') TO ('{end} 00:00:00+00')"
        )
