"""What audits said before their decisions were deleted."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.engine import UtcTime
from shelfsort.core.database.frozen import number

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "audit_total",
        sa.Column("kept", UtcTime(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("least", sa.Float(), nullable=False),
        number("right"),
        number("wrong"),
        sa.PrimaryKeyConstraint(
            "kept", "day", "category", "rate", "least", name=op.f("pk_audit_total")
        ),
    )
