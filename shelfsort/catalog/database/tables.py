"""The tables of the crawl database.

Every column has a comment. PostgreSQL shows them in `\\d+`, and in SQLite the table `about` lists
them.
"""

from typing import Any

import sqlalchemy as sa

from shelfsort.core.database.engine import UtcTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, comment: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default="", comment=comment, **more)


def _number(name: str, comment: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0", comment=comment, **more)


def _moment(name: str, comment: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, UtcTime, comment=comment, **more)


# SQLite counts up by itself for INTEGER only.
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

about = sa.Table(
    "about",
    metadata,
    sa.Column("table_name", sa.Text, primary_key=True, comment="of this database"),
    sa.Column("column_name", sa.Text, primary_key=True, comment="empty for the table itself"),
    sa.Column("meaning", sa.Text, nullable=False, comment="for people"),
    comment="what each table and column means",
)

source = sa.Table(
    "source",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="as in the settings"),
    _text("type", "kind of source, such as tables or sql"),
    _text("licence", "of its texts and pictures, as the settings say"),
    _text("state", "JSON that the source remembers after a whole pass, such as an ETag"),
    comment="where products come from",
)

pull = sa.Table(
    "pull",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("source", sa.ForeignKey("source.name", ondelete="CASCADE"), nullable=False),
    _moment("started", "UTC", nullable=False),
    _moment("ended", "UTC; empty while it runs, and after a kill"),
    _text("outcome", "empty (not ended), whole, or refused"),
    _text("cursor", "where the source goes on"),
    _number("rows", "products that the source gave"),
    _number("new", "of these: not known before"),
    _number("changed", "of these: with other content than before"),
    _number("gone", "products that the source had and no longer has"),
    _number("rejected", "rows in quarantine"),
    sa.Index(None, "source"),
    comment="one pass over a source; a killed one goes on at its cursor",
)

product = sa.Table(
    "product",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True, comment="ours"),
    sa.Column("source", sa.ForeignKey("source.name", ondelete="CASCADE"), nullable=False),
    _text("source_id", "the product's id at its source"),
    _text("title", "as the source wrote it"),
    _text("description", "as the source wrote it"),
    sa.Column("price", sa.Float, comment="empty where it is not known"),
    _text("currency", "ISO 4217"),
    _text("categories", "JSON list: how the source sorts it"),
    _text("gtin", "global trade item number"),
    _text("brand", "name of the maker"),
    _text("mpn", "the maker's own number"),
    _text("part_of", "what it was listed in, such as a post"),
    _number("position", "its place in there, from 1; 0: not known"),
    _text("digest", "of everything that the source said"),
    sa.Column(
        "variants",
        sa.BigInteger,
        nullable=False,
        server_default="0",
        comment="the same number for all variants of a product, as in the splits",
    ),
    _moment("first_seen", "UTC", nullable=False),
    _moment("changed", "UTC, when the content last changed", nullable=False),
    _moment("gone", "UTC, when the source no longer had it; empty while it has"),
    sa.Column("pull", _ID, nullable=False, comment="the pass that saw it last"),
    sa.UniqueConstraint("source", "source_id"),
    sa.Index(None, "variants"),
    sa.Index(None, "source", "pull"),
    comment="a product of a source, as it is now",
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("product", sa.ForeignKey("product.id", ondelete="CASCADE"), nullable=False),
    _moment("until", "UTC, when this stopped being so", nullable=False),
    _text("was", "JSON of the values that changed, as they were"),
    sa.Index(None, "product"),
    comment="what products were before",
)

link = sa.Table(
    "link",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("url", sa.Text, nullable=False, unique=True, comment="as the source gave it"),
    _text("host", "that it names, in lower case"),
    _text("state", "empty (not tried), good, or the class of the failure"),
    _number("attempts", "since it was last good"),
    _moment("checked", "UTC, of the last attempt"),
    _moment("due", "UTC, when the next attempt may be made; empty: never by itself"),
    _text("etag", "of the picture, for asking whether it changed"),
    _text("last_modified", "of the picture, likewise"),
    sa.Column(
        "image", sa.ForeignKey("image.digest"), comment="what it last led to; kept when it dies"
    ),
    sa.Index(None, "state", "due"),
    sa.Index(None, "host"),
    sa.Index(None, "image"),
    comment="an address of a picture",
)

product_link = sa.Table(
    "product_link",
    metadata,
    sa.Column("product", sa.ForeignKey("product.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, comment="from 0, the main picture first"),
    sa.Column("link", sa.ForeignKey("link.id"), nullable=False),
    sa.Index(None, "link"),
    comment="the pictures of a product, in order",
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("link", sa.ForeignKey("link.id", ondelete="CASCADE"), nullable=False),
    _moment("at", "UTC", nullable=False),
    _text("outcome", "good, unchanged, or the class of the failure"),
    _number("status", "of HTTP; 0 without an answer"),
    _text("detail", "why, in words"),
    sa.Column("seconds", sa.Float, nullable=False, comment="that it took"),
    _number("bytes", "of the body that were read"),
    _text("final_url", "after redirects, where it differs"),
    sa.Index(None, "link"),
    comment="each try to fetch a picture",
)

image = sa.Table(
    "image",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True, comment="SHA-256 of the bytes, in hex"),
    _text("format", "jpeg, png, …, by its content"),
    _number("width", "pixels"),
    _number("height", "pixels"),
    _number("bytes", "of the file"),
    _text("perceptual_hash", "64 bits in hex, of what it looks like; proposes pairs only"),
    _moment("fetched", "UTC", nullable=False),
    _text("problem", "why it is not used, such as placeholder; empty: it may be used"),
    sa.Index(None, "perceptual_hash"),
    comment="a picture in the store; the file is named by its digest",
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("pull", sa.ForeignKey("pull.id", ondelete="CASCADE"), nullable=False),
    _text("place", "file:line, id or page"),
    _text("reason", "a code, for counting"),
    _text("detail", "what is wrong"),
    _text("content", "the row as it came, cut"),
    sa.Index(None, "pull"),
    comment="rows that were not taken",
)

pair = sa.Table(
    "pair",
    metadata,
    sa.Column("one", sa.ForeignKey("image.digest", ondelete="CASCADE"), primary_key=True),
    sa.Column("other", sa.ForeignKey("image.digest", ondelete="CASCADE"), primary_key=True),
    _number("distance", "bits in which the perceptual hashes differ"),
    sa.Column("difference", sa.Float, comment="of the pixels, 0 to 1; the second check"),
    _text("verdict", "same or different, by the second check"),
    comment="pictures that look alike; `one` sorts before `other`",
)


def meanings() -> list[dict[str, str]]:
    """The rows of `about`."""
    found = []
    for table in metadata.sorted_tables:
        found.append({"table_name": table.name, "column_name": "", "meaning": table.comment or ""})
        for column in table.columns:
            meaning = column.comment or (
                f"points to {next(iter(column.foreign_keys)).target_fullname}"
                if column.foreign_keys
                else "number of the row"
            )
            row = {"table_name": table.name, "column_name": column.name, "meaning": meaning}
            found.append(row)
    return found
