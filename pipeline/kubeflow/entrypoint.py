"""What the image runs for a step: TFX's entrypoint, given what it can read.

Takes TFX's own arguments. See `executor_input` for what is corrected and why.
"""

import argparse
import gc
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import app
from google.protobuf import json_format

from pipeline.kubeflow.executor_input import (
    ComponentInputsSpec,
    ExecutorInput,
    ExecutorOutput,
    StagedStores,
    fill_types,
    local_outputs,
    restore_addresses,
)
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import one_line

STAGING_ROOT = "SHELFSORT_STAGING_ROOT"
"""Environment variable: where the launcher's `minio` and `s3` folders lie; `/` without it."""
BAD_INPUT = 2


def run_step(argv: Sequence[str]) -> int:
    """Runs one step.

    Args:
        argv: TFX's arguments, then Beam's.

    Returns:
        The exit status: 0, or 2 where the step's input is at fault, which is then said in a line.
    """
    arguments, beam_arguments = _parse(argv)
    executor_input = json_format.Parse(
        arguments.json_serialized_invocation_args, ExecutorInput(), ignore_unknown_fields=True
    )
    inputs_spec = json_format.Parse(
        arguments.json_serialized_inputs_spec_args,
        ComponentInputsSpec(),
        ignore_unknown_fields=True,
    )
    fill_types(executor_input, inputs_spec)
    addresses = StagedStores(os.environ.get(STAGING_ROOT, "/")).localize(executor_input)
    for folder in local_outputs(executor_input):
        _make_empty(Path(folder))
    arguments.json_serialized_invocation_args = json_format.MessageToJson(executor_input)
    # Costs ten seconds: not before the arguments are known to be sound.
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor
    from tfx.utils import import_utils

    import_utils.import_class_by_path(arguments.executor_class_path)
    # Collections of garbage need not look at what lives to the end anyway.
    gc.freeze()
    try:
        kubeflow_v2_run_executor.main((arguments, beam_arguments))
    except InputError as error:
        print(f"shelfsort: {one_line(str(error))}", file=sys.stderr)
        return BAD_INPUT
    if addresses:
        _restore(Path(executor_input.outputs.output_file), addresses)
    return 0


def _parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", required=True)
    return parser.parse_known_args(argv)


def _make_empty(folder: Path) -> None:
    """TFX's own orchestrators make the folders; a step that is tried again may find half of one."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _restore(output_file: Path, addresses: dict[str, str]) -> None:
    output = json_format.Parse(output_file.read_text(), ExecutorOutput())
    restore_addresses(output, addresses)
    output_file.write_text(json_format.MessageToJson(output))


if __name__ == "__main__":
    app.run(lambda _: run_step(sys.argv[1:]), argv=sys.argv[:1])
