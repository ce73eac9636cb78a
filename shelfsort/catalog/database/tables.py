"""The tables of the crawl database.

Every column has a comment. PostgreSQL shows them in `\\d+`, and in SQLite the table `about` lists
them.
"""

import sqlalchemy as sa

from shelfsort.core.database.columns import ID, NAMING, about_table, moment, number, text

metadata = sa.MetaData(naming_convention=NAMING)

about = about_table(metadata)

source = sa.Table(
    "source",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="as in the settings"),
    text("type", "kind of source, such as tables or sql"),
    text("licence", "of its texts and pictures, as the settings say"),
    text("state", "JSON that the source remembers after a whole pass, such as an ETag"),
    comment="where products come from",
)

pull = sa.Table(
    "pull",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("source", sa.ForeignKey("source.name", ondelete="CASCADE"), nullable=False),
    moment("started", "UTC", nullable=False),
    moment("ended", "UTC; empty while it runs, and after a kill"),
    text("outcome", "empty (being read), accepted (being stored), whole, unchanged or refused"),
    text("cursor", "where the source goes on"),
    text("state", "that the source is to remember once the pass is whole"),
    text("settings", "digest of the source's settings"),
    sa.Column("announced", sa.BigInteger, comment="rows that the source said it has"),
    number("rows", "products that the source gave"),
    number("repeated", "rows with the id of an earlier row of the pass; the last one counts"),
    number("new", "of the products: not known before"),
    number("changed", "of the products: with other content than before"),
    number("gone", "products that the source had and no longer has"),
    number("rejected", "rows in quarantine"),
    text("reasons", "JSON: for each reason of the quarantine its number and first place"),
    text("hosts", "JSON: number of rows by the host of their main picture"),
    text("notes", "JSON list: how it was read, such as the encoding of a file"),
    text("refusal", "JSON list: why it was refused"),
    sa.Column("lists_all", sa.Boolean, comment="whether what it did not give is gone"),
    sa.Index(None, "source"),
    comment="one pass over a source; a killed one goes on at its cursor",
)

stage = sa.Table(
    "stage",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("pull", sa.ForeignKey("pull.id", ondelete="CASCADE"), nullable=False),
    sa.Column("source_id", sa.Text, nullable=False, comment="the product's id at its source"),
    text("digest", "of everything that the source said"),
    text("content", "JSON of the product and its links; empty: as the product is already"),
    number("times", "that the pass gave it; 0: in quarantine only"),
    sa.UniqueConstraint("pull", "source_id"),
    sa.Index(None, "pull", "id"),
    comment="rows of a pass that has not been accepted yet; nothing else uses them",
)

product = sa.Table(
    "product",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True, comment="ours"),
    sa.Column("source", sa.ForeignKey("source.name", ondelete="CASCADE"), nullable=False),
    text("source_id", "the product's id at its source"),
    text("title", "as the source wrote it"),
    text("description", "as the source wrote it"),
    sa.Column("price", sa.Float, comment="empty where it is not known"),
    text("currency", "ISO 4217"),
    text("categories", "JSON list: how the source sorts it"),
    text("gtin", "global trade item number"),
    text("brand", "name of the maker"),
    text("mpn", "the maker's own number"),
    text("part_of", "what it was listed in, such as a post"),
    number("position", "its place in there, from 1; 0: not known"),
    text("digest", "of everything that the source said"),
    sa.Column(
        "variants",
        sa.BigInteger,
        nullable=False,
        server_default="0",
        comment="the same number for all variants of a product, as in the splits; 0: not known",
    ),
    moment("first_seen", "UTC", nullable=False),
    moment("changed", "UTC, when the content last changed", nullable=False),
    moment("gone", "UTC, when the source no longer had it; empty while it has"),
    sa.Column("pull", ID, nullable=False, comment="the pass that saw it last"),
    sa.UniqueConstraint("source", "source_id"),
    sa.Index(None, "variants"),
    sa.Index(None, "source", "pull"),
    comment="a product of a source, as it is now",
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("product", sa.ForeignKey("product.id", ondelete="CASCADE"), nullable=False),
    moment("until", "UTC, when this stopped being so", nullable=False),
    text("was", "JSON of the values that changed, as they were"),
    sa.Index(None, "product"),
    comment="what products were before",
)

link = sa.Table(
    "link",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("url", sa.Text, nullable=False, unique=True, comment="in one spelling, rewritten"),
    text("host", "that it names, in lower case"),
    text("state", "empty (not tried), good, or the class of the failure"),
    number("attempts", "since it was last good"),
    moment("checked", "UTC, of the last attempt"),
    moment("due", "UTC, when the next attempt may be made; empty: never by itself"),
    text("etag", "of the picture, for asking whether it changed"),
    text("last_modified", "of the picture, likewise"),
    sa.Column(
        "image", sa.ForeignKey("image.digest"), comment="what it last led to; kept when it dies"
    ),
    sa.Index(None, "state", "due"),
    sa.Index(None, "host", "id"),
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
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("link", sa.ForeignKey("link.id", ondelete="CASCADE"), nullable=False),
    moment("at", "UTC", nullable=False),
    text("outcome", "good, unchanged, or the class of the failure"),
    number("status", "of HTTP; 0 without an answer"),
    text("detail", "why, in words"),
    sa.Column("seconds", sa.Float, nullable=False, comment="that it took"),
    number("bytes", "of the body that were read"),
    text("final_url", "after redirects, where it differs"),
    sa.Index(None, "link"),
    comment="each try to fetch a picture",
)

image = sa.Table(
    "image",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True, comment="SHA-256 of the bytes, in hex"),
    text("format", "jpeg, png, …, by its content"),
    number("width", "pixels"),
    number("height", "pixels"),
    number("bytes", "of the file"),
    text("perceptual_hash", "64 bits in hex, of what it looks like; proposes pairs only"),
    moment("fetched", "UTC", nullable=False),
    text("problem", "why it is not used, such as placeholder; empty: it may be used"),
    sa.Index(None, "perceptual_hash"),
    comment="a picture in the store; the file is named by its digest",
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("pull", sa.ForeignKey("pull.id", ondelete="CASCADE"), nullable=False),
    text("place", "file:line, id or page"),
    text("reason", "a code, for counting"),
    text("detail", "what is wrong"),
    text("content", "the row as it came, cut"),
    sa.Index(None, "pull"),
    comment="rows and addresses of the last pass that were not taken, the first 10,000",
)

pair = sa.Table(
    "pair",
    metadata,
    sa.Column("one", sa.ForeignKey("image.digest", ondelete="CASCADE"), primary_key=True),
    sa.Column("other", sa.ForeignKey("image.digest", ondelete="CASCADE"), primary_key=True),
    number("distance", "bits in which the perceptual hashes differ"),
    sa.Column("difference", sa.Float, comment="of the pixels, 0 to 1; the second check"),
    text("verdict", "same or different, by the second check"),
    comment="pictures that look alike; `one` sorts before `other`",
)
