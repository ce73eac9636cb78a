"""KFP's own orchestrator runs the compiled spec: an implementation that is not ours accepts it."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        importlib.util.find_spec("kfp.local.pipeline_orchestrator") is None,
        reason="this KFP has no local orchestrator: the tfx-1.21 stack has",
    ),
]

# KFP runs only its own Python components as processes, and container components in Docker. The one
# check that says so is taken out; everything else is KFP's.
RUN = """
import sys
from kfp import components, local
from kfp.local import subprocess_task_handler

handler = subprocess_task_handler.SubprocessTaskHandler
handler.validate_not_container_component = lambda self, command: None
pipeline = components.load_component_from_file(sys.argv[1])
local.init(
    runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[2], raise_on_error=True
)
pipeline()
"""


@pytest.fixture(scope="module")
def volume(tmp_path_factory, compiled, finished_run) -> Path:
    """A folder in which KFP's local runner ran the compiled pipeline."""
    folder = tmp_path_factory.mktemp("volume").resolve()
    catalogue = folder / "catalogue"
    shutil.copytree(finished_run.catalogue.directory, catalogue)
    compiled(
        folder / "pipeline.yaml",
        *("--manifest", catalogue / finished_run.catalogue.manifest.name),
        *("--taxonomy", catalogue / finished_run.catalogue.taxonomy.name),
        *("--root", folder / "artifacts", "--serving", folder / "serving"),
        *("--set", f"kubeflow.volumes={{data: {folder}}}"),
        *(part for setting in finished_run.settings for part in ("--set", setting)),
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-c", RUN, folder / "pipeline.yaml", folder / "artifacts"]
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return folder


def test_the_model_is_pushed(volume):
    (version,) = (volume / "serving/shelfsort").iterdir()
    assert (version / "saved_model.pb").is_file()
    assert (version / "assets.extra/shelfsort.json").is_file()
