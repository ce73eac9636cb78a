"""ReportGen: draws the page that a reviewer signs from."""

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import DataDrift, Rejects, Report, Taxonomy
from components.report_gen.executor import Executor
from components.report_gen.settings import ReportConfig


class ReportGenSpec(ComponentSpec):
    """Channels and parameters of ReportGen."""

    PARAMETERS = {  # noqa: RUF012 - the name and the kind TFX asks for
        "model_name": ExecutionParameter(type=str),
        "title": ExecutionParameter(type=str),
        "settings": ExecutionParameter(type=str, optional=True),
        "max_errors": ExecutionParameter(type=int),
        "explained_errors": ExecutionParameter(type=int),
        "price_per_answer": ExecutionParameter(type=float, optional=True),
        "code_digest": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "rejects": ChannelParameter(type=Rejects),
        "taxonomy": ChannelParameter(type=Taxonomy),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies, optional=True),
        "drift": ChannelParameter(type=DataDrift, optional=True),
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun, optional=True),
        "tuner_results": ChannelParameter(type=standard_artifacts.TunerResults, optional=True),
    }
    OUTPUTS = {"report": ChannelParameter(type=Report)}  # noqa: RUF012


class ReportGen(base_component.BaseComponent):
    """Writes `index.html`, `report.json` (the page in brief) and `metrics.json` into `report`.

    Where labels are suspected, `relabel.manifest` lies beside them: JSON Lines for a new labelling
    job, see `shelfsort.labeling.label_issues.relabelling_lines`.

    Component `outputs` contains:
      - `report`: Channel of type `Report`.
    """

    SPEC_CLASS = ReportGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        rejects: types.BaseChannel,
        taxonomy: types.BaseChannel,
        evaluation: types.BaseChannel,
        model_blessing: types.BaseChannel,
        model_name: str,
        infra_blessing: types.BaseChannel | None = None,
        anomalies: types.BaseChannel | None = None,
        drift: types.BaseChannel | None = None,
        model: types.BaseChannel | None = None,
        model_run: types.BaseChannel | None = None,
        tuner_results: types.BaseChannel | None = None,
        title: str = "",
        settings: Mapping[str, Any] | None = None,
        max_errors: int = ReportConfig.max_errors,
        explained_errors: int = ReportConfig.explained_errors,
        price_per_answer: float | None = None,
        code_digest: str | None = None,
    ) -> None:
        """Wires the channels.

        Args:
            examples: Examples with the splits "eval", for the pictures, and "train", for the words
                of suspected label errors.
            rejects: the lines of the manifest that were refused.
            taxonomy: the tree that the examples are labelled with.
            evaluation: the Evaluator's figures, predictions and verdict.
            model_blessing: the Evaluator's blessing.
            model_name: the name the model is served under.
            infra_blessing: ServingCheck's blessing; without it the page says nothing of servers.
            anomalies: what ExampleValidator found; without it the page says it was not asked.
            drift: what DriftCheck found; likewise.
            model: the candidate, for its lineage and to explain errors.
            model_run: what the Trainer left beside it: its suspected label errors, its index of
                training products.
            tuner_results: the trials of a search of settings; without it the page has none.
            title: what the run is called on the page.
            settings: those that differ from the defaults, by dotted key.
            max_errors: how many confident errors to show with their pictures.
            explained_errors: how many of them, and of suspected labels, to explain; this needs
                `model` and `model_run`.
            price_per_answer: what one worker's answer cost, for the labelling's cost.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            spec=ReportGenSpec(
                examples=examples,
                rejects=rejects,
                taxonomy=taxonomy,
                evaluation=evaluation,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                anomalies=anomalies,
                drift=drift,
                model=model,
                model_run=model_run,
                tuner_results=tuner_results,
                model_name=model_name,
                title=title,
                settings=json.dumps(dict(settings or {})),
                max_errors=max_errors,
                explained_errors=explained_errors,
                price_per_answer=price_per_answer,
                code_digest=code_digest,
                report=types.Channel(type=Report),
            )
        )
