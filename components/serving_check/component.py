"""ServingCheck: whether a server can load the exported model and it keeps the served contract."""

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.serving_check import executor
from components.serving_check.settings import ServingCheckConfig

DEFAULT_TOLERANCE = 1e-4


class ServingCheckSpec(component_spec.ComponentSpec):
    """Channels and execution properties of ServingCheck."""

    PARAMETERS: ClassVar = {
        "golden_products": component_spec.ExecutionParameter(type=int),
        "tolerance": component_spec.ExecutionParameter(type=float),
        "time_limit_s": component_spec.ExecutionParameter(type=int),
        "measurement": component_spec.ExecutionParameter(type=str, optional=True),
        "code_digest": component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing),
    }


class ServingCheck(base_component.BaseComponent):
    """Loads the model in a fresh process, as a server does, and replays golden products.

    The `blessing` holds `report.json` with every check and its reason. A model that cannot be
    loaded is not blessed; it does not stop the pipeline.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        golden_products: int = ServingCheckConfig.golden_products,
        tolerance: float = DEFAULT_TOLERANCE,
        time_limit_s: int = ServingCheckConfig.time_limit_s,
        measurement: str | None = None,
        code_digest: str | None = None,
    ):
        """Wires the component.

        Args:
            examples: Examples with a split `eval`.
            model: the Trainer's model.
            golden_products: how many products of `eval` are replayed beside the synthetic ones.
            tolerance: the largest difference between two scores that counts as none.
            time_limit_s: after so many seconds the replay is stopped and the model not blessed.
            measurement: changes where the cost is to be measured again.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            ServingCheckSpec(
                examples=examples,
                model=model,
                golden_products=golden_products,
                tolerance=tolerance,
                time_limit_s=time_limit_s,
                measurement=measurement,
                code_digest=code_digest,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
