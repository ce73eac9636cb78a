"""The benchmark of decisions: its products, what it counts, and the writing beside COPY."""

import json
from pathlib import Path

import pytest

from shelfsort.client import Classifier
from tests.fixtures.decisions import RULES, Shop

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_repeated_products_have_ids_of_their_own_and_images_that_are_found(tmp_path):
    import decisions

    source = tmp_path / "some.manifest"
    lines = [{"id": str(n), "title": f"mug {n}", "source-ref": f"{n}.jpg"} for n in range(3)]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    whole = decisions.repeated(decisions.lines_of(str(source)), 7, tmp_path / "many.manifest")
    made = [json.loads(line) for line in whole.read_text().splitlines()]
    assert [line["id"] for line in made] == [f"product-{n}" for n in range(7)]
    assert made[6]["title"] == "mug 0"
    assert made[6]["source-ref"] == str(tmp_path / "0.jpg")


def test_decisions_of_two_databases_are_compared_by_product(tmp_path, fake):
    import decisions

    shops = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        shops.append(Shop(tmp_path / name, str(tmp_path / name / "decisions.db")))
    with Classifier(fake.address) as classifier:
        for shop in shops:
            shop.decide(classifier.ask)
    one, other = (shop.database for shop in shops)
    rules = shops[0].folder / "rules.yaml"
    assert decisions.count(one) == 5
    assert decisions.different(rules, one, other) == 0
    with shops[1].engine.begin() as connection:
        connection.exec_driver_sql("update decision set outcome = 'refuse' where id = 2")
        connection.exec_driver_sql("delete from prediction where product = '3'")
    assert decisions.different(rules, one, other) == 2
    shops[0].rules(RULES.replace("publish", "grant"))
    assert decisions.different(rules, one, other) == 0


@pytest.mark.slow
def test_all_ways_of_writing_store_every_product(postgresql):
    import decision_rows
    import sqlalchemy as sa

    from shelfsort.core.database.engine import open_engine

    engine = open_engine(postgresql)
    assert decision_rows.rate(postgresql, 300, 128, decision_rows.by_batch) > 0
    with engine.connect() as connection:
        for table in ("prediction", "prediction_detail", "decision"):
            found = connection.execute(sa.text(f"select count(*) from {table}")).scalar_one()
            assert found == 300
    engine.dispose()
