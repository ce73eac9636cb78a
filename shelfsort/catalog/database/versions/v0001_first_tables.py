"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.engine import UtcTime
from shelfsort.core.database.frozen import ID, number, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    _about()
    _image()
    _source()
    _link()
    _pair()
    _product()
    _pull()
    _attempt()
    _history()
    _product_link()
    _quarantine()
    _stage()


def _about() -> None:
    op.create_table(
        "about",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "column_name", name=op.f("pk_about")),
    )


def _image() -> None:
    op.create_table(
        "image",
        sa.Column("digest", sa.Text(), nullable=False),
        text("format"),
        number("width"),
        number("height"),
        number("bytes"),
        text("perceptual_hash"),
        sa.Column("fetched", UtcTime(), nullable=False),
        text("problem"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_image")),
    )
    op.create_index(op.f("ix_image_perceptual_hash"), "image", ["perceptual_hash"], unique=False)


def _source() -> None:
    op.create_table(
        "source",
        sa.Column("name", sa.Text(), nullable=False),
        text("type"),
        text("licence"),
        text("state"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source")),
    )


def _link() -> None:
    op.create_table(
        "link",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        text("host"),
        text("state"),
        number("attempts"),
        sa.Column("checked", UtcTime(), nullable=True),
        sa.Column("due", UtcTime(), nullable=True),
        text("etag"),
        text("last_modified"),
        sa.Column("image", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["image"], ["image.digest"], name=op.f("fk_link_image_image")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("url", name=op.f("uq_link_url")),
    )
    op.create_index(op.f("ix_link_host_id"), "link", ["host", "id"], unique=False)
    op.create_index(op.f("ix_link_image"), "link", ["image"], unique=False)
    op.create_index(op.f("ix_link_state_due"), "link", ["state", "due"], unique=False)


def _pair() -> None:
    op.create_table(
        "pair",
        sa.Column("one", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        number("distance"),
        sa.Column("difference", sa.Float(), nullable=True),
        text("verdict"),
        sa.ForeignKeyConstraint(
            ["one"], ["image.digest"], name=op.f("fk_pair_one_image"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other"], ["image.digest"], name=op.f("fk_pair_other_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("one", "other", name=op.f("pk_pair")),
    )


def _product() -> None:
    op.create_table(
        "product",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        text("source_id"),
        text("title"),
        text("description"),
        sa.Column("price", sa.Float(), nullable=True),
        text("currency"),
        text("categories"),
        text("gtin"),
        text("brand"),
        text("mpn"),
        text("part_of"),
        number("position"),
        text("digest"),
        sa.Column("variants", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_seen", UtcTime(), nullable=False),
        sa.Column("changed", UtcTime(), nullable=False),
        sa.Column("gone", UtcTime(), nullable=True),
        sa.Column("pull", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["source"], ["source.name"], name=op.f("fk_product_source_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_product_source_source_id")),
    )
    op.create_index(op.f("ix_product_source_pull"), "product", ["source", "pull"], unique=False)
    op.create_index(op.f("ix_product_variants"), "product", ["variants"], unique=False)


def _pull() -> None:
    op.create_table(
        "pull",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started", UtcTime(), nullable=False),
        sa.Column("ended", UtcTime(), nullable=True),
        text("outcome"),
        text("cursor"),
        text("state"),
        text("settings"),
        sa.Column("announced", sa.BigInteger(), nullable=True),
        number("rows"),
        number("repeated"),
        number("new"),
        number("changed"),
        number("gone"),
        number("rejected"),
        text("reasons"),
        text("notes"),
        text("refusal"),
        sa.Column("lists_all", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source"], ["source.name"], name=op.f("fk_pull_source_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull")),
    )
    op.create_index(op.f("ix_pull_source"), "pull", ["source"], unique=False)


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("link", ID, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        text("outcome"),
        number("status"),
        text("detail"),
        sa.Column("seconds", sa.Float(), nullable=False),
        number("bytes"),
        text("final_url"),
        sa.ForeignKeyConstraint(
            ["link"], ["link.id"], name=op.f("fk_attempt_link_link"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_link"), "attempt", ["link"], unique=False)


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("product", ID, nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        text("was"),
        sa.ForeignKeyConstraint(
            ["product"], ["product.id"], name=op.f("fk_history_product_product"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index(op.f("ix_history_product"), "history", ["product"], unique=False)


def _product_link() -> None:
    op.create_table(
        "product_link",
        sa.Column("product", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("link", ID, nullable=False),
        sa.ForeignKeyConstraint(["link"], ["link.id"], name=op.f("fk_product_link_link_link")),
        sa.ForeignKeyConstraint(
            ["product"],
            ["product.id"],
            name=op.f("fk_product_link_product_product"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product", "position", name=op.f("pk_product_link")),
    )
    op.create_index(op.f("ix_product_link_link"), "product_link", ["link"], unique=False)


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pull", ID, nullable=False),
        text("place"),
        text("reason"),
        text("detail"),
        text("content"),
        sa.ForeignKeyConstraint(
            ["pull"], ["pull.id"], name=op.f("fk_quarantine_pull_pull"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_pull"), "quarantine", ["pull"], unique=False)


def _stage() -> None:
    op.create_table(
        "stage",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("pull", ID, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        text("digest"),
        text("content"),
        number("times"),
        sa.ForeignKeyConstraint(
            ["pull"], ["pull.id"], name=op.f("fk_stage_pull_pull"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
        sa.UniqueConstraint("pull", "source_id", name=op.f("uq_stage_pull_source_id")),
    )
    op.create_index(op.f("ix_stage_pull_id"), "stage", ["pull", "id"], unique=False)
