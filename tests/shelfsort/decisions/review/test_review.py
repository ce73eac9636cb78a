"""From a batch to people and back: reviews, audits, a broken promise and its end."""

import json
import random
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from shelfsort.cli.decide import batch
from shelfsort.cli.promise import promise
from shelfsort.cli.review.command import review
from shelfsort.core.database.engine import reader
from shelfsort.core.errors import InputError
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.promise.sampling import Sampling, draw_of
from shelfsort.decisions.review.queue.filling import fill
from shelfsort.decisions.review.queue.policy import Policy
from tests.fixtures.decisions import COLUMNS, NODES, RULES
from tests.fixtures.fake_server import TREE

PRODUCTS = 600


class Shop:
    """A table of products that is decided about, and the people who look."""

    def __init__(self, folder, address):
        self.folder, self.address = folder, address
        (folder / "tree.json").write_text(json.dumps(NODES))
        (folder / "rules.yaml").write_text(RULES.replace("category: Kitchen, ", ""))
        leaves = [leaf for leaf, _ in TREE]
        rows = [f"{n},{leaves[n % 3]},{'ab'[n % 5 == 0]},," for n in range(PRODUCTS)]
        (folder / "products.csv").write_text("\n".join((COLUMNS, *rows)) + "\n")

    def call(self, command, *arguments, status=0):
        given = [str(each) for each in arguments]
        done = CliRunner().invoke(command, given)
        if isinstance(done.exception, InputError):
            raise done.exception
        assert done.exit_code == status, done.output
        return done.stdout

    def decide(self, *options):
        places = ("--data", self.folder / "products.csv", "--rules", self.folder / "rules.yaml")
        self.call(batch, *places, "--database", self.database, "--address", self.address, *options)

    @property
    def database(self):
        return self.folder / "d.db"

    def ask(self, kind):
        place = self.folder / f"{kind}.manifest"
        self.call(review, "ask", "--database", self.database, "--output", place, "--kind", kind)
        return [json.loads(line) for line in place.read_text().splitlines()]

    def record(self, lines, answer):
        place = self.folder / "said.manifest"
        metadata = {"type": "groundtruth/custom"}
        labelled = [
            {
                **line,
                "category": {"workers": [{"worker-id": "Ann", "label": answer(line)}]},
                "category-metadata": metadata,
            }
            for line in lines
        ]
        place.write_text("".join(json.dumps(line) + "\n" for line in labelled))
        options = ("--database", self.database, "--rules", self.folder / "rules.yaml", "--json")
        return json.loads(self.call(review, "record", place, *options))

    def check(self, *options, status=0):
        arguments = ("check", "--database", self.database, "--promise", "0.95", *options)
        return self.call(promise, *arguments, status=status)

    def rows(self, query):
        with reader(open_database(str(self.database))) as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]


@pytest.fixture
def shop(tmp_path, fake):
    return Shop(tmp_path, fake.address)


def test_a_number_that_no_decision_can_have_is_counted_and_stores_nothing(shop):
    open_database(str(shop.database))
    lines = [{"id": "1", "title": "Mug", "decision": each} for each in (10**30, 2**63, -1, 0, True)]
    found = shop.record(lines, lambda line: "Kitchen > Mugs")
    assert found["left_out"] == {"no_decision": 5}


