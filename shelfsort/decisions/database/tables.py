"""The tables of the results database. Rows are added; only runs, back-offs and tasks change.

What a shop's service reads are the views `latest_decision` and `active_backoffs`, which the
migrations make. The latter is called `active_backoff`, too.
"""

import sqlalchemy as sa

from shelfsort.core.database.columns import ID, NAMING, about_table, moment, number, text
from shelfsort.core.database.engine import UtcTime

metadata = sa.MetaData(naming_convention=NAMING)

about = about_table(metadata)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    moment("started", "UTC", nullable=False),
    moment("ended", "UTC; empty while it runs, and after a kill"),
    text("data", "what was decided about: place of the table or manifest"),
    text("model", "version that answered"),
    text("rules", "digest of the rules"),
    text("summary", "JSON: counts of outcomes, rejects and failures"),
    sa.Column(
        "audit_rate",
        sa.Float,
        comment="least rate of audits of any category: a random sample of all products",
    ),
    comment="one call of shelfsort batch",
)

rules = sa.Table(
    "rules",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True, comment="of the rules and their tree"),
    moment("stored", "UTC", nullable=False),
    text("content", "the file of the rules, as it was"),
    comment="every version of the rules that has decided",
)

prediction = sa.Table(
    "prediction",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("product", sa.Text, nullable=False, comment="id of the product"),
    sa.Column("input", sa.Text, nullable=False, comment="digest of words, price, image and fields"),
    sa.Column("model", sa.Text, nullable=False, comment="version that answered"),
    moment("at", "UTC", nullable=False),
    sa.Column("run", sa.ForeignKey("run.id"), nullable=False),
    text("category", "id of the most probable leaf"),
    sa.Column("score", sa.Float, nullable=False, comment="its calibrated probability, 0 to 1"),
    text("accepted", "strictest target at which the model vouches for it; no: none"),
    text("answer", "id of the deepest category that the model vouches for"),
    sa.Column("unknown", sa.Float, comment="how little it resembles the training products, 0 to 1"),
    sa.UniqueConstraint("product", "input", "model"),
    sa.Index(None, "at"),
    # What the key of the details points to.
    sa.Index(None, "id", "at", unique=True),
    comment="a model's answer about a product as it was",
)

prediction_detail = sa.Table(
    "prediction_detail",
    metadata,
    sa.Column("prediction", ID, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, primary_key=True, comment="UTC, of the prediction"),
    text("top", "JSON list of [category, score], the most probable first"),
    text("fields", "JSON: values of the fields that rules ask about"),
    text("shown", "JSON: title, description, price and image reference, for reviewers"),
    sa.ForeignKeyConstraint(
        ["prediction", "at"],
        ["prediction.id", "prediction.at"],
        ondelete="CASCADE",
        name="fk_prediction_detail_prediction_at_prediction",
    ),
    comment="the bulk of a prediction; PostgreSQL keeps each day in a partition of its own",
    postgresql_partition_by="RANGE (at)",
)

HAS_DETAIL = sa.and_(
    prediction_detail.c.prediction == prediction.c.id, prediction_detail.c.at == prediction.c.at
)
"""Joins a prediction with its detail. `at` is needed: it names the partition."""

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("prediction", sa.ForeignKey("prediction.id", ondelete="CASCADE"), nullable=False),
    sa.Column("rules", sa.ForeignKey("rules.digest"), nullable=False),
    moment("at", "UTC", nullable=False),
    sa.Column("run", sa.ForeignKey("run.id"), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False, comment="such as publish, grant or review"),
    text("reason", "for the customer"),
    text("rule", "that decided; default: none matched"),
    text("held_back", "why a person decides instead, such as the id of a back-off; mostly empty"),
    sa.UniqueConstraint("prediction", "rules"),
    sa.Index(None, "at"),
    sa.Index(None, "outcome", "at"),
    comment="what the rules made of an answer",
)

