"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shelfsort.catalog.database.tables import about, meanings, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    op.get_bind().execute(sa.insert(about), meanings())
