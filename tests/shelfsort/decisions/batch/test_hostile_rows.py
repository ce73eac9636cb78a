"""Rows and answers that no database, rule or model should have to take: they cost nobody else."""

import dataclasses
import json
import math

import grpc
import pytest

from shelfsort.client.classifier import ServerError
from shelfsort.client.messages import Answer, Ranked
from shelfsort.decisions.batch.scoring import decide_file
from tests.fixtures.decisions import Shop


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def shop(request, tmp_path):
    if request.param == "sqlite":
        return Shop(tmp_path, str(tmp_path / "decisions.db"))
    return Shop(tmp_path, request.getfixturevalue("postgresql"))


def answered(row, score=0.99, category="mugs"):
    top = (Ranked(category, score), Ranked("lamps", 1 - score))
    accepted = {0.95: True, 0.98: True}
    return Answer(category, "Mugs", score, accepted, category, 2, top, 3, "t", 0.1)


def mugs(rows):
    return [answered(row) for row in rows]


def decided(shop, rows, ask=mugs):
    """What comes of the lines of a manifest."""
    file = shop.folder / "products.manifest"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    job = dataclasses.replace(shop.job(), data=str(file), files=[str(file)])
    return decide_file(job, ask, shop.engine, lambda _: None)


def test_text_that_no_database_takes_stops_nothing(shop):
    rows = [
        {"id": "nul\0id", "title": "mugs\0", "shop": "a"},
        {"id": "half\ud800", "title": "half \ud800", "shop": "a"},
        {"id": "escaped", "title": "a literal \\u0000", "shop": "a"},
        {"id": "nul field", "title": "mugs", "shop": "a\0"},
        {"id": "half field", "title": "mugs", "shop": "\ud800"},
        {"id": "last", "title": "mugs", "shop": "a", "gold": "\0\ud800"},
    ]
    found = decided(shop, rows)
    assert (found.decided, found.rejects["undecidable"]) == (4, 2)
    assert sorted(product for product, _ in shop.latest()) == [
        "escaped",
        "half?",
        "last",
        "nul\ufffdid",
    ]
    stored = shop.rows("select top, fields, shown from prediction_detail order by prediction")
    titles = [json.loads(shown)["title"] for _, _, shown in stored]
    assert titles[:3] == ["mugs\ufffd", "half ?", "a literal \\u0000"]
    # A repeated call finds all of them.
    assert decided(shop, rows).new == 0


@pytest.mark.parametrize("score", [math.nan, math.inf, -1.0, 1.5])
def test_a_score_that_is_no_probability_decides_nothing(shop, score):
    def ask(rows):
        return [answered(row, score if b"strange" in row.title else 0.99) for row in rows]

    found = decided(
        shop,
        [
            {"id": "1", "title": "strange", "shop": "a"},
            {"id": "2", "title": "mugs", "shop": "a"},
        ],
        ask,
    )
    assert (found.decided, found.failures) == (1, 1)
    assert shop.latest() == [("2", "publish")]
    ((product, error),) = shop.rows("select product, error from dead_letter")
    assert product == "1" and str(score) in error


def test_a_category_that_the_rules_do_not_know_is_rejected_whatever_its_name(shop):
    def ask(rows):
        return [answered(row, category="<b>\x1b[31m\0") for row in rows]

    found = decided(shop, [{"id": "1", "title": "mugs", "shop": "a"}], ask)
    assert (found.decided, found.rejects["undecidable"]) == (0, 1)


def test_a_decision_without_its_image_is_counted_with_the_reason(shop, make_picture):
    (shop.folder / "there.jpg").write_bytes(make_picture())
    rows = [
        {"id": "1", "title": "mugs", "shop": "a", "source-ref": "there.jpg"},
        {"id": "2", "title": "mugs", "shop": "a", "source-ref": "../../etc/passwd"},
        {"id": "3", "title": "mugs", "shop": "a", "source-ref": "gone.jpg"},
        {"id": "4", "title": "mugs", "shop": "a"},
    ]
    # A repeated call says so again.
    for _ in range(2):
        found = decided(shop, rows)
        assert (found.decided, found.words_alone) == (4, 2)
        assert "products.manifest:2: image: " in found.first_words_alone


def test_an_image_that_the_model_refuses_is_counted(shop, make_picture):
    (shop.folder / "bad.jpg").write_bytes(make_picture())

    def refuses_images(rows):
        if any(row.image for row in rows):
            raise ServerError("no image", grpc.StatusCode.INVALID_ARGUMENT)
        return mugs(rows)

    row = {"id": "1", "title": "mugs", "shop": "a", "source-ref": "bad.jpg"}
    found = decided(shop, [row], refuses_images)
    assert (found.decided, found.words_alone) == (1, 1)
    assert found.first_words_alone.endswith("products.manifest:1: image: no image")
