"""The image: what its Dockerfile promises, and the package it installs, tried outside Docker."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from serving.cli.exposure import check_exposure
from shelfsort.core.errors import InputError
from tests.fixtures.stacks import running_stack

ROOT = Path(__file__).parents[3]
STACK = ROOT / "stacks/tfx-1.21"
DOCKERFILE = ROOT / "Dockerfile"
VENV, TARGET, BUILD = "/opt/venv/bin/python", "/opt/shelfsort", "/build"


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) in order, comments left out and continued lines joined."""
    lines = [each for each in DOCKERFILE.read_text().splitlines() if not each.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = (line.partition(" ")[::2] for line in joined.splitlines() if line.strip())
    return [(name, arguments.strip()) for name, arguments in pairs]


def stages() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for name, arguments in instructions():
        if name == "FROM":
            current = found.setdefault(arguments.rpartition(" AS ")[2], [])
        current.append((name, arguments))
    return found


def gpu_lock(stack: Path) -> dict[str, str]:
    """Versions of NVIDIA's libraries by package."""
    lines = (stack / "requirements-gpu.lock").read_text().splitlines()
    return dict(line.split()[0].split("==") for line in lines if "==" in line)


def arguments_of(stage: str, instruction: str) -> list[str]:
    return [arguments for name, arguments in stages()[stage] if name == instruction]


@pytest.mark.parametrize(
    ("stage", "lock"),
    [("dependencies-cpu", "requirements.lock"), ("dependencies-gpu", "requirements-gpu.lock")],
)
def test_only_locked_packages_are_installed(stage, lock):
    (install,) = [each for each in arguments_of(stage, "RUN") if "pip install" in each]
    assert f"--no-deps --require-hashes -r /build/{lock}" in install
    for block in re.split(r"\n(?=\S)", (STACK / lock).read_text()):
        if not block.startswith("#"):
            assert "==" in block and "--hash=sha256:" in block, block


def test_the_gpu_libraries_are_the_ones_that_tensorflow_asks_for():
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    wanted = [Requirement(each) for each in requires("tensorflow") if "and-cuda" in each]
    locked = gpu_lock(running_stack())
    assert {each.name for each in wanted} == set(locked)
    assert all(each.specifier.contains(locked[each.name]) for each in wanted)


def test_tensorflow_finds_each_of_the_gpu_libraries():
    (setting,) = arguments_of("runtime-gpu", "ENV")
    paths = setting.removeprefix("LD_LIBRARY_PATH=").split(":")
    found = {path.removeprefix("${NVIDIA}/").removesuffix("/lib") for path in paths}
    names = (name.removeprefix("nvidia-").removesuffix("-cu12") for name in gpu_lock(STACK))
    # A compiler, not a library.
    assert found == {name.replace("-", "_") for name in names} - {"cuda_nvcc"}


def test_it_runs_as_nobody_in_particular():
    assert arguments_of("common", "USER") == ["10001"]
    for stage in ("worker", "runtime"):
        assert stages()[stage][0] == ("FROM", f"common AS {stage}")
        assert not arguments_of(stage, "USER")


def test_a_worker_has_the_launcher_of_the_locked_beam_and_keeps_the_images_python():
    (locked,) = re.findall(r"^apache-beam==(\S+)", (STACK / "requirements.lock").read_text(), re.M)
    assert arguments_of("beam", "FROM") == ["${BEAM_IMAGE} AS beam"]
    assert ("ARG", f"BEAM_IMAGE=apache/beam_python3.13_sdk:{locked}") in instructions()
    assert "/opt/apache/beam /opt/apache/beam" in arguments_of("worker", "COPY")[0]
    assert arguments_of("worker", "ENTRYPOINT") == ['["/opt/apache/beam/boot"]']
    # Beam's launcher would otherwise make an environment that does not see /opt/venv.
    assert arguments_of("worker", "ENV") == ["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1"]


def test_kubeflows_launcher_can_make_its_local_folders():
    (command,) = arguments_of("common", "RUN")
    assert {"/gcs", "/minio", "/s3"} <= set(shlex.split(command))


def test_a_step_replaces_what_the_image_would_run():
    """Kubeflow's command stands in for ENTRYPOINT; with one, the other would be its arguments."""
    assert not arguments_of("common", "ENTRYPOINT") + arguments_of("runtime", "ENTRYPOINT")
    (command,) = arguments_of("runtime", "CMD")
    assert json.loads(command)[:2] == ["shelfsort", "serve"]


def test_the_health_check_asks_the_server_about_the_models_that_it_serves():
    (check,) = arguments_of("runtime", "HEALTHCHECK")
    (command,) = arguments_of("runtime", "CMD")
    program = json.loads(check.partition("CMD ")[2])
    assert program[:3] == ["python", "-m", "serving.healthcheck"]
    assert program[3] == json.loads(command)[json.loads(command).index("--model-base-path") + 1]


def test_the_image_does_not_start_in_plain_text_unless_told_to():
    (command,) = arguments_of("runtime", "CMD")
    options = json.loads(command)
    assert "--plaintext" not in options
    host = options[options.index("--host") + 1]
    with pytest.raises(InputError, match="plain text"):
        check_exposure(host, encrypted=False, plaintext=False)


def test_hadolint_has_nothing_to_say():
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    hadolint = shutil.which("hadolint", path=path)
    if hadolint is None:
        pytest.skip("hadolint is not installed: requirements-dev.lock has it")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Our code as stage `package` installs it, by that stage's own command."""
    build = tmp_path_factory.mktemp("build")
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        source = ROOT / line.removeprefix("!")
        if line.startswith("!") and source.is_dir():
            shutil.copytree(source, build / source.name)
        elif line.startswith("!") and source.is_file():
            shutil.copy(source, build)
    target = tmp_path_factory.mktemp("image") / "shelfsort"
    (command,) = arguments_of("package", "RUN")
    for place, here in ((VENV, sys.executable), (TARGET, target), (BUILD, build)):
        command = command.replace(place, str(here))
    subprocess.run(shlex.split(command), check=True, capture_output=True, cwd=build)
    return target


def in_image(target: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{target / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(target),
        "HOME": str(cwd),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_installed_package_has_every_file_of_the_checkout(installed):
    packages = [path.parent for path in ROOT.glob("*/__init__.py")]
    rooms = [path for path in packages if path.name != "tests" and (installed / path.name).is_dir()]
    assert {"components", "pipeline", "schema", "serving"} <= {path.name for path in rooms}
    for room in rooms:
        for init in room.rglob("__init__.py"):
            for path in init.parent.iterdir():
                if path.is_file():
                    assert (installed / path.relative_to(ROOT)).is_file(), path


@pytest.mark.slow
def test_the_code_digest_is_the_same_in_the_image(installed, tmp_path):
    from pipeline.code_digest import code_digest

    program = (
        "import pipeline.code_digest as c; print(c.__file__); print(c.code_digest('components'))"
    )
    done = in_image(installed, tmp_path, "python", "-c", program)
    file, digest = done.stdout.split()
    assert Path(file).is_relative_to(installed)
    assert digest == code_digest("components")


@pytest.mark.slow
def test_a_step_runs_from_the_installed_package_after_an_attempt_that_was_killed(
    installed, tmp_path
):
    uri = tmp_path / "artifacts" / "schema"
    uri.mkdir(parents=True)
    (uri / "half-written").write_text("by the first attempt")
    schema = {"name": "1", "uri": str(uri), "type": {"instanceSchema": "title: tfx.Schema\n"}}
    executor_input = {
        "inputs": {"parameterValues": {"code_digest": "0"}},
        "outputs": {
            "artifacts": {"schema": {"artifacts": [schema]}},
            "outputFile": str(tmp_path / "output_metadata.json"),
        },
    }
    inputs_spec = {"parameters": {"code_digest": {"parameterType": "STRING"}}}
    done = in_image(
        installed,
        tmp_path,
        *("python", "-m", "pipeline.kubeflow.entrypoint"),
        *("--executor_class_path", "components.schema_importer.executor.Executor"),
        *("--json_serialized_invocation_args", json.dumps(executor_input)),
        *("--json_serialized_inputs_spec_args", json.dumps(inputs_spec)),
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in uri.iterdir()] == ["schema.pbtxt"]
    copied = (uri / "schema.pbtxt").read_bytes()
    assert copied == (ROOT / "schema" / "schema.pbtxt").read_bytes()


@pytest.mark.slow
def test_the_command_is_installed(installed, tmp_path):
    done = in_image(installed, tmp_path, "shelfsort", "--help")
    assert done.returncode == 0 and "compile" in done.stdout
    assert os.access(installed / "bin" / "shelfsort", os.X_OK)