dead_letter = sa.Table(
    "dead_letter",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("run", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    sa.Column("product", sa.Text, nullable=False, comment="id of the product"),
    sa.Column("input", sa.Text, nullable=False, comment="digest of what was asked about"),
    moment("at", "UTC", nullable=False),
    number("attempts", "before it was given up"),
    text("error", "of the last attempt"),
    sa.UniqueConstraint("run", "product", "input"),
    comment="products that no attempt got an answer for",
)

reject = sa.Table(
    "reject",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("run", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    text("place", "file:line"),
    text("reason", "a code, for counting"),
    text("detail", "what is wrong"),
    sa.UniqueConstraint("run", "place", "reason"),
    comment="lines that could not be read",
)

review = sa.Table(
    "review",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("decision", sa.ForeignKey("decision.id", ondelete="CASCADE"), nullable=False),
    moment("at", "UTC", nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False, comment="name of the person"),
    text("kind", "review, second, dispute, audit, gold or appeal"),
    text("category", "that the person chose; empty: cannot tell"),
    text("outcome", "that the person decided on"),
    text("reason", "for the customer"),
    sa.Column("undoes", ID, comment="id of the review that this one takes back"),
    sa.Column("task", ID, comment="id of the task that it answers; empty for imported answers"),
    text("proposed", "outcome that somebody else has to confirm"),
    number("assisted", "1: the person saw what the model said"),
    sa.Column("seconds", sa.Float, comment="that the person took"),
    text("note", "of the person, for colleagues"),
    sa.Index(None, "decision"),
    sa.Index(None, "reviewer", "at"),
    comment="what people decided",
)

task = sa.Table(
    "task",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("decision", sa.ForeignKey("decision.id", ondelete="CASCADE"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False, comment="as in review, or dispute"),
    text("part", "tells tasks of one kind about one decision apart"),
    moment("since", "UTC, when it began to wait", nullable=False),
    moment("due", "UTC; the first due is the first handed out", nullable=False),
    sa.Column("value", sa.Float, nullable=False, comment="expected value of an answer, 0 to 1"),
    sa.Column("sample", sa.Float, comment="rate of the random sample of all products it is in"),
    number("blind", "1: what the model said is not shown"),
    text("note", "what the customer says in an appeal"),
    sa.Column("cause", ID, comment="id of the review that made it necessary"),
    text("holder", "name of the person who has it, or had it last"),
    moment("until", "UTC, when the person's lease ends"),
    moment("closed", "UTC; empty while it waits for an answer"),
    sa.UniqueConstraint("decision", "kind", "part"),
    sa.Index(
        "ix_task_open",
        "due",
        "id",
        sqlite_where=sa.text("closed IS NULL"),
        postgresql_where=sa.text("closed IS NULL"),
    ),
    sa.Index(None, "holder", "closed"),
    comment="what waits for people, and who looks at it just now",
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("decision", sa.ForeignKey("decision.id", ondelete="CASCADE"), primary_key=True),
    moment("drawn", "UTC", nullable=False),
    sa.Column("rate", sa.Float, nullable=False, comment="chance with which it was drawn"),
    sa.Column(
        "draw", sa.Float, nullable=False, comment="number from 0 to 1 that the product's id gives"
    ),
    comment="the random sample of decisions made without a person that people look at",
)

audit_total = sa.Table(
    "audit_total",
    metadata,
    sa.Column("kept", UtcTime, primary_key=True, comment="UTC, when the decisions were deleted"),
    sa.Column("day", sa.Text, primary_key=True, comment="of the decisions, such as 2026-11-27"),
    sa.Column("category", sa.Text, primary_key=True, comment="id of the leaf that was named"),
    sa.Column("rate", sa.Float, primary_key=True, comment="chance with which they were drawn"),
    sa.Column("least", sa.Float, primary_key=True, comment="least rate that would have drawn them"),
    number("right", "audits by which the model was right"),
    number("wrong", "audits by which it was not"),
    comment="what audits said whose decisions were deleted: evidence about the promise",
)

backoff = sa.Table(
    "backoff",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    text("category", "id of the category that goes to people; empty: all"),
    moment("since", "UTC", nullable=False),
    text("cause", "what the audits said"),
    moment("lifted", "UTC; empty while it holds"),
    text("lifted_by", "name of the person who lifted it"),
    text("lift_reason", "of that person"),
    comment="categories whose promise was broken",
)

day_count = sa.Table(
    "day_count",
    metadata,
    sa.Column("day", sa.Text, primary_key=True, comment="in UTC, such as 2026-11-27"),
    sa.Column("model", sa.Text, primary_key=True, comment="version that answered"),
    sa.Column("category", sa.Text, primary_key=True, comment="id of the leaf that it named"),
    number("answers", "of that day"),
    text("scores", "JSON list: how many of them reach each score of monitoring.counts"),
    comment="answers of days that are over, which drift is judged by; kept when products go",
)

shadow = sa.Table(
    "shadow",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("candidate", sa.Text, nullable=False, comment="name of who decided beside the live"),
    sa.Column(
        "decision",
        sa.ForeignKey("decision.id", ondelete="CASCADE"),
        nullable=False,
        comment="the live decision about the same product",
    ),
    moment("at", "UTC", nullable=False),
    text("model", "version of the candidate; that of the live one where only rules differ"),
    text("rules", "digest of the candidate's rules"),
    text("category", "id of the most probable leaf"),
    sa.Column("score", sa.Float, nullable=False, comment="its calibrated probability, 0 to 1"),
    text("accepted", "strictest target at which the candidate vouches for it; no: none"),
    sa.Column("outcome", sa.Text, nullable=False, comment="that would have been; never acted on"),
    text("rule", "that decided; default: none matched"),
    text("gold", "id of the true category, where the data gives it"),
    sa.UniqueConstraint("candidate", "decision"),
    sa.Index(None, "decision"),
    comment="what a candidate would have decided",
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    moment("at", "UTC", nullable=False),
    text("who", "name of the person or command"),
    text("what", "such as lift, delete or appeal"),
    text("detail", "JSON"),
    comment="what was done to the database by people: the audit log",
)
