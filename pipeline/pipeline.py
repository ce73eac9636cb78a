"""The Shelfsort pipeline: one graph for this machine and for Kubeflow."""

import dataclasses

from tfx.components import StatisticsGen
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.metadata import ConnectionConfigType
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel import BaseChannel

import schema
from components.baseline_model.component import BaselineModel
from components.drift_check.component import DriftCheck
from components.evaluator.component import Evaluator
from components.example_validator.component import ExampleValidator
from components.manifest_example_gen.component import ManifestExampleGen
from components.parameters import TextParameter
from components.pusher.component import Pusher
from components.report_gen.component import ReportGen
from components.schema_importer.component import SchemaImporter
from components.serving_check.component import ServingCheck
from components.trainer.component import Trainer
from components.transform.component import Transform
from components.tuner.component import Tuner
from pipeline.beam_args import check_shared_root, component_args
from pipeline.code_digest import code_digest
from pipeline.config import Config, changed_settings, to_dict
from shelfsort.contract.calibration import CALIBRATION_SPLIT


@dataclasses.dataclass(frozen=True)
class Source:
    """What a run is made from.

    Attributes:
        manifest, taxonomy: paths or addresses of the labelled products and of the tree; the
            manifest may be a folder or a pattern.
        label_attribute: of the manifest; "" where it has only one.
        content_digest: of both and of the pictures.
        spans: JSON object: the manifest's files that the digest is of, and the lines of each; empty
            where they are not known.
    """

    manifest: TextParameter
    taxonomy: TextParameter
    label_attribute: str
    content_digest: TextParameter
    spans: TextParameter = "{}"


@dataclasses.dataclass(frozen=True)
class _Data:
    """Steps that read and validate the products, and learn their vocabularies."""

    example_gen: ManifestExampleGen
    statistics_gen: StatisticsGen
    schema_importer: SchemaImporter
    example_validator: ExampleValidator
    transform: Transform

    @property
    def examples(self) -> BaseChannel:
        return self.example_gen.outputs["examples"]

    @property
    def taxonomy(self) -> BaseChannel:
        return self.example_gen.outputs["taxonomy"]

    @property
    def anomalies(self) -> BaseChannel:
        return self.example_validator.outputs["anomalies"]


@dataclasses.dataclass(frozen=True)
class _Training:
    """Steps that make a model; `tuner` where settings ask for it."""

    tuner: Tuner | None
    trainer: Trainer

    @property
    def model(self) -> BaseChannel:
        return self.trainer.outputs["model"]


@dataclasses.dataclass(frozen=True)
class _Checks:
    """Steps that judge a model."""

    drift_check: DriftCheck
    serving_check: ServingCheck
    evaluator: Evaluator

    @property
    def verdict(self) -> dict[str, BaseChannel]:
        """What report and Pusher both read."""
        return {
            "evaluation": self.evaluator.outputs["evaluation"],
            "model_blessing": self.evaluator.outputs["blessing"],
            "infra_blessing": self.serving_check.outputs["blessing"],
            "drift": self.drift_check.outputs["drift"],
        }


def create_components(
    source: Source,
    config: Config,
    *,
    serving_dir: TextParameter,
    live_version: TextParameter,
    start_digest: TextParameter = "",
    title: str = "",
    serving_logs_digest: TextParameter = "",
    weights_digest: TextParameter = "",
    measurement: str = "",
) -> list[BaseComponent]:
    """Wires the graph.

    Args:
        source: the labelled products.
        config: all settings.
        serving_dir: the model's base path, where versions are pushed.
        live_version: number of the version that is live when the run begins; "" for none.
        start_digest: of the model that training starts from with `training.fit.warm_start`.
        title: what the report calls the run.
        serving_logs_digest: of the logs that `drift.serving_logs` names; "" for none.
        weights_digest: of the weights files that settings name, so that a run with other ones
            reuses no model; "" for none.
        measurement: another text for each run that has to measure the cost of serving by itself.
    """
    data = _data(source, config)
    start = _start_model(serving_dir, start_digest) if config.training.fit.warm_start else None
    training = _training(data, config, start, weights_digest)
    baseline = BaselineModel(
        serving_dir=serving_dir,
        live_version=live_version,
        code_digest=code_digest("components/baseline_model"),
    )
    checks = _checks(data, training, baseline, config, serving_logs_digest, measurement)
    return [
        data.example_gen,
        data.statistics_gen,
        data.schema_importer,
        data.example_validator,
        data.transform,
        *filter(None, [training.tuner]),
        training.trainer,
        baseline,
        *filter(None, [start]),
        checks.drift_check,
        checks.serving_check,
        checks.evaluator,
        _report(data, training, checks, config, title),
        _pusher(training, checks, config, serving_dir),
    ]


def _data(source: Source, config: Config) -> _Data:
    example_gen = _example_gen(source, config)
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples, stats_options=schema.statistics_options())
    schema_importer = SchemaImporter(code_digest=code_digest("components/schema_importer"))
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"],
        schema=schema_importer.outputs["schema"],
        code_digest=code_digest("components/example_validator"),
    )
    transform = Transform(
        examples=examples,
        schema=schema_importer.outputs["schema"],
        transform=config.transform,
        encoded=any((config.training.text.encoder, *_searched_encoders(config))),
        code_digest=code_digest("components/transform"),
    )
    # Training waits until the data is validated.
    transform.add_upstream_node(example_validator)
    return _Data(example_gen, statistics_gen, schema_importer, example_validator, transform)


