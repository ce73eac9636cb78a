"""Every module imports where only its extra is installed, and the client where none is."""

import json
from pathlib import Path

import pytest

from shelfsort.core.packages import OUR_PACKAGES
from tests.distributions.environments import EXTRAS, ROOT, run_only

LIBRARY = ("shelfsort",)
SERVING = ("shelfsort", "shelfsort-serving")
ALL = ("shelfsort", "shelfsort-serving", "shelfsort-pipeline")

# Each environment: the extras installed, and our distributions.
ENVIRONMENTS = {
    "base": ((), LIBRARY),
    "images": (("images",), LIBRARY),
    "labels": (("labels",), LIBRARY),
    "catalog": (("catalog",), LIBRARY),
    "decisions": (("decisions",), LIBRARY),
    "serve": (("serve",), SERVING),
    "pipeline": (("pipeline", "plots"), ALL),
}
LOADS_TENSORFLOW = {"serve", "pipeline"}

# Where a module has to import, by the longest prefix of its name.
NEEDED_IN = {
    "shelfsort": ("base",),
    "shelfsort.labeling": ("labels",),
    "shelfsort.products": ("labels", "catalog", "decisions"),
    "shelfsort.products.images": ("images",),
    "shelfsort.products.images.decoder": ("pipeline",),
    "shelfsort.products.example": ("pipeline",),
    "shelfsort.stats": ("labels",),
    "shelfsort.training": ("pipeline",),
    "serving": ("serve",),
    "components": ("pipeline",),
    "demo": ("pipeline",),
    "pipeline": ("pipeline",),
    "schema": ("pipeline",),
}

IMPORT_EACH = """
import importlib, json, sys
failures = {}
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except Exception as error:
        failures[module] = f"{type(error).__name__}: {error}"
print(json.dumps(failures))
"""
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


def modules() -> list[str]:
    paths = (path for package in OUR_PACKAGES for path in (ROOT / package).rglob("*.py"))
    names = (path.relative_to(ROOT).with_suffix("") for path in paths)
    return sorted(".".join(name.parts).removesuffix(".__init__") for name in names)


def environments_of(module: str) -> tuple[str, ...]:
    prefixes = [prefix for prefix in NEEDED_IN if f"{module}.".startswith(f"{prefix}.")]
    return NEEDED_IN[max(prefixes, key=len)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in LOADS_TENSORFLOW else [])
        for name in ENVIRONMENTS
    ],
)
def test_every_module_imports_where_only_its_extra_is_installed(name):
    wanted = [module for module in modules() if name in environments_of(module)]
    done = run_only(*ENVIRONMENTS[name], IMPORT_EACH, *wanted)
    assert done.returncode == 0, done.stderr
    assert wanted and json.loads(done.stdout.splitlines()[-1]) == {}


def test_every_extra_is_tried():
    tried = {extra for extras, _ in ENVIRONMENTS.values() for extra in extras}
    assert tried == set(EXTRAS) - {"aws", "gcs", "gpu", "docs", "dev"}


def test_a_client_needs_the_base_only(start_server):
    done = run_only((), LIBRARY, ASK, start_server().address)
    assert (done.stdout, done.returncode) == ("mugs\n", 0), done.stderr


def test_predict_needs_the_base_only(start_server, tmp_path: Path):
    (tmp_path / "mug.jpg").write_bytes(b"\xff\xd8\xff")
    arguments = ("--title", "blue mugs", "--image", str(tmp_path / "mug.jpg"), "--json")
    address = start_server().address
    done = run_only((), LIBRARY, PREDICT, "predict", "--address", address, *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["category"] == "mugs"


def test_a_command_of_another_distribution_says_what_to_install():
    done = run_only((), LIBRARY, PREDICT, "serve", "--help")
    assert done.returncode == 2
    assert "pip install shelfsort-serving" in done.stderr


def test_the_library_imports_nothing_at_first():
    counted = "import sys; before = set(sys.modules); import shelfsort; "
    done = run_only((), LIBRARY, counted + "print(sorted(set(sys.modules) - before))")
    assert done.stdout == "['shelfsort']\n"
