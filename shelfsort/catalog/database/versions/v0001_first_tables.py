"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.engine import UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "about",
        sa.Column("table_name", sa.Text(), nullable=False, comment="of this database"),
        sa.Column("column_name", sa.Text(), nullable=False, comment="empty for the table itself"),
        sa.Column("meaning", sa.Text(), nullable=False, comment="for people"),
        sa.PrimaryKeyConstraint("table_name", "column_name", name=op.f("pk_about")),
        comment="what each table and column means",
    )
    op.create_table(
        "image",
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the bytes, in hex"),
        sa.Column(
            "format",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="jpeg, png, …, by its content",
        ),
        sa.Column("width", sa.Integer(), server_default="0", nullable=False, comment="pixels"),
        sa.Column("height", sa.Integer(), server_default="0", nullable=False, comment="pixels"),
        sa.Column("bytes", sa.Integer(), server_default="0", nullable=False, comment="of the file"),
        sa.Column(
            "perceptual_hash",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="64 bits in hex, of what it looks like; proposes pairs only",
        ),
        sa.Column("fetched", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "problem",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="why it is not used, such as placeholder; empty: it may be used",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_image")),
        comment="a picture in the store; the file is named by its digest",
    )
    op.create_index(op.f("ix_image_perceptual_hash"), "image", ["perceptual_hash"], unique=False)
    op.create_table(
        "source",
        sa.Column("name", sa.Text(), nullable=False, comment="as in the settings"),
        sa.Column(
            "type",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="kind of source, such as tables or sql",
        ),
        sa.Column(
            "licence",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="of its texts and pictures, as the settings say",
        ),
        sa.Column(
            "state",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON that the source remembers after a whole pass, such as an ETag",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source")),
        comment="where products come from",
    )
    op.create_table(
        "link",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("url", sa.Text(), nullable=False, comment="in one spelling, rewritten"),
        sa.Column(
            "host",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="that it names, in lower case",
        ),
        sa.Column(
            "state",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="empty (not tried), good, or the class of the failure",
        ),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="since it was last good",
        ),
        sa.Column("checked", UtcTime(), nullable=True, comment="UTC, of the last attempt"),
        sa.Column(
            "due",
            UtcTime(),
            nullable=True,
            comment="UTC, when the next attempt may be made; empty: never by itself",
        ),
        sa.Column(
            "etag",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="of the picture, for asking whether it changed",
        ),
        sa.Column(
            "last_modified",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="of the picture, likewise",
        ),
        sa.Column(
            "image", sa.Text(), nullable=True, comment="what it last led to; kept when it dies"
        ),
        sa.ForeignKeyConstraint(["image"], ["image.digest"], name=op.f("fk_link_image_image")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("url", name=op.f("uq_link_url")),
        comment="an address of a picture",
    )
    op.create_index(op.f("ix_link_host_id"), "link", ["host", "id"], unique=False)
    op.create_index(op.f("ix_link_image"), "link", ["image"], unique=False)
    op.create_index(op.f("ix_link_state_due"), "link", ["state", "due"], unique=False)
    op.create_table(
        "pair",
        sa.Column("one", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column(
            "distance",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="bits in which the perceptual hashes differ",
        ),
        sa.Column(
            "difference",
            sa.Float(),
            nullable=True,
            comment="of the pixels, 0 to 1; the second check",
        ),
        sa.Column(
            "verdict",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="same or different, by the second check",
        ),
        sa.ForeignKeyConstraint(
            ["one"], ["image.digest"], name=op.f("fk_pair_one_image"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other"], ["image.digest"], name=op.f("fk_pair_other_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("one", "other", name=op.f("pk_pair")),
        comment="pictures that look alike; `one` sorts before `other`",
    )
    op.create_table(
        "product",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
            comment="ours",
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "source_id",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the product's id at its source",
        ),
        sa.Column(
            "title", sa.Text(), server_default="", nullable=False, comment="as the source wrote it"
        ),
        sa.Column(
            "description",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="as the source wrote it",
        ),
        sa.Column("price", sa.Float(), nullable=True, comment="empty where it is not known"),
        sa.Column("currency", sa.Text(), server_default="", nullable=False, comment="ISO 4217"),
        sa.Column(
            "categories",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON list: how the source sorts it",
        ),
        sa.Column(
            "gtin", sa.Text(), server_default="", nullable=False, comment="global trade item number"
        ),
        sa.Column(
            "brand", sa.Text(), server_default="", nullable=False, comment="name of the maker"
        ),
        sa.Column(
            "mpn", sa.Text(), server_default="", nullable=False, comment="the maker's own number"
        ),
        sa.Column(
            "part_of",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="what it was listed in, such as a post",
        ),
        sa.Column(
            "position",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="its place in there, from 1; 0: not known",
        ),
        sa.Column(
            "digest",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="of everything that the source said",
        ),
        sa.Column(
            "variants",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="the same number for all variants of a product, as in the splits; 0: not known",
        ),
        sa.Column("first_seen", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "changed", UtcTime(), nullable=False, comment="UTC, when the content last changed"
        ),
        sa.Column(
            "gone",
            UtcTime(),
            nullable=True,
            comment="UTC, when the source no longer had it; empty while it has",
        ),
        sa.Column(
            "pull",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="the pass that saw it last",
        ),
        sa.ForeignKeyConstraint(
            ["source"], ["source.name"], name=op.f("fk_product_source_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_product_source_source_id")),
        comment="a product of a source, as it is now",
    )
    op.create_index(op.f("ix_product_source_pull"), "product", ["source", "pull"], unique=False)
    op.create_index(op.f("ix_product_variants"), "product", ["variants"], unique=False)
    op.create_table(
        "pull",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "ended", UtcTime(), nullable=True, comment="UTC; empty while it runs, and after a kill"
        ),
        sa.Column(
            "outcome",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="empty (being read), accepted (being stored), whole, unchanged or refused",
        ),
        sa.Column(
            "cursor",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="where the source goes on",
        ),
        sa.Column(
            "state",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="that the source is to remember once the pass is whole",
        ),
        sa.Column(
            "settings",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="digest of the source's settings",
        ),
        sa.Column(
            "announced", sa.BigInteger(), nullable=True, comment="rows that the source said it has"
        ),
        sa.Column(
            "rows",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="products that the source gave",
        ),
        sa.Column(
            "repeated",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="rows with the id of an earlier row of the pass; the last one counts",
        ),
        sa.Column(
            "new",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="of the products: not known before",
        ),
        sa.Column(
            "changed",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="of the products: with other content than before",
        ),
        sa.Column(
            "gone",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="products that the source had and no longer has",
        ),
        sa.Column(
            "rejected",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="rows in quarantine",
        ),
        sa.Column(
            "reasons",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON: for each reason of the quarantine its number and first place",
        ),
        sa.Column(
            "notes",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON list: how it was read, such as the encoding of a file",
        ),
        sa.Column(
            "refusal",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON list: why it was refused",
        ),
        sa.Column(
            "lists_all", sa.Boolean(), nullable=True, comment="whether what it did not give is gone"
        ),
        sa.ForeignKeyConstraint(
            ["source"], ["source.name"], name=op.f("fk_pull_source_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull")),
        comment="one pass over a source; a killed one goes on at its cursor",
    )
    op.create_index(op.f("ix_pull_source"), "pull", ["source"], unique=False)
    op.create_table(
        "attempt",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("link", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "outcome",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="good, unchanged, or the class of the failure",
        ),
        sa.Column(
            "status",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="of HTTP; 0 without an answer",
        ),
        sa.Column("detail", sa.Text(), server_default="", nullable=False, comment="why, in words"),
        sa.Column("seconds", sa.Float(), nullable=False, comment="that it took"),
        sa.Column(
            "bytes",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="of the body that were read",
        ),
        sa.Column(
            "final_url",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="after redirects, where it differs",
        ),
        sa.ForeignKeyConstraint(
            ["link"], ["link.id"], name=op.f("fk_attempt_link_link"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        comment="each try to fetch a picture",
    )
    op.create_index(op.f("ix_attempt_link"), "attempt", ["link"], unique=False)
    op.create_table(
        "history",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("product", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until", UtcTime(), nullable=False, comment="UTC, when this stopped being so"),
        sa.Column(
            "was",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON of the values that changed, as they were",
        ),
        sa.ForeignKeyConstraint(
            ["product"], ["product.id"], name=op.f("fk_history_product_product"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
        comment="what products were before",
    )
    op.create_index(op.f("ix_history_product"), "history", ["product"], unique=False)
    op.create_table(
        "product_link",
        sa.Column("product", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "position", sa.Integer(), nullable=False, comment="from 0, the main picture first"
        ),
        sa.Column("link", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["link"], ["link.id"], name=op.f("fk_product_link_link_link")),
        sa.ForeignKeyConstraint(
            ["product"],
            ["product.id"],
            name=op.f("fk_product_link_product_product"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product", "position", name=op.f("pk_product_link")),
        comment="the pictures of a product, in order",
    )
    op.create_index(op.f("ix_product_link_link"), "product_link", ["link"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("pull", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "place", sa.Text(), server_default="", nullable=False, comment="file:line, id or page"
        ),
        sa.Column(
            "reason", sa.Text(), server_default="", nullable=False, comment="a code, for counting"
        ),
        sa.Column("detail", sa.Text(), server_default="", nullable=False, comment="what is wrong"),
        sa.Column(
            "content",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the row as it came, cut",
        ),
        sa.ForeignKeyConstraint(
            ["pull"], ["pull.id"], name=op.f("fk_quarantine_pull_pull"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        comment="rows and addresses of the last pass that were not taken, the first 10,000",
    )
    op.create_index(op.f("ix_quarantine_pull"), "quarantine", ["pull"], unique=False)
    op.create_table(
        "stage",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("pull", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False, comment="the product's id at its source"),
        sa.Column(
            "digest",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="of everything that the source said",
        ),
        sa.Column(
            "content",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON of the product and its links; empty: as the product is already",
        ),
        sa.Column(
            "times",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="that the pass gave it; 0: in quarantine only",
        ),
        sa.ForeignKeyConstraint(
            ["pull"], ["pull.id"], name=op.f("fk_stage_pull_pull"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
        sa.UniqueConstraint("pull", "source_id", name=op.f("uq_stage_pull_source_id")),
        comment="rows of a pass that has not been accepted yet; nothing else uses them",
    )
    op.create_index(op.f("ix_stage_pull_id"), "stage", ["pull", "id"], unique=False)
