"""BaselineModel: a model that was pushed before. Stands where TFX would use a Resolver."""

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
        "live_version": component_spec.ExecutionParameter(type=str, optional=True),
        "model_digest": component_spec.ExecutionParameter(type=str, optional=True),
        "code_digest": component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {}
    OUTPUTS: ClassVar = {
        "baseline": component_spec.ChannelParameter(type=standard_artifacts.Model),
    }


class BaselineModel(base_component.BaseComponent):
    """Copies one version of `serving_dir` into a Model artifact laid out as the Trainer's.

    Where there is none the artifact holds a file `NO_LIVE_MODEL` and no model. What names the
    version is an execution property, so that a cached copy is not used once another is meant.
    """

    SPEC_CLASS = BaselineModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        serving_dir: TextParameter,
        *,
        live_version: TextParameter | None = None,
        model_digest: TextParameter | None = None,
        code_digest: str | None = None,
    ):
        """Wires the component, given one of `live_version` and `model_digest`.

        Args:
            serving_dir: the model's base path `…/serving/<name>`, a folder or a URI.
            live_version: the number that is live, for a baseline to compare a candidate with; ""
                where nothing is.
            model_digest: of the model that training starts from, see `selection.start_digest`;
                "" for none. The newest version that holds it is copied; gone is as good as none.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            BaselineModelSpec(
                serving_dir=serving_dir,
                live_version=live_version,
                model_digest=model_digest,
                code_digest=code_digest,
                baseline=types.Channel(type=standard_artifacts.Model),
            )
        )