def _training(
    data: _Data, config: Config, start: BaselineModel | None, weights_digest: TextParameter
) -> _Training:
    inputs = {
        "examples": data.examples,
        "transform_graph": data.transform.outputs["transform_graph"],
        "taxonomy": data.taxonomy,
    }
    common = {"training": to_dict(config.training), "targets": list(config.targets)}
    tuner = None
    if config.tuning.trials:
        own = {"tuning": to_dict(config.tuning), "code_digest": code_digest("components/tuner")}
        tuner = Tuner(**inputs, custom_config=common | own, weights_digest=weights_digest)
    own = {"model_name": config.name, "code_digest": code_digest("components/trainer")}
    trainer = Trainer(
        **inputs,
        custom_config=common | own,
        base_model=start.outputs["baseline"] if start else None,
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        weights_digest=weights_digest,
        calibration_split=CALIBRATION_SPLIT in config.data.splits,
    )
    return _Training(tuner, trainer)


def _checks(
    data: _Data,
    training: _Training,
    baseline: BaselineModel,
    config: Config,
    serving_logs_digest: TextParameter,
    measurement: str,
) -> _Checks:
    drift_check = DriftCheck(
        examples=data.examples,
        taxonomy=data.taxonomy,
        baseline_model=baseline.outputs["baseline"],
        settings=config.drift,
        serving_logs_digest=serving_logs_digest,
        code_digest=code_digest("components/drift_check"),
    )
    serving_check = ServingCheck(
        examples=data.examples,
        model=training.model,
        golden_products=config.serving_check.golden_products,
        time_limit_s=config.serving_check.time_limit_s,
        measurement=measurement,
        code_digest=code_digest("components/serving_check"),
    )
    evaluator = Evaluator(
        examples=data.examples,
        taxonomy=data.taxonomy,
        model=training.model,
        baseline_model=baseline.outputs["baseline"],
        anomalies=data.anomalies,
        drift=drift_check.outputs["drift"],
        infra_blessing=serving_check.outputs["blessing"],
        gate=config.gate,
        slices=config.slices,
        code_digest=code_digest("components/evaluator"),
    )
    return _Checks(drift_check, serving_check, evaluator)


def _report(
    data: _Data, training: _Training, checks: _Checks, config: Config, title: str
) -> ReportGen:
    return ReportGen(
        **checks.verdict,
        examples=data.examples,
        rejects=data.example_gen.outputs["rejects"],
        taxonomy=data.taxonomy,
        anomalies=data.anomalies,
        model=training.model,
        model_run=training.trainer.outputs["model_run"],
        tuner_results=training.tuner.outputs["tuner_results"] if training.tuner else None,
        model_name=config.name,
        title=title,
        settings=changed_settings(config),
        max_errors=config.report.max_errors,
        explained_errors=config.report.explained_errors,
        price_per_answer=config.report.price_per_answer,
        code_digest=code_digest("components/report_gen"),
    )


def _pusher(
    training: _Training, checks: _Checks, config: Config, serving_dir: TextParameter
) -> Pusher:
    return Pusher(
        **checks.verdict,
        model=training.model,
        serving_dir=serving_dir,
        model_name=config.name,
        approved_by=config.gate.approved_by or "",
        code_digest=code_digest("components/pusher"),
    )


def create_pipeline(
    components: list[BaseComponent],
    config: Config,
    *,
    root: str,
    metadata: ConnectionConfigType | None = None,
    worker_image: str = "",
) -> Pipeline:
    """The components as a pipeline named after the model.

    Args:
        components: from `create_components`.
        config: names the pipeline and says where Beam runs.
        root: folder or URI for artifacts.
        metadata: connection of the metadata store; None where the orchestrator has its own.
        worker_image: of Beam's workers, for a runner that starts containers and is given no other.

    Raises:
        InputError: such a runner is configured and there is no image, or its workers could not
            open the root.
    """
    for component in components:
        if isinstance(component, BaseBeamComponent):
            args = component_args(component.id, config.beam, worker_image)
            check_shared_root(component.id, args, root)
            component.with_beam_pipeline_args(args)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=root,
        components=components,
        enable_cache=True,
        metadata_connection_config=metadata,
    )


def _start_model(serving_dir: TextParameter, digest: TextParameter) -> BaselineModel:
    # Not the baseline itself: with that, every push would start another training on the same data.
    return BaselineModel(
        serving_dir=serving_dir,
        model_digest=digest,
        code_digest=code_digest("components/baseline_model"),
    ).with_id("StartModel")


def _searched_encoders(config: Config) -> tuple[str, ...]:
    return config.tuning.space.encoders if config.tuning.trials else ()


def _example_gen(source: Source, config: Config) -> ManifestExampleGen:
    return ManifestExampleGen(
        manifest=source.manifest,
        taxonomy=source.taxonomy,
        data=dataclasses.replace(config.data, label_attribute=source.label_attribute),
        content_digest=source.content_digest,
        spans=source.spans,
        code_digest=code_digest("components/manifest_example_gen"),
    )
