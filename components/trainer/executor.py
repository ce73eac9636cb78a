"""Trainer's executor: TFX's own, which also hands on the tree and what products were made from."""

from typing import Any

from tfx import types
from tfx.components.trainer.executor import GenericExecutor
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import artifact_utils

from components.manifest_example_gen.artifact import read_origin, taxonomy_file
from shelfsort.contract.model_files import BASE_MODEL, recorded_digest


class Executor(GenericExecutor):
    """Adds `taxonomy`, `manifest_digest` and `splits` to `custom_config`.

    Where there is an input `base_model`, its digest as well.
    """

    def _GetFnArgs(  # noqa: N802 - TFX's hook
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> FnArgs:
        fn_args = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        origin = read_origin(examples.uri)
        fn_args.custom_config |= {
            "manifest_digest": origin.content_digest,
            "splits": origin.splits,
            "taxonomy": taxonomy_file(artifact_utils.get_single_uri(input_dict["taxonomy"])),
        }
        if input_dict.get(BASE_MODEL):
            fn_args.custom_config[BASE_MODEL] = recorded_digest(fn_args.base_model)
        return fn_args
