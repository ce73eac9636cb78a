"""Trainer's user module: from transformed examples to a served model that knows how sure it is."""

import contextlib
import dataclasses
import datetime
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow_transform as tft
from pydantic import TypeAdapter
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader
from tfx.components.trainer.fn_args_utils import FnArgs

from components.trainer.artifact import (
    Disagreement,
    FailedProof,
    FailedProofs,
    ModelRun,
    write_held_out,
    write_suspects,
)
from components.trainer.reading import label_space, open_cache, vocabulary_sizes
from components.transform.artifact import (
    CATEGORIES_VOCABULARY,
    PIECES_VOCABULARY,
    WORDS_VOCABULARY,
)
from shelfsort.contract.calibration import CALIBRATION_SPLIT, Calibration
from shelfsort.contract.model_files import BASE_MODEL, ENCODER, FINE_TUNED, LEARNING_CURVE, UNKNOWN
from shelfsort.contract.signatures import INPUT_NAMES
from shelfsort.contract.unknown import rates_to_json
from shelfsort.core.cost import Clock
from shelfsort.core.progress import note
from shelfsort.training import export
from shelfsort.training.backbones import Backbone, load_backbone
from shelfsort.training.calibration import (
    Calibrated,
    Rules,
    calibrate,
    threshold_version,
)
from shelfsort.training.dataset import Products, read_products, record_batches, trimmed
from shelfsort.training.embedding import embed_new_pictures
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.evidence import Scored
from shelfsort.training.finetuning.devices import require_gpus
from shelfsort.training.finetuning.folds import fine_tuned
from shelfsort.training.fitting import (
    CrossFit,
    Fit,
    Start,
    fit,
    passes,
    tower_logits,
)
from shelfsort.training.label_noise import try_search
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.learning_curve import learning_curve
from shelfsort.training.rows import evenly
from shelfsort.training.served_model import ServedModel
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.text_embedding import TextEmbeddings
from shelfsort.training.tuning.groups import without_searched
from shelfsort.training.tuning.space import checked_settings, with_settings
from shelfsort.training.unknown import UnknownCheck, fit_unknown
from shelfsort.training.unknown_rates import unknown_rates
from shelfsort.training.warm_start import ColdStart, Terms, read_live_towers

_WARM_UP_PRODUCTS = 32
_HELD_OUT_KEPT = 20_000
_NAMED = 50


def run_fn(fn_args: FnArgs) -> None:
    """Trains, calibrates and exports; called by the Trainer component.

    `fn_args.custom_config` holds `training` (fields of TrainingConfig), `targets` (accuracies to
    guarantee), `taxonomy` (path of the tree), and for the model's lineage `model_name`,
    `manifest_digest`, `splits` and, where training was given a model to start from, `base_model`.
    `fn_args.hyperparameters` are settings that a search has found, by dotted key of `training`.
    """
    custom = fn_args.custom_config
    config = TypeAdapter(TrainingConfig).validate_python(custom["training"])
    if fn_args.hyperparameters:
        config = with_settings(config, checked_settings(fn_args.hyperparameters, "the search"))
    transformed = tft.TFTransformOutput(fn_args.transform_output)
    labels = label_space(transformed, custom["taxonomy"])
    require_gpus(config.image.fine_tuning)
    backbone = load_backbone(config.image.backbone, config.image.backbone_weights)
    clock, cost = Clock(), {}
    texts = TextEmbeddings.of(config)
    with contextlib.closing(open_cache(config, backbone)) as cache:
        embedded = embed_new_pictures([*fn_args.train_files, *fn_args.eval_files], backbone, cache)
        cost["embedding"] = clock.lap()
        train, *calibration = _read_splits(fn_args, transformed, cache, backbone, texts, labels)
    if not calibration and config.calibration.searched_share:
        train = without_searched(train, config.calibration.searched_share)
    cost["reading"] = clock.lap()
    backbone, (train, *calibration) = fine_tuned(
        backbone, _files(fn_args), [train, *calibration], len(labels.categories), config
    )
    if backbone.tuned:
        cost["fine-tuning"] = clock.lap()
    fitted = fit(
        train,
        vocabulary_sizes(transformed, labels),
        config,
        labels.categories,
        Path(fn_args.model_run_dir) / "tensorboard",
        _warm_start(fn_args, config, transformed) if config.fit.warm_start else None,
    )
    cost["fitting"] = clock.lap()
    note(_said_of(fitted, train, config))
    held_out = _cross_fitted(train, fitted)
    unknown = fit_unknown(held_out)
    rates = unknown_rates(held_out, labels, config.calibration.unknown_alarms)
    cost["unknown products"] = clock.lap()
    found = _calibrated(
        dataclasses.replace(held_out, unknown=unknown.scores),
        [_apart(each, fitted, unknown.check) for each in calibration],
        labels,
        config,
        custom["targets"],
    )
    calibrated = found.calibration
    cost["thresholds"] = clock.lap()
    curve = learning_curve(
        train,
        fitted.crossed,
        vocabulary_sizes(transformed, labels),
        labels,
        calibrated,
        config,
        custom["splits"],
    )
    cost["learning curve"] = clock.lap()
    version = threshold_version(calibrated, fitted.crossed.fusion, unknown.check)
    export.write_served_model(
        fn_args.serving_model_dir,
        _served_model(
            transformed, backbone, texts, fitted, labels, calibrated, unknown.check, version
        ),
        name=custom["model_name"],
        products=_first_products(fn_args.train_files),
        lineage={
            **_lineage(custom, config, labels, calibrated, version),
            **({ENCODER: texts.lineage()} if texts else {}),
            **({FINE_TUNED: backbone.tuned} if backbone.tuned else {}),
            UNKNOWN: rates_to_json(rates),
            **({LEARNING_CURVE: curve.to_json()} if curve else {}),
        },
        held_out=None if calibration else found.held_out(train, labels),
    )
    cost["export"] = clock.lap()
    _write_held_out(fn_args.model_run_dir, train, fitted.crossed, labels)
    write_suspects(fn_args.model_run_dir, fitted.suspects)
    judged = calibration[0] if calibration else train
    failed_proofs(found, judged, labels).write(fn_args.model_run_dir)
    spent = {part: each.rounded() for part, each in cost.items()}
    tried = try_search(
        train,
        fitted.crossed.held_out,
        fitted.crossed.fusion,
        fitted.crossed.folds,
        labels.categories,
    )
    ModelRun(embedded, spent, tried, texts.embedded if texts else 0).write(fn_args.model_run_dir)


