"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.engine import UtcTime
from shelfsort.core.database.frozen import ID, number, text

revision = "0001"
down_revision = None

_VIEWS = (
    """CREATE VIEW latest_decision AS
        SELECT product, decision_id, at, outcome, reason, category, score, accepted, model, rules
        FROM (
            SELECT prediction.product AS product, decision.id AS decision_id, decision.at AS at,
                   coalesce(review.outcome, decision.outcome) AS outcome,
                   coalesce(review.reason, decision.reason) AS reason,
                   coalesce(review.category, prediction.category) AS category,
                   prediction.score AS score, prediction.accepted AS accepted,
                   prediction.model AS model, decision.rules AS rules,
                   row_number() OVER (
                       PARTITION BY prediction.product ORDER BY decision.id DESC, review.id DESC
                   ) AS place
            FROM decision
            JOIN prediction ON prediction.id = decision.prediction
            LEFT JOIN review ON review.decision = decision.id AND review.outcome <> ''
                AND review.undoes IS NULL
                AND NOT EXISTS (SELECT 1 FROM review AS later WHERE later.undoes = review.id)
        ) AS ranked
        WHERE place = 1
    """,
    """CREATE VIEW active_backoff AS
        SELECT id, category, since, cause FROM backoff WHERE lifted IS NULL
    """,
)


def upgrade() -> None:
    _about()
    _backoff()
    _event()
    _rules()
    _run()
    _dead_letter()
    _prediction()
    _reject()
    _decision()
    _audit()
    _lease()
    _review()
    for view in _VIEWS:
        op.execute(view)


def _about() -> None:
    op.create_table(
        "about",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "column_name", name=op.f("pk_about")),
    )


def _backoff() -> None:
    op.create_table(
        "backoff",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        text("category"),
        sa.Column("since", UtcTime(), nullable=False),
        text("cause"),
        sa.Column("lifted", UtcTime(), nullable=True),
        text("lifted_by"),
        text("lift_reason"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backoff")),
    )


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        text("who"),
        text("what"),
        text("detail"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )


def _rules() -> None:
    op.create_table(
        "rules",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("stored", UtcTime(), nullable=False),
        text("content"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_rules")),
    )


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("started", UtcTime(), nullable=False),
        sa.Column("ended", UtcTime(), nullable=True),
        text("data"),
        text("model"),
        text("rules"),
        text("summary"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )


def _dead_letter() -> None:
    op.create_table(
        "dead_letter",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        number("attempts"),
        text("error"),
        sa.ForeignKeyConstraint(
            ["run"], ["run.id"], name=op.f("fk_dead_letter_run_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint(
            "run", "product", "input", name=op.f("uq_dead_letter_run_product_input")
        ),
    )


def _prediction() -> None:
    op.create_table(
        "prediction",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("run", ID, nullable=False),
        text("category"),
        sa.Column("score", sa.Float(), nullable=False),
        text("accepted"),
        text("answer"),
        text("top"),
        sa.Column("unknown", sa.Float(), nullable=True),
        text("fields"),
        text("shown"),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_prediction_run_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction")),
        sa.UniqueConstraint(
            "product", "input", "model", name=op.f("uq_prediction_product_input_model")
        ),
    )
    op.create_index(op.f("ix_prediction_at"), "prediction", ["at"], unique=False)


def _reject() -> None:
    op.create_table(
        "reject",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run", ID, nullable=False),
        text("place"),
        text("reason"),
        text("detail"),
        sa.ForeignKeyConstraint(
            ["run"], ["run.id"], name=op.f("fk_reject_run_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reject")),
        sa.UniqueConstraint("run", "place", "reason", name=op.f("uq_reject_run_place_reason")),
    )


def _decision() -> None:
    op.create_table(
        "decision",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("prediction", ID, nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        text("reason"),
        text("rule"),
        text("held_back"),
        sa.ForeignKeyConstraint(
            ["prediction"],
            ["prediction.id"],
            name=op.f("fk_decision_prediction_prediction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["rules"], ["rules.digest"], name=op.f("fk_decision_rules_rules")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_decision_run_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("prediction", "rules", name=op.f("uq_decision_prediction_rules")),
    )
    op.create_index(op.f("ix_decision_at"), "decision", ["at"], unique=False)
    op.create_index(op.f("ix_decision_outcome_at"), "decision", ["outcome", "at"], unique=False)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("decision", ID, nullable=False),
        sa.Column("drawn", UtcTime(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("draw", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision"],
            ["decision.id"],
            name=op.f("fk_audit_decision_decision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_audit")),
    )


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("decision", ID, nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        text("kind"),
        sa.Column("until", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision"],
            ["decision.id"],
            name=op.f("fk_lease_decision_decision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("decision", "reviewer", name=op.f("pk_lease")),
    )


def _review() -> None:
    op.create_table(
        "review",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("decision", ID, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        text("kind"),
        text("category"),
        text("outcome"),
        text("reason"),
        sa.Column("undoes", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["decision"],
            ["decision.id"],
            name=op.f("fk_review_decision_decision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_index(op.f("ix_review_decision"), "review", ["decision"], unique=False)
    op.create_index(op.f("ix_review_reviewer_at"), "review", ["reviewer", "at"], unique=False)
