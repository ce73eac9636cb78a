"""A candidate beside the live model: it changes nothing, and is compared product by product."""

import json
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from shelfsort.cli.shadow import shadow
from shelfsort.client import Classifier
from shelfsort.core.database.engine import reader
from shelfsort.core.errors import InputError
from shelfsort.decisions.batch.scoring import Job, decide_file
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.decisions.shadow.comparing import comparisons
from shelfsort.decisions.shadow.deciding import Candidate, decide_beside, decide_from_stored
from shelfsort.products.images.source import ImageSources
from shelfsort.products.tables.rows import Reading
from tests.fixtures.fake_server import answer_by_title, put

NODES = [
    {"id": "all", "name": "All", "subcategories": ["mugs", "bowls", "lamps"]},
    *(
        {"id": each, "name": each, "subcategories": [], "parent": "all"}
        for each in ("mugs", "bowls", "lamps")
    ),
]
RULES = """
taxonomy: tree.json
fields: {shop: [a, b]}
rules:
  - name: sure
    when: {accepted: 95, fields: {shop: a}}
    then: {outcome: publish}
default: {outcome: review}
"""
OTHER = """
taxonomy: tree.json
rules:
  - name: sure
    when: {accepted: 95}
    then: {outcome: publish}
default: {outcome: review}
"""
ROWS = ("1,mugs,a,mugs", "2,mugs,a,bowls", "3,lamps,b,", "4,thing,a,", "5,bowls,a,bowls")


def turned(request):
    """Another version, which calls every mug a bowl."""
    response = answer_by_title(request)
    response.model_spec.version.value = 9
    titles = [title.decode() for title in request.inputs["title"].string_val]
    del response.outputs["category"].string_val[:]
    named = ["bowls" if each in ("mugs", "bowls") else "lamps" for each in titles]
    response.outputs["category"].tensor_shape.ClearField("dim")
    put(response, "category", [each.encode() for each in named], [len(titles)])
    return response


class Shop:
    """Live decisions about a table, and a candidate's server."""

    def __init__(self, folder, database, start_server):
        self.folder, self.place, self.engine = folder, database, open_database(database)
        (folder / "tree.json").write_text(json.dumps(NODES))
        self.data = folder / "products.csv"
        self.data.write_text("\n".join(("id,title,shop,gold", *ROWS)) + "\n")
        self.live, self.other = start_server(), start_server()
        self.other.respond = turned

    def rules(self, text):
        path = self.folder / f"{len(text)}.yaml"
        path.write_text(text)
        return load_rules(str(path))

    def decide(self):
        rules = self.rules(RULES)
        data, how = str(self.data), Reading(also=("shop",))
        job = Job(data, [data], how, rules, ImageSources(), 0.0)
        with Classifier(self.live.address) as classifier:
            return decide_file(job, classifier.ask, self.engine, lambda _: None)

    def beside(self, text=RULES, now=None, **more):
        with Classifier(self.other.address) as classifier:
            who = Candidate(self.rules(text), classifier.ask, **more)
            data = [str(self.data)]
            return decide_beside(self.engine, who, data, Reading(), ImageSources(), now)

    def rows(self, query):
        with reader(self.engine) as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request, tmp_path, start_server):
    place = str(tmp_path / "decisions.db")
    if request.param == "postgresql":
        place = request.getfixturevalue("postgresql")
    return Shop(tmp_path, place, start_server)


def test_a_candidate_decides_once_and_nobody_acts_on_it(shop):
    shop.decide()
    views = ("select * from latest_decision order by product", "select * from audit")
    before = [shop.rows(view) for view in views]
    found = shop.beside()
    assert (found.new, found.unmatched, found.failures) == (5, 0, 0)
    assert found.candidate.startswith("model 9, rules ")
    asked = len(shop.other.requests)
    again = shop.beside()
    assert (again.new, again.candidate) == (0, found.candidate)
    # Only to learn which version answers.
    assert len(shop.other.requests) == asked + 1
    assert [shop.rows(view) for view in views] == before
    assert shop.rows("select distinct model from latest_decision") == [("3",)]