def _read_splits(
    fn_args: FnArgs,
    transformed: tft.TFTransformOutput,
    pictures: EmbeddingCache,
    backbone: Backbone,
    texts: TextEmbeddings | None,
    labels: LabelSpace,
) -> list[Products]:
    """The split `train`, and `calibration` where there is one."""
    with contextlib.closing(texts) if texts else contextlib.nullcontext():
        splits = trimmed(
            *(
                read_products(files, transformed, pictures, backbone.embedding_size, texts, labels)
                for files in _files(fn_args)
            )
        )
    if texts is None:
        return splits
    named = texts.of_categories(labels)
    return [dataclasses.replace(split, category_embeddings=named) for split in splits]


def _files(fn_args: FnArgs) -> list[list[str]]:
    """Those of the split `train`, and of `calibration` where there is one."""
    apart = CALIBRATION_SPLIT in fn_args.custom_config["splits"]
    return [fn_args.train_files, *([fn_args.eval_files] if apart else [])]


def _cross_fitted(train: Products, fitted: Fit) -> Scored:
    crossed = fitted.crossed
    return Scored(train, crossed.held_out, crossed.folds, crossed.fusions)


def _apart(products: Products, fitted: Fit, check: UnknownCheck) -> Scored:
    """The split `calibration`, answered by the final model."""
    logits = tower_logits(fitted.towers, products)
    scored = Scored.apart(products, logits, fitted.crossed.fusion)
    return dataclasses.replace(scored, unknown=check.scores(scored))


def _calibrated(
    held_out: Scored,
    calibration: Sequence[Scored],
    labels: LabelSpace,
    config: TrainingConfig,
    targets: Sequence[float],
) -> Calibrated:
    rules = Rules(
        config.calibration.confidence,
        config.calibration.threshold_scope,
        config.calibration.marginal_accuracy,
        targets,
        config.calibration.unknown_alarms,
    )
    return calibrate(held_out, labels, rules, *calibration)


def failed_proofs(found: Calibrated, products: Products, labels: LabelSpace) -> FailedProofs:
    """The closest test of each target that was not proven, with the products that failed it.

    Args:
        found: thresholds, and the answers that they were fitted on.
        products: that the answers are about.
        labels: the categories.
    """

    def disagreement(modality: str, place: int) -> Disagreement:
        answers = found.answers[modality]
        row = int(answers.rows[place])
        label = int(products.labels[row])
        return Disagreement(
            product_id=str(products.product_ids[row]),
            label=labels.categories[label] if label >= 0 else "",
            predicted=labels.categories[int(answers.predicted[place])],
            score=round(float(answers.leaves.scores[place]), 6),
        )

    return FailedProofs(
        tuple(
            FailedProof(
                modality,
                target,
                failed.tested,
                failed.allowed,
                len(failed.wrong),
                tuple(disagreement(modality, place) for place in failed.wrong[:_NAMED]),
            )
            for modality, by_target in found.failures.items()
            for target, failed in sorted(by_target.items())
        )
    )


