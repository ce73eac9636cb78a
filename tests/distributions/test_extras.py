"""Every module imports where only its extra is installed, and the client where none is."""

import json
from pathlib import Path

import pytest

from tests.distributions.extras import ENVIRONMENTS, EXTRAS, IMPORT_EACH, modules_needed_in
from tests.distributions.within import run_within

BASE = ENVIRONMENTS["base"]

ASK = """
import sys
from shelfsort.client import Classifier
with Classifier(sys.argv[1]) as classifier:
    print(classifier.classify(title="blue mugs").category)
"""
PREDICT = """
from shelfsort.cli.main import main
main()
"""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "base" else [pytest.mark.slow])
        for name in ENVIRONMENTS
    ],
)
def test_every_module_imports_where_only_its_extra_is_installed(name):
    wanted = modules_needed_in(name)
    done = run_within(ENVIRONMENTS[name], IMPORT_EACH, *wanted)
    assert done.returncode == 0, done.stderr
    assert wanted and json.loads(done.stdout.splitlines()[-1]) == {}


def test_every_extra_is_tried():
    tried = {extra for each in ENVIRONMENTS.values() for extra in each.extras}
    assert tried == set(EXTRAS) - {"aws", "gcs", "gpu", "docs", "dev"}


def test_a_client_needs_the_base_only(start_server):
    done = run_within(BASE, ASK, start_server().address)
    assert (done.stdout, done.returncode) == ("mugs\n", 0), done.stderr


def test_predict_needs_the_base_only(start_server, tmp_path: Path):
    (tmp_path / "mug.jpg").write_bytes(b"\xff\xd8\xff")
    arguments = ("--title", "blue mugs", "--image", str(tmp_path / "mug.jpg"), "--json")
    address = start_server().address
    done = run_within(BASE, PREDICT, "predict", "--address", address, *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["category"] == "mugs"


def test_a_command_of_another_distribution_says_what_to_install():
    done = run_within(BASE, PREDICT, "serve", "--help")
    assert done.returncode == 2
    assert "pip install shelfsort-serving" in done.stderr


def test_the_library_imports_nothing_at_first():
    counted = "import sys; before = set(sys.modules); import shelfsort; "
    done = run_within(BASE, counted + "print(sorted(set(sys.modules) - before))")
    assert done.stdout == "['shelfsort']\n"
