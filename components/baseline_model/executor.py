"""Executor of BaselineModel: copies a version into a Model artifact."""

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.baseline_model.artifact import LIVE_VERSION, NO_LIVE_MODEL_FILE
from components.baseline_model.selection import live_baseline, newest_with_digest
from serving.versions import ModelVersion
from shelfsort.core.progress import note
from shelfsort.core.storage import join


class Executor(base_executor.BaseExecutor):
    """Writes a model, or a file that says there is none."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See BaselineModel for the channels and execution properties."""
        baseline = artifact_utils.get_single_instance(output_dict["baseline"])
        serving_dir = exec_properties["serving_dir"]
        digest = exec_properties.get("model_digest")
        if digest is not None:
            version = newest_with_digest(serving_dir, digest)
            copied = "training may start from version {}"
            absent = "training has no model to start from"
        else:
            version = live_baseline(serving_dir, exec_properties.get("live_version") or "")
            copied = "live version {} is what the candidate must not fall behind"
            absent = "no model is live yet: the candidate has nothing to be compared with"
        _write(baseline, version)
        note(copied.format(version.number) if version else absent)


def _write(baseline: types.Artifact, version: ModelVersion | None) -> None:
    if version is None:
        fileio.makedirs(baseline.uri)
        io_utils.write_string_file(join(baseline.uri, NO_LIVE_MODEL_FILE), "")
        return
    io_utils.copy_dir(version.path, path_utils.serving_model_dir(baseline.uri))
    baseline.set_string_custom_property(LIVE_VERSION, str(version.number))
    baseline.set_string_custom_property("model_digest", version.digest)
