"""BaselineModel: the model that is live, for comparison. Stands where TFX would use a Resolver."""

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.baseline_model import executor
from components.parameters import TextParameter


class BaselineModelSpec(component_spec.ComponentSpec):
    """Channels and execution properties of BaselineModel."""

    PARAMETERS: ClassVar = {
        "serving_dir": component_spec.ExecutionParameter(type=str),
        "live_version": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {}
    OUTPUTS: ClassVar = {
        "baseline": component_spec.ChannelParameter(type=standard_artifacts.Model),
    }


class BaselineModel(base_component.BaseComponent):
    """Copies the live version of `serving_dir` into a Model artifact laid out as the Trainer's.

    Where nothing is live the artifact holds a file `NO_LIVE_MODEL` and no model.
    """

    SPEC_CLASS = BaselineModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        serving_dir: TextParameter,
        live_version: str = "",
        code_digest: str | None = None,
    ):
        """Wires the component.

        Args:
            serving_dir: the model's base path `…/serving/<name>`, a folder or a URI.
            live_version: the number that is live, looked up when the pipeline is made. It is an
                execution property so that a cached baseline is not used once another model is
                live. Empty means: whatever is live when the component runs.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            BaselineModelSpec(
                serving_dir=serving_dir,
                live_version=live_version,
                code_digest=code_digest,
                baseline=types.Channel(type=standard_artifacts.Model),
            )
        )
