"""The queue of what waits for people."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.engine import UtcTime
from shelfsort.core.database.frozen import ID, number, text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.drop_table("lease")
    op.add_column("run", sa.Column("audit_rate", sa.Float(), nullable=True))
    op.add_column("review", sa.Column("task", ID, nullable=True))
    op.add_column("review", text("proposed"))
    op.add_column("review", number("assisted"))
    op.add_column("review", sa.Column("seconds", sa.Float(), nullable=True))
    op.add_column("review", text("note"))
    _task()


def _task() -> None:
    op.create_table(
        "task",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("decision", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        text("part"),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("due", UtcTime(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("sample", sa.Float(), nullable=True),
        number("blind"),
        text("note"),
        sa.Column("cause", ID, nullable=True),
        text("holder"),
        sa.Column("until", UtcTime(), nullable=True),
        sa.Column("closed", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decision"],
            ["decision.id"],
            name=op.f("fk_task_decision_decision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("decision", "kind", "part", name=op.f("uq_task_decision_kind_part")),
    )
    waits = sa.text("closed IS NULL")
    op.create_index(
        op.f("ix_task_open"), "task", ["due", "id"], sqlite_where=waits, postgresql_where=waits
    )
    op.create_index(op.f("ix_task_holder_closed"), "task", ["holder", "closed"])
