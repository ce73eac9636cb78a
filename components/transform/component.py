"""Transform: what turns raw products into what the towers take, in training and when served."""

from typing import ClassVar

from pydantic import TypeAdapter
from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.transform.executor import Executor
from components.transform.settings import TransformConfig


class TransformSpec(component_spec.ComponentSpec):
    """Channels and execution properties of Transform."""

    PARAMETERS: ClassVar = {
        "transform": component_spec.ExecutionParameter(type=str),
        "encoded": component_spec.ExecutionParameter(type=int, optional=True),
        "code_digest": component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS: ClassVar = {
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph)
    }


class Transform(base_beam_component.BaseBeamComponent):
    """Learns vocabularies from the split `train`, and writes TFT's graph of `preprocessing_fn`.

    It takes the place of TFX's component of that name, which needs 15 s of processor time for the
    smallest catalogue: its analyzers read products twice, for vocabularies and for document
    frequencies, in a hundred Beam stages. Products are not written out transformed: the Trainer
    puts them through the graph itself, and a copy would hold every picture once more.
    """

    SPEC_CLASS = TransformSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        transform: TransformConfig,
        *,
        encoded: bool = False,
        code_digest: str | None = None,
    ):
        """Wires the component.

        Args:
            examples: with the split `train`.
            schema: names the raw features.
            transform: sizes of vocabularies.
            encoded: whether the graph passes on the texts, for an encoder.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            TransformSpec(
                examples=examples,
                schema=schema,
                transform=TypeAdapter(TransformConfig).dump_json(transform).decode(),
                encoded=1 if encoded else None,
                code_digest=code_digest,
                transform_graph=types.Channel(type=standard_artifacts.TransformGraph),
            )
        )
