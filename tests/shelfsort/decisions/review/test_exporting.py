"""Answers about decisions become labels, and say how their products were chosen."""

import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from shelfsort.cli.labels.import_answers import import_answers
from shelfsort.cli.review.command import review
from shelfsort.decisions.database import tables
from shelfsort.decisions.promise.sampling import draw_of
from shelfsort.decisions.review.appeals import appeal
from shelfsort.products.manifest.annotations import read_annotations
from tests.shelfsort.decisions.review.queue.conftest import ANN, BOB, Shop, says

RATE = 0.5
NAMES = [f"p{n}" for n in range(8)]


@pytest.fixture
def shop(tmp_path):
    made = Shop(str(tmp_path / "d.db"), tmp_path)
    with made.engine.begin() as connection:
        connection.execute(sa.update(tables.run).values(audit_rate=RATE))
    yield made
    made.engine.dispose()


def exported(folder):
    """The labelled lines by product, as `labels import` makes them of what was exported."""
    answers, products, labelled = (
        str(folder / name) for name in ("a.jsonl", "p.manifest", "l.manifest")
    )
    run = CliRunner().invoke
    options = ["--database", str(folder / "d.db"), "--rules", str(folder / "rules.yaml")]
    done = run(review, ["export", *options, "--answers", answers, "--products", products])
    assert done.exit_code == 0, done.output
    done = run(import_answers, [answers, "--products", products, "--output", labelled])
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (folder / "l.manifest").read_text().splitlines()]
    return {line["id"]: read_annotations(line, "category") for line in lines}


def test_only_the_random_sample_is_evidence(shop, tmp_path):
    shop.decided(*NAMES)
    shop.decided("audit-a", "audit-b", outcome="grant", rate=0.8)
    shop.decided("appealed", outcome="refuse")
    shop.decided("gold", outcome="grant")
    queue = shop.queue({"gold": "product"}, gold_share=0.9)
    with shop.engine.begin() as connection:
        appeal(connection, "appealed", "", "Shop", shop.now)
    for each in queue.take(ANN, 40):
        says(queue, ANN, each, "" if each.kind == "appeal" else "product")
    for each in queue.take(BOB, 40):
        says(queue, BOB, each, "product")
    found = exported(tmp_path)
    assert set(found) == {*NAMES, "audit-a", "audit-b", "appealed"}
    sampled = {name for name in (*NAMES, "audit-a", "audit-b") if draw_of(name) < RATE}
    assert 0 < len(sampled) < 10
    for name, annotations in found.items():
        origin = annotations.origin
        assert origin.is_evidence == (name in sampled)
        if name in sampled:
            # Of what is left to people they see all, sample or not.
            chance = 1.0 if name in NAMES else 0.8
            assert (origin.source, origin.selected_by, origin.probability) == ("people", "", chance)
        elif name in NAMES:
            expected = ("assisted", "review", 1.0)
            assert (origin.source, origin.selected_by, origin.probability) == expected
        elif name == "appealed":
            assert (origin.selected_by, origin.probability) == ("appeal", None)
        else:
            assert (origin.selected_by, origin.probability) == ("audit", 0.8)


def test_every_answer_that_stands_is_written_under_a_pseudonym(shop, tmp_path):
    shop.decided("a", "b")
    queue = shop.queue()
    a, b = queue.take(ANN, 2)
    queue.undo(ANN, says(queue, ANN, a, "full").review)
    says(queue, ANN, a, "package")
    says(queue, ANN, b, "")
    for each in queue.take(BOB, 2):
        says(queue, BOB, each, "package")
    found = exported(tmp_path)
    said = {
        name: [answer.label for answer in annotations.answers]
        for name, annotations in found.items()
    }
    assert said == {"a": ["Package", "Package"], "b": ["cannot tell", "Package"]}
    workers = {answer.worker for each in found.values() for answer in each.answers}
    assert len(workers) == 2 and not workers & {"Ann", "Bob"}
    assert "Ann" not in (tmp_path / "a.jsonl").read_text()
