"""Trainer's executor: TFX's own, which also hands on the tree and a digest."""

from typing import Any

from tfx import types
from tfx.components.trainer.executor import GenericExecutor
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import artifact_utils


class Executor(GenericExecutor):
    """Adds `taxonomy` and `manifest_digest` to the module's `custom_config`."""

    def _GetFnArgs(  # noqa: N802 - TFX's hook
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> FnArgs:
        fn_args = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        fn_args.custom_config |= {
            "manifest_digest": exec_properties["manifest_digest"],
            "taxonomy": f"{artifact_utils.get_single_uri(input_dict['taxonomy'])}/taxonomy.json",
        }
        return fn_args
