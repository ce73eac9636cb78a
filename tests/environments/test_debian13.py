"""The README's commands and the executed spec on TFX 1.21, in a bare Debian 13 root."""

import pytest

from tests.environments import debian13

COVERS = (
    "stacks/choose",
    "stacks/tfx-1.21/requirements*.lock",
    "shelfsort/core/stack.py",
    "tests/environments/debian13.py",
    "tests/environments/test_debian13.py",
)

pytestmark = [
    pytest.mark.timeout(14400),
    pytest.mark.skipif(bool(debian13.reason_to_skip()), reason=debian13.reason_to_skip()),
]


@pytest.fixture(scope="module")
def setup() -> str:
    debian13.make_root()
    return debian13.inside("make", "setup")


def test_set_up_takes_the_newest_stack(setup):
    assert debian13.inside("cat", ".venv/stack").strip() == "tfx-1.21"
    versions = (
        "import tensorflow, tfx.version; print(tensorflow.__version__, tfx.version.__version__)"
    )
    tensorflow, tfx = debian13.inside(".venv/bin/python", "-c", versions).split()
    assert (tensorflow[:5], tfx[:5]) == ("2.21.", "1.21.")


def test_the_quick_tests_pass(setup):
    debian13.inside("make", "test-quick")


def test_the_demo_pushes_a_model_and_asks_it(setup):
    debian13.inside("rm", "-rf", "demo-output")
    printed = debian13.inside("make", "demo")
    assert "Live: version 1" in printed
    assert "Kitchen" in printed.rpartition("over gRPC")[2]


@pytest.mark.parametrize("name", ["test_executed_spec.py", "test_kfp_local.py"])
def test_the_compiled_spec_runs(setup, name):
    path = f"tests/pipeline/kubeflow/{name}"
    printed = debian13.inside(".venv/bin/python", "-m", "pytest", path, "-rA")
    assert "passed" in printed and "skipped" not in printed