def _warm_start(
    fn_args: FnArgs, config: TrainingConfig, transformed: tft.TFTransformOutput
) -> Start:
    """Starts towers from the live model's, where there is one that they can start from."""
    terms = Terms(
        *(
            transformed.vocabulary_by_name(name)
            for name in (WORDS_VOCABULARY, PIECES_VOCABULARY, CATEGORIES_VOCABULARY)
        )
    )

    def start(towers: keras.Model) -> bool:
        try:
            live = read_live_towers(
                fn_args.base_model or "", config, fn_args.custom_config["splits"]
            )
            live.start(towers, terms)
        except ColdStart as why:
            note(f"cold start: {why}")
            return False
        note("the final fit starts from the live model's towers")
        return True

    return start


def _said_of(fitted: Fit, train: Products, config: TrainingConfig) -> str:
    taken = passes(len(train), config.fit.epochs)
    few = (
        f", more than {config.fit.epochs} because they are few" if taken > config.fit.epochs else ""
    )
    said = [f"cross-fitted in {taken} passes over {len(train):,} products{few}"]
    if (train.has_text & train.has_image).any():
        weights = fitted.crossed.fusion.pools["combined"].exponents
        shown = ", ".join(f"{name} {each.mean():.2f}" for name, each in weights.items())
        said.append(f"weights of the predictions: {shown}")
    if train.inner is not None:
        inner = int((train.inner.nodes >= 0).sum())
        said.append(f"{inner:,} of the products are labelled with inner categories")
    if nothing := int((~train.teaches).sum()):
        said.append(f"{nothing:,} teach nothing: no product is labelled with a leaf below theirs")
    said.append(f"{len(fitted.suspects)} label issues ({config.label_issues.action})")
    return "; ".join(said)


def _served_model(
    transformed: tft.TFTransformOutput,
    backbone: Backbone,
    texts: TextEmbeddings | None,
    fitted: Fit,
    labels: LabelSpace,
    calibrated: Calibration,
    unknown: UnknownCheck,
    version: str,
) -> ServedModel:
    spec = transformed.raw_feature_spec()
    return ServedModel(
        transform=SavedModelLoader(transformed.transform_savedmodel_dir),
        raw_spec={name: spec[name] for name in INPUT_NAMES},
        backbone=backbone,
        towers=fitted.towers,
        fusion=fitted.crossed.fusion,
        labels=labels,
        calibration=calibrated,
        unknown=unknown,
        version=version,
        encoder=texts.encoder if texts else None,
    )


def _first_products(files: Sequence[str]) -> list[bytes]:
    records = record_batches(files).unbatch().take(_WARM_UP_PRODUCTS)
    return list(records.as_numpy_iterator())


def _lineage(
    custom: dict[str, Any],
    config: TrainingConfig,
    labels: LabelSpace,
    calibrated: Calibration,
    version: str,
) -> dict[str, Any]:
    given = {BASE_MODEL: custom[BASE_MODEL]} if BASE_MODEL in custom else {}
    return {
        **given,
        "name": custom["model_name"],
        "manifest_digest": custom["manifest_digest"],
        "splits": dict(custom["splits"]),
        "taxonomy_version": labels.taxonomy.version,
        "threshold_version": version,
        "backbone": config.image.backbone,
        "categories": len(labels.categories),
        "thresholds": calibrated.to_json(),
        "training": dataclasses.asdict(config),
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def _write_held_out(directory: str, train: Products, crossed: CrossFit, labels: LabelSpace) -> None:
    """Keeps cross-fitted logits of the training split, of a sample at most, for a later look."""
    rows = evenly(np.arange(len(train)), _HELD_OUT_KEPT)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        product_ids=np.array(list(train.product_ids[rows]), "U"),
        labels=train.labels[rows],
        label_weights=train.label_weights[rows],
        has_text=train.has_text[rows],
        has_image=train.has_image[rows],
        groups=train.groups[rows],
        folds=crossed.folds[rows],
        evidence=train.evidence[rows],
        categories=np.array(labels.categories, "U"),
        fusion=np.array(json.dumps(crossed.fusion.to_lists())),
        fusions=np.array(json.dumps({k: each.to_lists() for k, each in crossed.fusions.items()})),
        **{name: logits[rows] for name, logits in crossed.held_out.items()},
    )
    write_held_out(directory, buffer.getvalue())
