"""Executor of ServingCheck: golden products out of the examples, a verdict into the blessing."""

import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.blessing import INFRA_BLESSING
from components.check import failed
from components.serving_check.artifact import ServingReport
from components.serving_check.fresh_process import replay_in_fresh_process
from components.serving_check.golden import golden_products
from shelfsort.core.progress import note
from shelfsort.core.storage import join

_SPLIT = "eval"


class Executor(base_executor.BaseExecutor):
    """Runs the replay and writes the blessing."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See ServingCheck for the channels and execution properties."""
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        wanted = golden_products(
            _first_examples(input_dict["examples"], int(exec_properties["golden_products"]))
        )
        with tempfile.TemporaryDirectory(prefix="serving-check-") as scratch:
            requests = Path(scratch) / "requests.tfrecord"
            with tf.io.TFRecordWriter(str(requests)) as writer:
                for example in wanted:
                    writer.write(example)
            report = replay_in_fresh_process(
                path_utils.serving_model_path(model.uri),
                requests,
                Path(scratch),
                tolerance=float(exec_properties["tolerance"]),
                time_limit_s=float(exec_properties["time_limit_s"]),
            )
        _write_blessing(blessing, report)


def _first_examples(examples: list[types.Artifact], count: int) -> list[bytes]:
    folder = artifact_utils.get_split_uri(examples, _SPLIT)
    files = sorted(join(folder, name) for name in fileio.listdir(folder))
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP").take(count)
    return list(dataset.as_numpy_iterator())


def _write_blessing(blessing: types.Artifact, report: ServingReport) -> None:
    report.write(blessing.uri)
    INFRA_BLESSING.write(blessing.uri, report.blessed)
    blessing.set_int_custom_property("blessed", int(report.blessed))
    for check in failed(report.checks):
        note(f"not servable: {check}")
