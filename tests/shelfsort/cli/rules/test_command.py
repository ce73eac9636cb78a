"""`shelfsort rules`."""

import json
from pathlib import Path

import jsonschema
import yaml
from click.testing import CliRunner

from shelfsort.cli.rules.command import rules

WORKED = Path(__file__).parents[4] / "examples/decisions"
FILE = str(WORKED / "photo_reviews.yaml")


def call(*arguments):
    done = CliRunner().invoke(rules, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_sound_rules_end_well_and_unsound_ones_with_status_1(tmp_path):
    status, text = call("check", FILE)
    assert status == 0 and "errors: 0" in text
    unsound = tmp_path / "rules.yaml"
    content = Path(FILE).read_text().replace("default: {outcome: review}\n", "")
    unsound.write_text(content.replace("photo_kinds.json", str(WORKED / "photo_kinds.json")))
    status, text = call("check", unsound, "--json")
    found = json.loads(text)
    assert status == 1
    assert {each["kind"] for each in found["findings"]} == {"gap", "no_default"}
    assert len(found["digest"]) == 16


def test_examples_that_fail_are_named_by_their_row(tmp_path):
    assert call("test", FILE, WORKED / "photo_reviews.csv")[0] == 0
    table = tmp_path / "t.csv"
    table.write_text("review,category,accepted,score,outcome\nstyle,product,98,0.9,grant\n")
    status, text = call("test", FILE, table)
    assert status == 1 and f"{table}:2: " in text and "style review of something else" in text
    status, text = call("test", FILE, table, "--json")
    assert (status, json.loads(text)["examples"][0]["outcome"]) == (1, "refuse")


def test_the_schema_takes_the_worked_example_and_refuses_a_misspelling():
    schema = json.loads(call("schema")[1])
    content = yaml.safe_load(Path(FILE).read_text())
    jsonschema.validate(content, schema)
    content["rules"][0]["wen"] = {}
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(content))
    assert len(errors) == 1
