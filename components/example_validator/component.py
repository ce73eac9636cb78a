"""ExampleValidator that stops the run: TFX's own component with an executor that raises."""

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ExecutionParameter
from tfx.types.standard_component_specs import ExampleValidatorSpec as TfxExampleValidatorSpec

from components.example_validator.executor import Executor


class ExampleValidatorSpec(TfxExampleValidatorSpec):
    """Channels and parameters of TFX's ExampleValidator, and the digest of our code."""

    PARAMETERS: ClassVar = {
        **TfxExampleValidatorSpec.PARAMETERS,
        "code_digest": ExecutionParameter(type=str, optional=True),
    }


class ExampleValidator(base_component.BaseComponent):
    """TFX's ExampleValidator, except that anomalies fail the execution.

    TFX's own only marks the artifact, and what follows would train on bad data.
    """

    SPEC_CLASS = ExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        statistics: types.BaseChannel,
        schema: types.BaseChannel,
        code_digest: str | None = None,
    ):
        """Wires the component.

        Args:
            statistics: of every split.
            schema: what the statistics are compared with.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            ExampleValidatorSpec(
                statistics=statistics,
                schema=schema,
                exclude_splits="[]",
                code_digest=code_digest,
                anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )
