"""ExampleValidator that stops the run: TFX's own component with an executor that raises."""

from tfx.components import ExampleValidator as StockExampleValidator
from tfx.dsl.components.base import executor_spec

from components.example_validator.executor import Executor


class ExampleValidator(StockExampleValidator):
    """TFX's ExampleValidator, except that anomalies fail the execution.

    TFX's own only marks the artifact, and what follows would train on bad data.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
