"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shelfsort.core.database.engine import UtcTime

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
    op.create_table(
        "about",
        sa.Column("table_name", sa.Text(), nullable=False, comment="of this database"),
        sa.Column("column_name", sa.Text(), nullable=False, comment="empty for the table itself"),
        sa.Column("meaning", sa.Text(), nullable=False, comment="for people"),
        sa.PrimaryKeyConstraint("table_name", "column_name", name=op.f("pk_about")),
        comment="what each table and column means",
    )
    op.create_table(
        "backoff",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "category",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="id of the category that goes to people; empty: all",
        ),
        sa.Column("since", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "cause", sa.Text(), server_default="", nullable=False, comment="what the audits said"
        ),
        sa.Column("lifted", UtcTime(), nullable=True, comment="UTC; empty while it holds"),
        sa.Column(
            "lifted_by",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="name of the person who lifted it",
        ),
        sa.Column(
            "lift_reason", sa.Text(), server_default="", nullable=False, comment="of that person"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backoff")),
        comment="categories whose promise was broken",
    )
    op.create_table(
        "event",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "who",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="name of the person or command",
        ),
        sa.Column(
            "what",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="such as lift, delete or appeal",
        ),
        sa.Column("detail", sa.Text(), server_default="", nullable=False, comment="JSON"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        comment="what was done to the database by people: the audit log",
    )
    op.create_table(
        "rules",
        sa.Column("digest", sa.Text(), nullable=False, comment="of the rules and their tree"),
        sa.Column("stored", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "content",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the file of the rules, as it was",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_rules")),
        comment="every version of the rules that has decided",
    )
    op.create_table(
        "run",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("started", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "ended", UtcTime(), nullable=True, comment="UTC; empty while it runs, and after a kill"
        ),
        sa.Column(
            "data",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="what was decided about: place of the table or manifest",
        ),
        sa.Column(
            "model", sa.Text(), server_default="", nullable=False, comment="version that answered"
        ),
        sa.Column(
            "rules", sa.Text(), server_default="", nullable=False, comment="digest of the rules"
        ),
        sa.Column(
            "summary",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON: counts of outcomes, rejects and failures",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        comment="one call of shelfsort batch",
    )
    op.create_table(
        "dead_letter",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product", sa.Text(), nullable=False, comment="id of the product"),
        sa.Column("input", sa.Text(), nullable=False, comment="digest of what was asked about"),
        sa.Column("at", UtcTime(), nullable=False, comment="UTC"),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="before it was given up",
        ),
        sa.Column(
            "error", sa.Text(), server_default="", nullable=False, comment="of the last attempt"
        ),
        sa.ForeignKeyConstraint(
            ["run"], ["run.id"], name=op.f("fk_dead_letter_run_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint(
            "run", "product", "input", name=op.f("uq_dead_letter_run_product_input")
        ),
        comment="products that no attempt got an answer for",
    )
    op.create_table(
        "prediction",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("product", sa.Text(), nullable=False, comment="id of the product"),
        sa.Column(
            "input", sa.Text(), nullable=False, comment="digest of words, price, image and fields"
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="version that answered"),
        sa.Column("at", UtcTime(), nullable=False, comment="UTC"),
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "category",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="id of the most probable leaf",
        ),
        sa.Column(
            "score", sa.Float(), nullable=False, comment="its calibrated probability, 0 to 1"
        ),
        sa.Column(
            "accepted",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="strictest target at which the model vouches for it; no: none",
        ),
        sa.Column(
            "answer",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="id of the deepest category that the model vouches for",
        ),
        sa.Column(
            "top",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON list of [category, score], the most probable first",
        ),
        sa.Column(
            "unknown",
            sa.Float(),
            nullable=True,
            comment="how little it resembles the training products, 0 to 1",
        ),
        sa.Column(
            "fields",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON: values of the fields that rules ask about",
        ),
        sa.Column(
            "shown",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="JSON: title, description, price and image reference, for reviewers",
        ),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_prediction_run_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction")),
        sa.UniqueConstraint(
            "product", "input", "model", name=op.f("uq_prediction_product_input_model")
        ),
        comment="a model's answer about a product as it was",
    )
    op.create_index(op.f("ix_prediction_at"), "prediction", ["at"], unique=False)
    op.create_table(
        "reject",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False, comment="file:line"),
        sa.Column(
            "reason", sa.Text(), server_default="", nullable=False, comment="a code, for counting"
        ),
        sa.Column("detail", sa.Text(), server_default="", nullable=False, comment="what is wrong"),
        sa.ForeignKeyConstraint(
            ["run"], ["run.id"], name=op.f("fk_reject_run_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reject")),
        sa.UniqueConstraint("run", "place", "reason", name=op.f("uq_reject_run_place_reason")),
        comment="lines that could not be read",
    )
    op.create_table(
        "decision",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "prediction", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False, comment="UTC"),
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="such as publish, grant or review"),
        sa.Column(
            "reason", sa.Text(), server_default="", nullable=False, comment="for the customer"
        ),
        sa.Column(
            "rule",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="that decided; default: none matched",
        ),
        sa.Column(
            "held_back",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="why a person decides instead, such as the id of a back-off; mostly empty",
        ),
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
        comment="what the rules made of an answer",
    )
    op.create_index(op.f("ix_decision_at"), "decision", ["at"], unique=False)
    op.create_index(op.f("ix_decision_outcome_at"), "decision", ["outcome", "at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("decision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("drawn", UtcTime(), nullable=False, comment="UTC"),
        sa.Column("rate", sa.Float(), nullable=False, comment="chance with which it was drawn"),
        sa.Column(
            "draw",
            sa.Float(),
            nullable=False,
            comment="number from 0 to 1 that the product's id gives",
        ),
        sa.ForeignKeyConstraint(
            ["decision"],
            ["decision.id"],
            name=op.f("fk_audit_decision_decision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_audit")),
        comment="the random sample of decisions made without a person that people look at",
    )
    op.create_table(
        "lease",
        sa.Column("decision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False, comment="name of the person"),
        sa.Column("kind", sa.Text(), server_default="", nullable=False, comment="as in review"),
        sa.Column("until", UtcTime(), nullable=False, comment="UTC, when it goes to somebody else"),
        sa.ForeignKeyConstraint(
            ["decision"],
            ["decision.id"],
            name=op.f("fk_lease_decision_decision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("decision", "reviewer", name=op.f("pk_lease")),
        comment="decisions that somebody looks at just now",
    )
    op.create_table(
        "review",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("decision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcTime(), nullable=False, comment="UTC"),
        sa.Column("reviewer", sa.Text(), nullable=False, comment="name of the person"),
        sa.Column(
            "kind",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="review, second, audit, gold or appeal",
        ),
        sa.Column(
            "category",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="that the person chose; empty: cannot tell",
        ),
        sa.Column(
            "outcome",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="that the person decided on",
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False, comment="of the person"),
        sa.Column(
            "undoes",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="id of the review that this one takes back",
        ),
        sa.ForeignKeyConstraint(
            ["decision"],
            ["decision.id"],
            name=op.f("fk_review_decision_decision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        comment="what people decided",
    )
    op.create_index(op.f("ix_review_decision"), "review", ["decision"], unique=False)
    op.create_index(op.f("ix_review_reviewer_at"), "review", ["reviewer", "at"], unique=False)

    for view in _VIEWS:
        op.execute(view)
