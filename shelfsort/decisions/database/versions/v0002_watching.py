"""What drift and candidates are judged by, and the view of back-offs under a second name."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.engine import UtcTime
from shelfsort.core.database.frozen import ID, number, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _day_count()
    _shadow()
    op.execute(
        "CREATE VIEW active_backoffs AS "
        "SELECT id, category, since, cause FROM backoff WHERE lifted IS NULL"
    )


def _day_count() -> None:
    op.create_table(
        "day_count",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        number("answers"),
        text("scores"),
        sa.PrimaryKeyConstraint("day", "model", "category", name=op.f("pk_day_count")),
    )


def _shadow() -> None:
    op.create_table(
        "shadow",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("decision", ID, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        text("model"),
        text("rules"),
        text("category"),
        sa.Column("score", sa.Float(), nullable=False),
        text("accepted"),
        sa.Column("outcome", sa.Text(), nullable=False),
        text("rule"),
        text("gold"),
        sa.ForeignKeyConstraint(
            ["decision"],
            ["decision.id"],
            name=op.f("fk_shadow_decision_decision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow")),
        sa.UniqueConstraint("candidate", "decision", name=op.f("uq_shadow_candidate_decision")),
    )
    op.create_index(op.f("ix_shadow_decision"), "shadow", ["decision"], unique=False)
