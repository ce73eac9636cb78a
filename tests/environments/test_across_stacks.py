"""What one stack made, the other reads: models, output folders and their metadata."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environments import debian13

COVERS = (
    r"/^\[project\]/,/^\[tool.ruff\]/:pyproject.toml",
    "stacks",
    "shelfsort/core/stack.py",
    "tests/environments/debian13.py",
    "tests/environments/served_answers.py",
    "tests/environments/test_across_stacks.py",
)

HERE_IS_OLD = sys.version_info < (3, 11)
_SKIP = debian13.reason_to_skip() or ("" if HERE_IS_OLD else "this machine runs TFX 1.21 itself")
pytestmark = [
    pytest.mark.timeout(7200),
    pytest.mark.skipif(bool(_SKIP), reason=_SKIP),
]
# Both see this folder: it lies in the root.
SHARED = debian13.KEPT / "root/across"
ANSWERS = "tests/environments/served_answers.py"


@dataclass(frozen=True)
class Stack:
    """A stack: how its programs are run, and how it calls a folder below SHARED."""

    run: Callable[..., str]
    folder: str

    def shelfsort(self, *arguments: str) -> str:
        return self.run("shelfsort", *arguments)

    def answers(self, output: str, products_from: str) -> dict:
        names = (f"{self.folder}/{name}" for name in (output, products_from))
        return json.loads(self.run("python", ANSWERS, *names).splitlines()[-1])


def _here(program: str, *arguments: str) -> str:
    command = [Path(sys.executable).parent / program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=debian13.ROOT)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def _there(program: str, *arguments: str) -> str:
    return debian13.inside(f".venv/bin/{program}", *arguments)


OLD, NEW = Stack(_here, str(SHARED)), Stack(_there, "/root/across")


@pytest.fixture(scope="module", params=[(OLD, NEW), (NEW, OLD)], ids=["old to new", "new to old"])
def made(request) -> tuple[str, Stack, Stack]:
    """The output folder of a demo, the stack that made it, and the other."""
    maker, reader = request.param
    name = "by-old" if maker is OLD else "by-new"
    debian13.make_root()
    debian13.inside("make", "setup")
    shutil.rmtree(SHARED / name, ignore_errors=True)
    maker.shelfsort("demo", "--output", f"{maker.folder}/{name}")
    return name, maker, reader


def test_a_model_answers_alike_on_both(made):
    name, maker, reader = made
    run = f"{name}/run"
    there, here = maker.answers(run, run), reader.answers(run, run)
    assert there["category"] == here["category"] and len(here["category"]) > 50
    assert here["score"] == pytest.approx(there["score"], abs=1e-5)
    assert here["accepted_95"] == there["accepted_95"]


def test_versions_made_on_one_are_verified_on_the_other(made):
    name, _, reader = made
    base = ("--model-base-path", f"{reader.folder}/{name}/run/serving")
    reader.shelfsort("models", "verify", *base)
    (version,) = json.loads(reader.shelfsort("models", "list", *base, "--json"))
    assert version["live"]


def test_a_run_continues_where_the_other_left_off_and_the_models_are_compared(made):
    name, maker, reader = made
    data, output = f"{reader.folder}/{name}/catalogue", f"{reader.folder}/{name}/run"
    before = maker.answers(f"{name}/run", f"{name}/run")
    arguments = ("--manifest", f"{data}/labelled.manifest", "--taxonomy", f"{data}/taxonomy.json")
    # The floors are out of reach of a small catalogue, and do not matter here.
    floors = [f"gate.accepted_accuracy_{target}=0" for target in (95, 98)]
    overrides = [word for each in floors for word in ("--set", each)]
    reader.shelfsort("run", *arguments, "--output", output, *overrides)
    runs = json.loads(reader.shelfsort("runs", "--output", output, "--json"))
    assert [run["outcome"] for run in runs] == ["pushed", "pushed"]
    ids = (run["id"] for run in runs)
    compared = reader.shelfsort("runs", "--output", output, "--compare", *ids, "--json")
    assert json.loads(compared)
    base = ("--model-base-path", f"{reader.folder}/{name}/run/serving")
    reader.shelfsort("models", "rollback", *base, "--to", "1")
    assert reader.answers(f"{name}/run", f"{name}/run")["category"] == before["category"]
