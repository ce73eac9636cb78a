"""Columns of migrations. They never change: what a migration made once, it makes always.

What the columns mean, `columns.explain` tells the database.
"""

from typing import Any

import sqlalchemy as sa

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""Type of a row's number."""


def text(name: str) -> sa.Column[Any]:
    """A text, "" where nothing is given."""
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def number(name: str) -> sa.Column[Any]:
    """A whole number, 0 where nothing is given."""
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)
