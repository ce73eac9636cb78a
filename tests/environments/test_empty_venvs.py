"""Our wheels in empty virtual environments, with their extras' packages from the registry."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributions.extras import ENVIRONMENTS, IMPORT_EACH, modules_needed_in
from tests.distributions.wheels import build_wheels
from tests.fixtures.stacks import running_stack

COVERS = (
    r"/^\[project\]/,/^\[tool.ruff\]/:pyproject.toml",
    "setup.py",
    "distributions",
    "stacks/*/requirements.lock",
    "tests/environments/test_empty_venvs.py",
)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    return build_wheels(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def constraints(tmp_path_factory) -> Path:
    """The locked versions, without hashes: pip resolves extras within them."""
    lines = (running_stack() / "requirements.lock").read_text("utf-8").splitlines()
    pins = [line.removesuffix(" \\") for line in lines if line[:1].isalpha()]
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(pins), "utf-8")
    return path


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def environment(request, tmp_path_factory, wheels, constraints) -> tuple[str, Path]:
    """The name of an environment, and the `bin` folder of one in which it is installed."""
    environment, folder = ENVIRONMENTS[request.param], tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    extras = f"shelfsort[{','.join(environment.extras)}] @ {wheels['shelfsort'].as_uri()}"
    others = [str(wheels[name]) for name in environment.distributions if name != "shelfsort"]
    run(folder / "bin", "pip", "install", "--quiet", "-c", str(constraints), extras, *others)
    return request.param, folder / "bin"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of an environment, outside the checkout and without its settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [folder / command[0], *command[1:]],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.timeout(1800)
def test_every_module_imports_and_predict_answers(environment, start_server):
    name, folder = environment
    imported = run(folder, "python", "-c", IMPORT_EACH, *modules_needed_in(name))
    assert json.loads(imported.stdout.splitlines()[-1]) == {}
    question = ("--address", start_server().address, "--title", "blue mugs", "--json")
    answer = json.loads(run(folder, "shelfsort", "predict", *question).stdout)
    assert answer["category"] == "mugs"
