"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shelfsort.catalog.database.tables import about, metadata
from shelfsort.core.database.columns import meanings

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    op.get_bind().execute(sa.insert(about), meanings(metadata))
