"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.columns import meanings
from shelfsort.decisions.database.tables import VIEWS, about, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    op.get_bind().execute(sa.insert(about), meanings(metadata))
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")
