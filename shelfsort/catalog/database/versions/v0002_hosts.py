"""Where the pictures of a pass are."""

from alembic import op

from shelfsort.core.database.frozen import text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("pull", text("hosts"))
