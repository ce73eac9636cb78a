"""What one stack made, the other reads: models, output folders and their metadata stores."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.environments import debian13
from tests.fixtures.stacks import running_stack

COVERS = (
    "stacks/*/requirements.lock",
    "shelfsort/core/stack.py",
    "tests/environments/debian13.py",
    "tests/environments/served_answers.py",
    "tests/environments/test_across_stacks.py",
)

_SKIP = debian13.reason_to_skip() or (
    "" if running_stack().name == "tfx-1.16" else "this machine runs TFX 1.21 itself"
)
pytestmark = [
    pytest.mark.timeout(14400),
    pytest.mark.skipif(bool(_SKIP), reason=_SKIP),
]
# A small catalogue decides little: whatever the gate finds, the second model goes live.
RETRAINED = (
    "training.fit.seed=8",
    "training.fit.epochs=10",
    "gate.approved_by=the test across stacks",
)


@dataclass(frozen=True)
class Stack:
    """A stack: its lock file's folder, and how programs of its environment are run."""

    name: str
    run: Callable[..., str]

    def shelfsort(self, *arguments: str | Path) -> str:
        return self.run("shelfsort", *map(str, arguments))

    def answers(self, output: Path) -> dict[str, Any]:
        printed = self.run("python", "-m", "tests.environments.served_answers", str(output))
        return json.loads(printed.splitlines()[-1])


def _here(program: str, *arguments: str) -> str:
    command = [Path(sys.executable).parent / program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=debian13.ROOT)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def _there(program: str, *arguments: str) -> str:
    return debian13.inside(f".venv/bin/{program}", *arguments)


OLD, NEW = Stack("tfx-1.16", _here), Stack("tfx-1.21", _there)


@dataclass(frozen=True)
class Made:
    """A demo's folder, the stack that made it, the other one, and the answers of its model.

    Attributes:
        answers: of version 1, served by the stack that trained it.
    """

    folder: Path
    maker: Stack
    reader: Stack
    answers: dict[str, Any]

    @property
    def output(self) -> Path:
        return self.folder / "run"

    def models(self, stack: Stack, command: str, *arguments: str) -> str:
        base = ("--model-base-path", self.output / "serving")
        return stack.shelfsort("models", command, *base, *arguments)


@pytest.fixture(scope="module", params=[(OLD, NEW), (NEW, OLD)], ids=["1.16-1.21", "1.21-1.16"])
def made(request) -> Made:
    maker, reader = request.param
    debian13.make_root()
    debian13.inside("make", "setup")
    folder = debian13.SHARED / f"made-by-{maker.name}"
    shutil.rmtree(folder, ignore_errors=True)
    maker.shelfsort("demo", "--output", folder)
    return Made(folder, maker, reader, maker.answers(folder / "run"))


@pytest.fixture(scope="module")
def runs(made) -> list[dict[str, Any]]:
    """The runs of the folder, newest first, after the reader trained a second model in it."""
    catalogue = made.folder / "catalogue"
    products = ("--manifest", catalogue / "labelled.manifest")
    tree = ("--taxonomy", catalogue / "taxonomy.json")
    overrides = [word for each in RETRAINED for word in ("--set", each)]
    made.reader.shelfsort("run", *products, *tree, "--output", made.output, *overrides)
    return json.loads(made.reader.shelfsort("runs", "--output", made.output, "--json"))


def assert_alike(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """The same decisions, and scores equal to 1e-5."""
    pairs = list(zip(found["answers"], expected["answers"], strict=True))
    assert len(pairs) > 50
    for one, other in pairs:
        scores = [ranked["score"] for ranked in one["top"]]
        assert scores == pytest.approx([each["score"] for each in other["top"]], abs=1e-5)
        for name in ("category", "path", "answer", "level", "accepted_95", "accepted_98"):
            assert one[name] == other[name], name


def test_a_model_answers_alike_on_both_after_its_warm_up(made):
    answers = made.reader.answers(made.output)
    assert answers["warm_up_requests"] == 6
    assert_alike(answers, made.answers)


def test_versions_made_on_one_are_verified_on_the_other(made):
    made.models(made.reader, "verify")
    (version,) = json.loads(made.models(made.reader, "list", "--json"))
    assert version["live"]


def test_the_metadata_store_of_one_is_read_by_the_other(made):
    lists = [
        json.loads(stack.shelfsort("runs", "--output", made.output, "--json"))
        for stack in (made.maker, made.reader)
    ]
    assert lists[0] == lists[1] and lists[1][0]["outcome"] == "pushed"


def test_a_run_continues_where_the_other_left_off(made, runs):
    assert [(run["outcome"], run["version"]) for run in runs] == [("pushed", "2"), ("pushed", "1")]
    verdicts = made.output.glob("pipeline/Evaluator/evaluation/*/verdict.json")
    latest = max(verdicts, key=lambda path: int(path.parent.name))
    verdict = json.loads(latest.read_text("utf-8"))
    assert verdict["live"]["version"] == "1"


def test_models_of_both_are_compared(made, runs):
    ids = [run["id"] for run in runs]
    compared = [
        json.loads(stack.shelfsort("runs", "--output", made.output, "--compare", *ids, "--json"))
        for stack in (made.maker, made.reader)
    ]
    assert compared[0] == compared[1]


def test_a_rollback_brings_the_first_models_answers_back(made, runs):
    made.models(made.reader, "rollback", "--to", "1")
    made.models(made.maker, "verify")
    answers = made.reader.answers(made.output)
    assert answers["version"] == 3
    assert_alike(answers, made.answers)
