"""Executor of SchemaImporter: copies the package's schema."""

from typing import Any

from tfx import types
from tfx.components.schema_gen.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

import schema


class Executor(base_executor.BaseExecutor):
    """Writes the file that TFX's own components look for in a Schema artifact."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See SchemaImporter for the channels and execution properties."""
        uri = artifact_utils.get_single_uri(output_dict["schema"])
        io_utils.copy_file(str(schema.SCHEMA_FILE), f"{uri}/{DEFAULT_FILE_NAME}", overwrite=True)
