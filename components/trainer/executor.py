"""Trainer's executor: TFX's own, which also hands on the tree and what products were made from."""

from typing import Any

from tfx import types
from tfx.components.trainer.executor import GenericExecutor
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from shelfsort.contract.model_files import BASE_MODEL, recorded_digest
from shelfsort.products.manifest.provenance import ORIGIN_FILE, Origin


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
        with fileio.open(f"{examples.uri}/{ORIGIN_FILE}", "rb") as file:
            origin = Origin.from_json(file.read())
        fn_args.custom_config |= {
            "manifest_digest": origin.content_digest,
            "splits": origin.splits,
            "taxonomy": f"{artifact_utils.get_single_uri(input_dict['taxonomy'])}/taxonomy.json",
        }
        if input_dict.get(BASE_MODEL):
            fn_args.custom_config[BASE_MODEL] = recorded_digest(fn_args.base_model)
        return fn_args