def test_it_is_compared_product_by_product_and_by_who_was_right(shop):
    shop.decide()
    shop.beside()
    said = {"at": datetime.now(timezone.utc), "reviewer": "Ann", "kind": "audit"}
    ids = dict(
        shop.rows("select p.product, d.id from decision d join prediction p on p.id = d.prediction")
    )
    with shop.engine.begin() as connection:
        answers = [("4", "lamps", "review"), ("3", "lamps", "audit"), ("3", "bowls", "audit")]
        for product, category, kind in answers:
            row = {**said, "decision": ids[product], "category": category, "kind": kind}
            connection.execute(sa.insert(tables.review), row)
    (found,) = comparisons(shop.engine)
    assert (found.n, found.moved, found.changed) == (5, 3, 0)
    assert found.categories["mugs"].moves == {"bowls": 2, "lamps": 1}
    assert (found.categories["mugs"].only_live, found.categories["mugs"].only_candidate) == (1, 2)
    assert found.outcomes == {("publish", "publish"): 3, ("review", "review"): 2}
    gold, review = found.right["gold"], found.right["review"]
    assert (gold.n, gold.live, gold.candidate) == (3, 2, 2)
    assert (gold.only_live, gold.only_candidate, gold.p) == (1, 1, 1.0)
    assert gold.interval[0] == pytest.approx(-gold.interval[1])
    assert (review.n, review.live, review.candidate) == (1, 0, 1)
    # Two people disagree on the other one.
    assert "audit" not in found.right


def test_other_rules_decide_from_the_stored_answers_without_a_model(shop):
    shop.decide()
    asked = len(shop.live.requests)
    who = Candidate(shop.rules(OTHER), name="rules of June")
    assert decide_from_stored(shop.engine, who).new == 5
    assert decide_from_stored(shop.engine, who).new == 0
    assert len(shop.live.requests) == asked
    (found,) = comparisons(shop.engine)
    assert (found.candidate, found.moved, found.changed) == ("rules of June", 0, 1)
    assert found.outcomes["review", "publish"] == 1
    assert (found.automatic.live, found.automatic.candidate) == (3, 4)


def test_other_fields_of_the_candidates_rules_do_not_part_it_from_the_live_decision(shop):
    shop.decide()
    found = shop.beside(OTHER)
    assert (found.new, found.unmatched) == (5, 0)


def test_after_its_days_it_decides_no_more(shop):
    shop.decide()
    now = datetime.now(timezone.utc)
    shop.beside(days=3, now=now)
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(tables.shadow).where(tables.shadow.c.id > 2))
    late = shop.beside(days=3, now=now + timedelta(days=3, hours=1))
    assert late.over and late.new == 0
    assert shop.beside(days=9, now=now + timedelta(days=3, hours=1)).new == 3


def test_a_product_without_a_live_decision_is_counted(shop):
    shop.decide()
    with shop.data.open("a") as stream:
        stream.write("6,mugs,a,\n")
    assert shop.beside().unmatched == 1


def test_without_live_decisions_or_with_other_targets_it_is_refused(shop):
    with pytest.raises(InputError, match="no live decisions"):
        shop.beside()
    shop.decide()
    with pytest.raises(InputError, match="targets"):
        shop.beside("targets: [0.9]\n" + OTHER.replace("95", "90"))


def test_the_command_asks_a_server_and_says_what_came_of_it(shop, tmp_path):
    shop.decide()
    rules = tmp_path / "candidate.yaml"
    rules.write_text(RULES)
    arguments = ["run", "--rules", str(rules), "--database", shop.place, "--candidate", "autumn"]
    model = ["--data", str(shop.data), "--address", shop.other.address]
    for said in ("autumn: 5 new", "autumn: 0 new"):
        done = CliRunner().invoke(shadow, [*arguments, *model], catch_exceptions=False)
        assert done.exit_code == 0 and said in done.output
    done = CliRunner().invoke(shadow, [*arguments[:-1], "rules"], catch_exceptions=False)
    assert "rules: 5 new" in done.output
    assert [each.candidate for each in comparisons(shop.engine)] == ["rules", "autumn"]


def test_it_goes_with_the_products_that_are_deleted(shop):
    shop.decide()
    shop.beside()
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(tables.prediction))
    assert shop.rows("select count(*) from shadow") == [(0,)]
    assert comparisons(shop.engine) == []
