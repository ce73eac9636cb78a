"""A results database with decisions that wait for people, and a clock that tests turn."""

import json
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.database.partitions import make_days
from shelfsort.decisions.promise.sampling import draw_of
from shelfsort.decisions.review.queue.answering import Opinion
from shelfsort.decisions.review.queue.policy import Person, Policy
from shelfsort.decisions.review.queue.service import ReviewQueue, with_outcome
from shelfsort.decisions.rules.reading import load_rules

START = datetime(2026, 11, 2, 8, tzinfo=timezone.utc)
NODES = [
    {"id": "all", "name": "All", "subcategories": ["package", "product", "person"]},
    {"id": "person", "name": "Person", "parent": "all", "subcategories": ["full", "half"]},
    {"id": "package", "name": "Package", "parent": "all"},
    {"id": "product", "name": "Product", "parent": "all"},
    {"id": "full", "name": "Full length", "parent": "person"},
    {"id": "half", "name": "Half length", "parent": "person"},
]
RULES = """
taxonomy: tree.json
rules:
  - name: only the package
    when: {category: package, accepted: 98}
    then: {outcome: refuse, reason: The photo shows the package.}
  - name: the product
    when: {category: [product, full], accepted: 98}
    then: {outcome: grant, reason: Thank you.}
default: {outcome: review}
"""
ANN, BOB, CLEO = Person("Ann"), Person("Bob"), Person("Cleo")
LEAD = Person("Lea", leads=True)


class Shop:
    """Decisions, and the queue over them."""

    def __init__(self, place, folder):
        self.place, self.engine = place, open_database(place)
        (folder / "tree.json").write_text(json.dumps(NODES))
        (folder / "rules.yaml").write_text(RULES)
        self.rules = load_rules(str(folder / "rules.yaml"))
        self.now = START
        with self.engine.begin() as connection:
            make_days(connection, START, 3)
            if connection.execute(sa.select(tables.run.c.id)).first() is None:
                connection.execute(sa.insert(tables.run), {"started": START, "audit_rate": 0.0})
                connection.execute(sa.insert(tables.rules), {"digest": "r", "stored": START})

    def decided(self, *products, score=0.5, outcome="review", rate=None, price=None, model="1"):
        """Adds decisions made now; returns their ids."""
        ids = []
        with self.engine.begin() as connection:
            for product in products:
                answer = {
                    "product": product,
                    "input": product,
                    "model": model,
                    "at": self.now,
                    "run": 1,
                    "category": "package",
                    "score": score,
                }
                prediction = self.insert(connection, tables.prediction, answer)
                detail = {
                    "top": json.dumps([["package", score], ["product", 1 - score]]),
                    "fields": "{}",
                    "shown": json.dumps({"title": product, "price": price}),
                }
                key = {"prediction": prediction, "at": self.now}
                connection.execute(sa.insert(tables.prediction_detail), {**key, **detail})
                made = {"rules": "r", "at": self.now, "run": 1, "outcome": outcome}
                ids.append(
                    self.insert(connection, tables.decision, {**made, "prediction": prediction})
                )
                if rate is not None:
                    row = {"decision": ids[-1], "drawn": self.now, "rate": rate}
                    connection.execute(sa.insert(tables.audit), {**row, "draw": draw_of(product)})
        return ids

    @staticmethod
    def insert(connection, table, row):
        return connection.execute(sa.insert(table), row).inserted_primary_key[0]

    def queue(self, gold=None, **policy):
        given = {"gold_share": 0.0, **policy}
        return ReviewQueue(self.engine, self.rules, Policy(**given), gold, lambda: self.now)

    def later(self, **time):
        self.now += timedelta(**time)

    def rows(self, query):
        with reader(self.engine) as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]


def says(queue, person, held, category, outcome=None):
    """Answers as the page does; returns what became of it."""
    follows = queue.follows(held.id, category) if category else ("", "")
    if outcome is not None:
        follows = (outcome, follows[1])
    return queue.answer(person, held.id, with_outcome(Opinion(category), *follows))


@pytest.fixture
def shop(tmp_path):
    """On SQLite."""
    made = Shop(str(tmp_path / "d.db"), tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def each_shop(request, tmp_path):
    """On SQLite, and on PostgreSQL."""
    postgresql = request.param == "postgresql"
    place = request.getfixturevalue("postgresql") if postgresql else str(tmp_path / "d.db")
    made = Shop(place, tmp_path)
    yield made
    made.engine.dispose()
