"""SchemaImporter: hands the curated schema to the components that validate and transform."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.schema_importer.executor import Executor


class SchemaImporterSpec(ComponentSpec):
    """Parameters and channels of SchemaImporter."""

    PARAMETERS = {  # noqa: RUF012 - TFX's form
        "code_digest": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {}  # noqa: RUF012 - TFX's form
    OUTPUTS = {  # noqa: RUF012 - TFX's form
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }


class SchemaImporter(base_component.BaseComponent):
    """Copies `schema/schema.pbtxt` of the installed package into a Schema artifact.

    TFX's ImportSchemaGen takes a path when the pipeline is made; in a container the package lies
    elsewhere than on the machine that made the pipeline.
    """

    SPEC_CLASS = SchemaImporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, code_digest: str | None = None):
        """Wires the component.

        Args:
            code_digest: changes with the schema, so that an older one is not reused.
        """
        super().__init__(
            SchemaImporterSpec(
                code_digest=code_digest,
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )
