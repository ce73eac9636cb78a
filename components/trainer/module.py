"""Trainer's user module: from transformed examples to a served model that knows how sure it is."""

import contextlib
import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow_transform as tft
from pydantic import TypeAdapter
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader
from tfx.components.trainer.fn_args_utils import FnArgs

from components.trainer.artifact import ModelRun, write_held_out, write_index, write_suspects
from components.trainer.failed_proofs import failed_proofs
from components.trainer.fit_summary import fit_summary
from components.trainer.held_out import held_out_archive
from components.trainer.reading import label_space, open_cache, vocabulary_sizes
from components.transform.artifact import (
    CATEGORIES_VOCABULARY,
    PIECES_VOCABULARY,
    WORDS_VOCABULARY,
)
from shelfsort.contract.calibration import CALIBRATION_SPLIT
from shelfsort.contract.learning_curve import LearningCurve
from shelfsort.contract.model_files import (
    BASE_MODEL,
    ENCODER,
    FINE_TUNED,
    LEARNING_CURVE,
    PRODUCTS,
    UNKNOWN,
)
from shelfsort.contract.signatures import INPUT_NAMES
from shelfsort.contract.unknown import Rates, rates_to_json
from shelfsort.core.cost import Clock, Cost
from shelfsort.core.progress import note
from shelfsort.training import export
from shelfsort.training.backbones import Backbone, load_backbone
from shelfsort.training.calibration import (
    Calibrated,
    Rules,
    calibrate,
    threshold_version,
)
from shelfsort.training.dataset import (
    Products,
    read_products,
    record_batches,
    texts_to_encode,
    trimmed,
)
from shelfsort.training.embedding import embed_new_pictures
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.evidence import Scored
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.finetuning.devices import require_gpus
from shelfsort.training.finetuning.tuned_pictures import with_tuned_backbone
from shelfsort.training.finetuning.tuned_texts import with_tuned_encoder
from shelfsort.training.fitting import (
    Fit,
    Start,
    VocabularySizes,
    fit,
    tower_logits,
)
from shelfsort.training.indexing import training_index
from shelfsort.training.label_noise import try_search
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.learning_curve import learning_curve
from shelfsort.training.served_model import ServedModel
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.text_embedding import TextEmbeddings
from shelfsort.training.tuning.groups import without_searched
from shelfsort.training.tuning.space import checked_settings, with_settings
from shelfsort.training.unknown import UnknownCheck, fit_unknown
from shelfsort.training.unknown_rates import unknown_rates
from shelfsort.training.warm_start import ColdStart, Terms, read_live_towers

_WARM_UP_PRODUCTS = 32


def run_fn(fn_args: FnArgs) -> None:
    """Trains, calibrates and exports; called by the Trainer component.

    `fn_args.custom_config` holds `training` (fields of TrainingConfig), `targets` (accuracies to
    guarantee), `taxonomy` (path of the tree), and for the model's lineage `model_name`,
    `manifest_digest`, `splits` and, where training was given a model to start from, `base_model`.
    `fn_args.hyperparameters` are settings that a search has found, by dotted key of `training`.
    """
    job, cost = _Job.of(fn_args), _Costs()
    data = _read(job, cost)
    trained = _train(job, data, cost)
    _export(job, data, trained)
    cost.took("export")
    _write_run(job, data, trained, cost)


@dataclasses.dataclass(frozen=True)
class _Job:
    """What is to be done.

    Attributes:
        fn_args: see `run_fn`.
        config: settings, with those that a search has found.
        transformed: Transform's output.
        labels: the categories.
    """

    fn_args: FnArgs
    config: TrainingConfig
    transformed: tft.TFTransformOutput
    labels: LabelSpace

    @classmethod
    def of(cls, fn_args: FnArgs) -> "_Job":
        config = TypeAdapter(TrainingConfig).validate_python(fn_args.custom_config["training"])
        if fn_args.hyperparameters:
            config = with_settings(config, checked_settings(fn_args.hyperparameters, "the search"))
        transformed = tft.TFTransformOutput(fn_args.transform_output)
        labels = label_space(transformed, fn_args.custom_config["taxonomy"])
        return cls(fn_args, config, transformed, labels)

    @property
    def custom(self) -> dict[str, Any]:
        return self.fn_args.custom_config

    @property
    def sizes(self) -> VocabularySizes:
        return vocabulary_sizes(self.transformed, self.labels)

    @property
    def files(self) -> list[list[str]]:
        """Those of the split `train`, and of `calibration` where there is one."""
        apart = CALIBRATION_SPLIT in self.custom["splits"]
        return [self.fn_args.train_files, *([self.fn_args.eval_files] if apart else [])]


class _Costs:
    """What each part of a job took."""

    def __init__(self) -> None:
        self._clock = Clock()
        self.by_part: dict[str, Cost] = {}

    def took(self, part: str) -> None:
        """Names the part that ended just now."""
        self.by_part[part] = self._clock.lap().rounded()


@dataclasses.dataclass(frozen=True)
class _Data:
    """What is learnt from, and by what.

    Attributes:
        backbone: that embeds images; tuned where that is set.
        texts: embeds texts; None without an encoder.
        train: the split.
        calibration: the split of this name where there is one.
        embedded: images that were embedded just now.
    """

    backbone: Backbone
    texts: TextEmbeddings | None
    train: Products
    calibration: Sequence[Products]
    embedded: int

    @property
    def counts(self) -> dict[str, int]:
        """Products by split."""
        names = ("train", CALIBRATION_SPLIT)
        splits = (self.train, *self.calibration)
        return {name: len(each) for name, each in zip(names, splits, strict=False)}


@dataclasses.dataclass(frozen=True)
class _Trained:
    """What is served, and what is known of it.

    Attributes:
        fitted: the towers.
        unknown: the check for unknown products.
        rates: at which it notices them.
        found: the thresholds, and the answers that they were fitted on.
        curve: how accuracy grows with the labels; None where products are too few.
    """

    fitted: Fit
    unknown: UnknownCheck
    rates: Rates
    found: Calibrated
    curve: LearningCurve | None

    @property
    def version(self) -> str:
        return threshold_version(self.found.calibration, self.fitted.crossed.fusion, self.unknown)


def _read(job: _Job, cost: _Costs) -> _Data:
    config, files = job.config, job.fn_args
    require_gpus(config.image.fine_tuning)
    require_gpus(config.text.fine_tuning)
    image = config.image
    backbone = load_backbone(image.backbone, image.backbone_weights, image.image_size)
    texts = TextEmbeddings.of(config)
    with contextlib.closing(open_cache(config, backbone)) as cache:
        embedded = embed_new_pictures([*files.train_files, *files.eval_files], backbone, cache)
        cost.took("embedding")
        train, *calibration = _read_splits(job, cache, backbone, texts)
    if not calibration and config.calibration.searched_share:
        train = without_searched(train, config.calibration.searched_share)
    cost.took("reading")
    backbone, (train, *calibration) = with_tuned_backbone(
        backbone, job.files, [train, *calibration], len(job.labels.categories), config
    )
    if backbone.tuned:
        cost.took("fine-tuning")
    if texts and config.text.fine_tuning.layers != "none":
        texts, (train, *calibration) = _with_tuned_encoder(job, texts, [train, *calibration])
        cost.took("fine-tuning of the encoder")
    return _Data(backbone, texts, train, calibration, embedded)


def _with_tuned_encoder(
    job: _Job, texts: TextEmbeddings, splits: Sequence[Products]
) -> tuple[TextEmbeddings, Sequence[Products]]:
    contents = [Contents(texts_to_encode(files, job.transformed)) for files in job.files]
    return with_tuned_encoder(texts, contents, splits, job.labels, job.config)


def _read_splits(
    job: _Job, pictures: EmbeddingCache, backbone: Backbone, texts: TextEmbeddings | None
) -> list[Products]:
    """The split `train`, and `calibration` where there is one."""
    width = backbone.embedding_size
    with contextlib.closing(texts) if texts else contextlib.nullcontext():
        splits = trimmed(
            *(
                read_products(files, job.transformed, pictures, width, texts, job.labels)
                for files in job.files
            )
        )
    if texts is None:
        return splits
    named = texts.of_categories(job.labels)
    return [dataclasses.replace(split, category_embeddings=named) for split in splits]


def _train(job: _Job, data: _Data, cost: _Costs) -> _Trained:
    config, labels, train = job.config, job.labels, data.train
    logs = Path(job.fn_args.model_run_dir) / "tensorboard"
    start = _warm_start(job) if config.fit.warm_start else None
    fitted = fit(train, job.sizes, config, labels.categories, logs, start)
    cost.took("fitting")
    note(fit_summary(fitted, train, config))
    held_out = _cross_fitted(train, fitted)
    unknown = fit_unknown(held_out)
    rates = unknown_rates(train, fitted.crossed, job.sizes, labels, config)
    cost.took("unknown products")
    apart = [_apart(each, fitted, unknown.check) for each in data.calibration]
    held_out = dataclasses.replace(held_out, unknown=unknown.scores)
    found = calibrate(held_out, labels, _rules(job), *apart)
    cost.took("thresholds")
    curve = learning_curve(
        train,
        fitted.crossed,
        job.sizes,
        labels,
        found.calibration,
        config,
        job.custom["splits"],
    )
    cost.took("learning curve")
    return _Trained(fitted, unknown.check, rates, found, curve)


def _rules(job: _Job) -> Rules:
    given = job.config.calibration
    return Rules(
        given.confidence,
        given.threshold_scope,
        given.marginal_accuracy,
        job.custom["targets"],
        given.unknown_alarms,
    )


def _export(job: _Job, data: _Data, trained: _Trained) -> None:
    held_out = None if data.calibration else trained.found.held_out(data.train, job.labels)
    export.write_served_model(
        job.fn_args.serving_model_dir,
        _served_model(job, data, trained),
        name=job.custom["model_name"],
        products=_first_products(job.fn_args.train_files),
        lineage=_lineage(job, data, trained),
        held_out=held_out,
    )


def _write_run(job: _Job, data: _Data, trained: _Trained, cost: _Costs) -> None:
    folder, train, texts = job.fn_args.model_run_dir, data.train, data.texts
    crossed = trained.fitted.crossed
    write_held_out(folder, held_out_archive(train, crossed, job.labels))
    write_suspects(folder, trained.fitted.suspects)
    fitted, images = trained.fitted, trained.unknown.space
    write_index(folder, training_index(train, fitted.towers, job.labels.categories, images))
    judged = data.calibration[0] if data.calibration else train
    failed_proofs(trained.found, judged, job.labels).write(folder)
    tried = try_search(
        train, crossed.held_out, crossed.fusion, crossed.folds, job.labels.categories
    )
    embedded = texts.embedded if texts else 0
    ModelRun(data.embedded, cost.by_part, tried, embedded).write(folder)


def _cross_fitted(train: Products, fitted: Fit) -> Scored:
    crossed = fitted.crossed
    return Scored(train, crossed.held_out, crossed.folds, crossed.fusions)


def _apart(products: Products, fitted: Fit, check: UnknownCheck) -> Scored:
    """The split `calibration`, answered by the final model."""
    logits = tower_logits(fitted.towers, products)
    scored = Scored.apart(products, logits, fitted.crossed.fusion)
    return dataclasses.replace(scored, unknown=check.scores(scored))


def _warm_start(job: _Job) -> Start:
    """Starts towers from the live model's, where there is one that they can start from."""
    terms = Terms(
        *(
            job.transformed.vocabulary_by_name(name)
            for name in (WORDS_VOCABULARY, PIECES_VOCABULARY, CATEGORIES_VOCABULARY)
        )
    )

    def start(towers: keras.Model) -> bool:
        try:
            live = read_live_towers(job.fn_args.base_model or "", job.config, job.custom["splits"])
            live.start(towers, terms)
        except ColdStart as why:
            note(f"cold start: {why}")
            return False
        note("the final fit starts from the live model's towers")
        return True

    return start


def _served_model(job: _Job, data: _Data, trained: _Trained) -> ServedModel:
    spec = job.transformed.raw_feature_spec()
    return ServedModel(
        transform=SavedModelLoader(job.transformed.transform_savedmodel_dir),
        raw_spec={name: spec[name] for name in INPUT_NAMES},
        backbone=data.backbone,
        towers=trained.fitted.towers,
        fusion=trained.fitted.crossed.fusion,
        labels=job.labels,
        calibration=trained.found.calibration,
        unknown=trained.unknown,
        version=trained.version,
        encoder=data.texts.encoder if data.texts else None,
    )


def _first_products(files: Sequence[str]) -> list[bytes]:
    records = record_batches(files).unbatch().take(_WARM_UP_PRODUCTS)
    return list(records.as_numpy_iterator())


def _lineage(job: _Job, data: _Data, trained: _Trained) -> dict[str, Any]:
    custom, labels, texts, curve = job.custom, job.labels, data.texts, trained.curve
    return {
        **({BASE_MODEL: custom[BASE_MODEL]} if BASE_MODEL in custom else {}),
        "name": custom["model_name"],
        "manifest_digest": custom["manifest_digest"],
        "splits": dict(custom["splits"]),
        "taxonomy_version": labels.taxonomy.version,
        "threshold_version": trained.version,
        "backbone": job.config.image.backbone,
        "categories": len(labels.categories),
        PRODUCTS: data.counts,
        "thresholds": trained.found.calibration.to_json(),
        "training": dataclasses.asdict(job.config),
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        **({ENCODER: texts.lineage()} if texts else {}),
        **({FINE_TUNED: data.backbone.tuned} if data.backbone.tuned else {}),
        UNKNOWN: rates_to_json(trained.rates),
        **({LEARNING_CURVE: curve.to_json()} if curve else {}),
    }
