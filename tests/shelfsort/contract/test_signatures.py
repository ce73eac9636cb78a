"""The table of inputs and outputs, and all that is written down beside it."""

import itertools
import re
from dataclasses import fields
from pathlib import Path

import pytest

from shelfsort.client.messages import Row
from shelfsort.contract import wire
from shelfsort.contract.figures import labels
from shelfsort.contract.modalities import has_words
from shelfsort.contract.signatures import (
    INPUT_NAMES,
    INPUTS,
    client_outputs,
    outputs,
    signatures,
)
from shelfsort.contract.targets import (
    DEFAULT_TARGETS,
    accepted,
    checked,
    parent_accepted,
    target_key,
    target_of,
    targets_among,
)

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


@pytest.mark.parametrize(
    ("heading", "table"), [("input", INPUTS), ("output", client_outputs(DEFAULT_TARGETS))]
)
def test_the_clients_page_lists_every_name_with_its_type(heading, table):
    shown = {"float32": "float"}
    assert documented(heading) == {each.name: shown.get(each.dtype, each.dtype) for each in table}


def test_the_proto_file_numbers_types_as_the_client_does():
    text = Path(wire.__file__).with_name("predict.proto").read_text("utf-8")
    (line,) = re.findall(r"// (1 float.*)\.\n", text)
    shown = {"float": "float32", "double": "float64"}
    numbers = {name: int(number) for number, name in re.findall(r"(\d+) (\w+)", line)}
    assert {shown.get(name, name): number for name, number in numbers.items()} == wire.DTYPES
    declared = signatures(DEFAULT_TARGETS).values()
    used = {kind for each in declared for kind in each.outputs.values()}
    assert used <= wire.DTYPES.keys()


def test_a_client_sends_every_input():
    assert {each.name for each in fields(Row)} == set(INPUT_NAMES)


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


def test_names_of_outputs_that_are_no_target_are_passed_over():
    names = ["accepted_98", "accepted_95", "accepted_97_5", "accepted", "accepted_foo", "score"]
    names += ["accepted_1e2", "accepted_00", "accepted_100", "parent_accepted_90", "accepted_٩٥"]
    assert targets_among(names) == (0.95, 0.975, 0.98)


@pytest.mark.parametrize("targets", [(0.9,), (0.9, 0.99), (0.8, 0.9, 0.975, 0.9999)])
def test_every_target_has_its_outputs_and_figures(targets):
    for target in targets:
        both = {accepted(target), parent_accepted(target)}
        assert both <= {each.name for each in outputs(targets)}
        assert accepted(target) in signatures(targets)["predict_raw"].outputs
        assert f"text_{parent_accepted(target)}" in signatures(targets)["evaluate"].outputs
        assert f"parent_coverage_at_{target_key(target)}" in labels(targets)
    assert len(outputs(targets)) == len(outputs(())) + 2 * len(targets)
    assert targets_among(signatures(targets)["serving_default"].outputs) == targets


def test_targets_of_a_configuration_are_kept_rising():
    assert checked([0.99, 0.9]) == (0.9, 0.99)


@pytest.mark.parametrize(
    "targets", [(), (0.95,) * 2, (0.9, 0.92, 0.94, 0.96, 0.98), (0.4,), (1.0,), (0.98765,)]
)
def test_targets_that_no_model_can_have_are_refused(targets):
    with pytest.raises(ValueError, match="give"):
        checked(targets)
