"""The table of inputs and outputs, and all that is written down beside it."""

import itertools
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from shelfsort.client.messages import Answer, Row
from shelfsort.contract import wire
from shelfsort.contract.modalities import has_words
from shelfsort.contract.signatures import CLIENT_OUTPUTS, INPUT_NAMES, INPUTS, SIGNATURES
from shelfsort.contract.targets import TARGETS, accepted, parent_accepted, target_key, target_of

ROOT = Path(__file__).parents[3]
CLIENTS_PAGE = ROOT / "docs" / "clients.md"


def documented(heading: str) -> dict[str, str]:
    """Name → type of the table of docs/clients.md whose first column has this heading."""
    _, _, table = CLIENTS_PAGE.read_text("utf-8").partition(f"| {heading} | type |")
    found = {}
    for line in table.partition("\n\n")[0].splitlines()[2:]:
        names, kinds = line.split("|")[1:3]
        # One type for all names of a line, or one for each.
        kinds = re.findall(r"\b(string|float|int64|bool)\b", kinds)
        found |= dict(zip(re.findall(r"`(\w+)`", names), itertools.cycle(kinds), strict=False))
    return found


@pytest.mark.parametrize(("heading", "table"), [("input", INPUTS), ("output", CLIENT_OUTPUTS)])
def test_the_clients_page_lists_every_name_with_its_type(heading, table):
    shown = {"float32": "float"}
    assert documented(heading) == {each.name: shown.get(each.dtype, each.dtype) for each in table}


def test_the_proto_file_numbers_types_as_the_client_does():
    text = Path(wire.__file__).with_name("predict.proto").read_text("utf-8")
    (line,) = re.findall(r"// (1 float.*)\.\n", text)
    shown = {"float": "float32", "double": "float64"}
    numbers = {name: int(number) for number, name in re.findall(r"(\d+) (\w+)", line)}
    assert {shown.get(name, name): number for name, number in numbers.items()} == wire.DTYPES
    used = {kind for each in SIGNATURES.values() for kind in each.outputs.values()}
    assert used <= wire.DTYPES.keys()


def test_a_client_sends_every_input_and_reads_every_decision():
    assert {each.name for each in fields(Row)} == set(INPUT_NAMES)
    assert set(map(accepted, TARGETS)) <= {each.name for each in fields(Answer)}


@pytest.mark.parametrize(
    ("target", "key"), [(0.95, "95"), (0.98, "98"), (0.975, "97_5"), (0.999, "99_9"), (0.57, "57")]
)
def test_a_target_is_named_by_its_percentage_and_read_back(target, key):
    assert target_key(target) == key
    assert target_of(key) == target
    assert (accepted(target), parent_accepted(target)) == (
        f"accepted_{key}",
        f"parent_accepted_{key}",
    )


@pytest.mark.parametrize(
    ("texts", "words"),
    [(("", ""), False), ((" \t\n", "\u3000\u00a0"), False), (("", "hat"), True), (("?",), True)],
)
def test_a_product_has_words_when_a_character_is_not_blank(texts, words):
    assert has_words(*texts) is words


@pytest.mark.slow
def test_a_further_target_shows_in_all_that_derives_from_the_table():
    script = """
from shelfsort.contract import targets
targets.TARGETS = (0.95, 0.975, 0.98)
from components.evaluator import analysis, prediction_rows, served_model
from components.serving_check import comparison
from pipeline.experiments import results, scored, text
from shelfsort.contract import figures
from shelfsort.contract.signatures import SIGNATURES
for signature, modality in (("predict_raw", ""), ("serving_default", ""), ("evaluate", "text_")):
    assert SIGNATURES[signature].outputs[modality + "accepted_97_5"] == "bool", signature
both = {"accepted_97_5", "parent_accepted_97_5"}
assert both <= {each.name for each in served_model.READ}
assert both <= set(prediction_rows.row_schema().names)
assert both <= set(analysis._COLUMNS)
assert both <= comparison._DECISIONS
metrics = str(analysis.eval_config({"a": "b", "c": "b"}).metrics_specs)
assert metrics.count("0.975") == 6, metrics
assert {"coverage_at_97_5", "accepted_97_5", "parent_coverage_at_97_5"} <= set(figures.NAMES)
assert "coverage_97_5" in results.QUESTIONS
assert "accepted_97_5" in scored.COLUMNS
assert "accepted_accuracy_97_5" in text.FIGURES
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
