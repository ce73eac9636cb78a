"""Evaluator: measures the served model, holds it against the gate, and blesses it or does not."""

import json
from collections.abc import Sequence

from pydantic import TypeAdapter
from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import DataDrift, Taxonomy
from components.evaluator.executor import Executor
from components.evaluator.settings import GateConfig


class EvaluatorSpec(ComponentSpec):
    """Parameters and channels of the Evaluator; lists and mappings are JSON."""

    PARAMETERS = {  # noqa: RUF012 - TFX's form
        "gate": ExecutionParameter(type=str),
        "slices": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {  # noqa: RUF012 - TFX's form
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "taxonomy": ChannelParameter(type=Taxonomy),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies, optional=True),
        "drift": ChannelParameter(type=DataDrift, optional=True),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012 - TFX's form
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Scores `eval`, and `calibration` where there is one, as served, and judges the result.

    Outputs: `evaluation` (TFMA's files, `predictions.parquet`, `metrics.json`, `categories.json`
    and `verdict.json`) and `blessing`, in TFX's own form.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        taxonomy: types.BaseChannel,
        model: types.BaseChannel,
        *,
        gate: GateConfig,
        baseline_model: types.BaseChannel | None = None,
        anomalies: types.BaseChannel | None = None,
        drift: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        slices: Sequence[str] = (),
        code_digest: str | None = None,
    ):
        """Wires the component.

        Args:
            examples: with the split `eval`, and maybe `calibration`.
            taxonomy: the tree that the examples are labelled with.
            model: the new model; its signature `evaluate` is what is measured.
            baseline_model: the live model; an artifact without a SavedModel: none is live.
            anomalies: of the data; any of them refuses the model.
            drift: of the data against the live model's; what has drifted refuses the model.
            infra_blessing: ServingCheck's, with what the model costs to serve.
            gate: what is required of the model.
            slices: string features to slice by, besides category, parent, label confidence and
                what a product has.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        spec = EvaluatorSpec(
            examples=examples,
            taxonomy=taxonomy,
            model=model,
            baseline_model=baseline_model,
            anomalies=anomalies,
            drift=drift,
            infra_blessing=infra_blessing,
            gate=TypeAdapter(GateConfig).dump_json(gate).decode(),
            slices=json.dumps(list(slices)),
            code_digest=code_digest,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec=spec)
