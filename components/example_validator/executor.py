"""TFX's validation, which records anomalies, followed by a stop where there are any."""

from typing import Any

from absl import logging
from tfx import types
from tfx.components.example_validator import executor as stock
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.example_validator.artifact import describe_anomalies
from shelfsort.core.errors import InputError


class Executor(stock.Executor):
    """Writes the anomalies as TFX does, and raises when there are any."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> execution_result_pb2.ExecutorOutput:
        """Validates every split.

        Raises:
          InputError: with each anomaly on a line of its own.
        """
        result = super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.ANOMALIES_KEY]
        )
        lines = describe_anomalies(artifact.uri, artifact.splits)
        if lines:
            for line in lines:
                logging.error("anomaly: %s", line)
            raise InputError(
                f"the examples are not what schema/schema.pbtxt declares ({len(lines)} "
                "anomalies). Correct the manifest, or change the schema:\n  " + "\n  ".join(lines)
            )
        return result