def test_a_review_decides_by_the_rules_and_is_stored_once(shop):
    shop.decide()
    waiting = shop.ask("review")
    assert len(waiting) == PRODUCTS // 5
    assert all(line["selected-by"] == "review" and "title" in line for line in waiting)
    assert {line["selection-probability"] for line in waiting} == {1.0}
    assert "mugs" not in json.dumps(waiting[0]).replace(waiting[0]["title"], "")
    fill(open_database(str(shop.database)), Policy(), datetime.now(timezone.utc))
    found = shop.record(waiting[:10], lambda _: "bowls")
    assert (found["new"], found["known"]) == (10, 0)
    open_tasks = "select count(*) from task where closed is null"
    assert shop.rows(open_tasks) == [(PRODUCTS // 5 - 10,)]
    assert shop.record(waiting[:10], lambda _: "bowls")["known"] == 10
    assert len(shop.ask("review")) == PRODUCTS // 5 - 10
    ids = [line["id"] for line in waiting[:10]]
    rows = dict(shop.rows("select product, category from latest_decision"))
    assert {rows[id_] for id_ in ids} == {"bowls"}


def test_the_sample_is_the_same_however_often_and_in_whatever_order(shop):
    shop.decide("--audit-rate", "0.2", "--audit-rate", "lamps=1")
    drawn = {
        row
        for (row,) in shop.rows(
            "select product from prediction p join decision d on "
            "d.prediction = p.id join audit a on a.decision = d.id"
        )
    }
    assert shop.rows("select audit_rate from run") == [(0.2,)]
    automatic = [n for n in range(PRODUCTS) if n % 5]
    lamps = {str(n) for n in automatic if n % 3 == 2}
    others = {str(n) for n in automatic if n % 3 != 2 and draw_of(str(n)) < 0.2}
    assert drawn == lamps | others
    assert 0.1 < len(others) / (len(automatic) - len(lamps)) < 0.3
    shop.decide("--audit-rate", "1")
    assert shop.rows("select count(*) from audit") == [(len(drawn),)]
    lines = shop.ask("audit")
    assert {line["selection-probability"] for line in lines} == {0.2, 1.0}


def test_before_the_first_answer_the_promise_is_checked_without_a_failure_if_asked(shop):
    shop.decide("--audit-rate", "0.2")
    with pytest.raises(InputError, match="no audits"):
        shop.check()
    assert shop.check("--if-any") == ""


def test_draws_are_even_and_do_not_depend_on_the_rate():
    draws = [draw_of(f"product {n}") for n in range(4_000)]
    assert 0.18 < sum(draw < 0.2 for draw in draws) / 4_000 < 0.22
    chosen = [
        {n for n in range(100) if Sampling(rate).drawn(str(n), "mugs", "publish")["rate"]}
        for rate in (0.1, 0.5)
    ]
    assert chosen[0] <= chosen[1]


@pytest.mark.slow
def test_a_broken_promise_backs_off_until_somebody_lifts_it(shop):
    shop.decide("--audit-rate", "1")
    chance = random.Random(1)
    lines = shop.ask("audit")

    def answer(line):
        right = line["title"] != "lamps" or chance.random() < 0.5
        return line["title"] if right else "bowls"

    shop.record(lines, answer)
    found = json.loads(shop.check("--json", "--back-off", status=1))
    assert found["broken_categories"] == ["lamps"] and found["overall"]["audits"] == len(lines)
    assert shop.rows("select category from active_backoff") == [("lamps",)]
    (shop.folder / "rules.yaml").write_text((shop.folder / "rules.yaml").read_text() + "\n")
    shop.decide("--audit-rate", "1")
    decided = shop.rows("select category, outcome, count(*) from latest_decision group by 1, 2")
    assert {category for category, outcome, _ in decided if outcome == "publish"} == {
        "mugs",
        "bowls",
    }
    lift = ("lift", "--database", shop.database, "--category", "lamps", "--by", "Ann")
    lift = (*lift, "--reason", "labels corrected")
    with pytest.raises(InputError, match=r"Nothing was lifted\. Active: lamps\.$"):
        shop.call(promise, *(each if each != "lamps" else "Lamps" for each in lift))
    shop.call(promise, *lift)
    assert shop.rows("select count(*) from active_backoff") == [(0,)]
    assert shop.rows("select who, what from event") == [("Ann", "lift")]
    with pytest.raises(InputError, match="no back-off is active"):
        shop.call(promise, *lift)
    again = json.loads(shop.check("--json"))
    assert set(again["categories"]) == {"mugs", "bowls"} and not again["broken"]


def test_people_who_disagree_decide_nothing(shop):
    shop.decide("--audit-rate", "1")
    lines = shop.ask("audit")
    shop.record(lines[:40], lambda line: line["title"])
    said = shop.record(lines[:1], lambda _: "bowls" if lines[0]["title"] != "bowls" else "mugs")
    assert said["new"] == 1
    found = json.loads(shop.check("--json"))
    assert found["overall"]["audits"] == 39


def test_answers_about_nothing_known_are_counted(shop):
    shop.decide()
    line = shop.ask("review")[0]
    strange = [{**line, "decision": 999_999}, {**line, "decision": "1"}, {"title": "x"}]
    found = shop.record(strange, lambda _: "mugs")
    assert found["left_out"] == {"unknown_decision": 1, "no_decision": 2}
    assert shop.record([line], lambda _: "gloves")["left_out"] == {"no_category": 1}
