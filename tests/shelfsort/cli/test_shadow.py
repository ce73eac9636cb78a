"""`shelfsort shadow`."""

import json
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from shelfsort.cli.shadow import shadow
from shelfsort.core.errors import InputError
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database
from tests.fixtures.decided_days import Shop

NOW = datetime.now(timezone.utc)


@pytest.fixture
def place(tmp_path):
    engine = open_database(str(tmp_path / "decisions.db"))
    ids = Shop(engine).day(NOW, {"mugs": 40}, automatic=0.5)
    row = {"candidate": "model 4", "at": NOW, "score": 0.9, "outcome": "publish"}
    rows = [{**row, "decision": id_, "category": "mugs", "gold": "mugs"} for id_ in ids]
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.shadow), rows)
    return str(tmp_path / "decisions.db")


def call(*arguments):
    done = CliRunner().invoke(shadow, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_candidates_are_compared_as_text_and_as_json(place):
    text = call("compare", "--database", place)
    assert "model 4: 40 products" in text and "right (gold): live 40, candidate 40 of 40" in text
    (found,) = json.loads(call("compare", "--database", place, "--json"))
    assert found["automatic"]["candidate"] == 40 > found["automatic"]["live"]
    assert found["other_outcome"] == 40 - found["automatic"]["live"]
    assert found["categories"]["mugs"] == {
        "products": 40,
        "moved_to": {},
        "only_live_right": 0,
        "only_candidate_right": 0,
    }


def test_a_candidate_that_there_is_not_is_refused(place):
    with pytest.raises(InputError, match="no candidate"):
        call("compare", "--database", place, "--candidate", "model 5")


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "tree.json").write_text(
        '[{"id": "all", "name": "All", "subcategories": ["mugs"]},'
        ' {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "all"}]'
    )
    path = tmp_path / "rules.yaml"
    path.write_text(
        "taxonomy: tree.json\ndefault: {outcome: review}\n"
        "rules: [{name: sure, when: {accepted: 95}, then: {outcome: publish}}]\n"
    )
    return str(path)


@pytest.mark.parametrize(
    "more", [("--data", "products.csv"), ("--address", "localhost:1"), ("--model-folder", ".")]
)
def test_a_model_needs_data_and_data_a_model(place, rules, more):
    with pytest.raises(InputError, match="--data"):
        call("run", "--rules", rules, "--database", place, *more)


def test_a_day_without_products_ends_well_where_that_is_expected(place, rules, tmp_path):
    asked = ("run", "--rules", rules, "--database", place, "--address", "localhost:1")
    new = ("--data", str(tmp_path / "new-*.csv"))
    assert call(*asked, *new, "--if-any") == "No products: nothing to decide.\n"
    with pytest.raises(InputError, match="new-"):
        call(*asked, *new)
