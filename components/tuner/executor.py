"""Tuner's executor: reads the training split as the Trainer does, and searches on a part of it."""

import contextlib
import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_transform as tft
from pydantic import TypeAdapter
from tfx import types
from tfx.components.trainer import fn_args_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from components.manifest_example_gen.artifact import Origin, read_origin, taxonomy_file
from components.trainer.reading import label_space, open_cache, vocabulary_sizes
from components.tuner.artifact import Search, TrialRecord, write_best
from components.tuner.on_beam import OnBeam, has_engine
from shelfsort.contract.calibration import CALIBRATION_SPLIT
from shelfsort.core.cost import Clock
from shelfsort.core.progress import note
from shelfsort.core.storage import join, remove_tree
from shelfsort.training.backbones import load_backbone
from shelfsort.training.dataset import Products, read_products
from shelfsort.training.embedding import embed_new_pictures
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.text_embedding import TextEmbeddings
from shelfsort.training.tuning.gain import gain
from shelfsort.training.tuning.groups import search_part
from shelfsort.training.tuning.search import Found, search
from shelfsort.training.tuning.settings import TuningConfig
from shelfsort.training.tuning.space import ENCODER, SEARCHED_SHARE, with_settings
from shelfsort.training.tuning.trial import Problem
from shelfsort.training.tuning.workers import OpenWorkers, Workers, workers

_EXTENT = ("trials", "workers", "time_limit_s", "study_folder")
"""Settings that say how far a search goes, and not which trials it makes."""

_ROUNDS = "rounds"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Executor of Tuner."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Searches, and writes the best settings and all trials.

        Args:
            input_dict: see `TunerSpec`.
            output_dict: `best_hyperparameters` and `tuner_results`.
            exec_properties: `custom_config` and `weights_digest`, see `Tuner`.

        Raises:
            InputError: the split cannot be searched on.
        """
        clock = Clock()
        given = json.loads(exec_properties["custom_config"])
        given["weights_digest"] = exec_properties["weights_digest"]
        tuning = TypeAdapter(TuningConfig).validate_python(given["tuning"])
        origin = read_origin(artifact_utils.get_single_instance(input_dict["examples"]).uri)
        problem, share = _problem(
            fn_args_utils.get_common_fn_args(input_dict, exec_properties),
            taxonomy_file(artifact_utils.get_single_uri(input_dict["taxonomy"])),
            TypeAdapter(TrainingConfig).validate_python(given["training"]),
            tuning,
            min(given["targets"]),
            apart=CALIBRATION_SPLIT in origin.splits,
        )
        results_uri = artifact_utils.get_single_uri(output_dict["tuner_results"])
        with _study_folder(tuning, _key(given, origin)) as folder:
            found = search(problem, tuning, folder, self._workers(results_uri))
        results = _results(found, problem, tuning, share)
        spent = clock.lap()
        results = dataclasses.replace(
            results, seconds=round(spent.seconds, 1), cpu_seconds=round(spent.cpu_seconds, 1)
        )
        note(str(results))
        results.write(results_uri)
        write_best(
            artifact_utils.get_single_uri(output_dict["best_hyperparameters"]),
            _best_settings(found, problem, 0.0 if CALIBRATION_SPLIT in origin.splits else share),
        )

    def _workers(self, results_uri: str) -> OpenWorkers:
        """Processes, or the workers of the Beam engine that is set."""
        if not has_engine([str(each) for each in self._beam_pipeline_args]):
            return workers

        @contextlib.contextmanager
        def on_beam(problem: Problem, size: int) -> Iterator[Workers]:
            folder = join(results_uri, _ROUNDS)
            try:
                yield OnBeam(problem, size, folder, self._make_beam_pipeline)
            finally:
                remove_tree(folder)

        return on_beam


def _problem(
    fn_args: fn_args_utils.FnArgs,
    taxonomy: str,
    training: TrainingConfig,
    tuning: TuningConfig,
    target: float,
    *,
    apart: bool,
) -> tuple[Problem, float]:
    """What trials are about, and the share of the groups that it takes; all where `apart`."""
    transformed = tft.TFTransformOutput(fn_args.transform_graph_path)
    labels = label_space(transformed, taxonomy)
    share = 1.0 if apart else tuning.share
    products: dict[str, Products] = {}
    for encoder in dict.fromkeys((training.text.encoder, *tuning.space.encoders)):
        config = with_settings(training, {ENCODER: encoder})
        products[encoder], share = search_part(_read(fn_args, transformed, config, labels), share)
    fit = dataclasses.replace(training.fit, folds=tuning.folds)
    problem = Problem(
        products,
        vocabulary_sizes(transformed, labels),
        labels,
        dataclasses.replace(training, fit=fit),
        target,
    )
    return problem, share


def _read(
    fn_args: fn_args_utils.FnArgs,
    transformed: tft.TFTransformOutput,
    config: TrainingConfig,
    labels: LabelSpace,
) -> Products:
    image = config.image
    backbone = load_backbone(image.backbone, image.backbone_weights, image.image_size)
    texts = TextEmbeddings.of(config)
    with (
        contextlib.closing(open_cache(config, backbone)) as cache,
        contextlib.closing(texts) if texts else contextlib.nullcontext(),
    ):
        embed_new_pictures(fn_args.train_files, backbone, cache)
        products = read_products(
            fn_args.train_files, transformed, cache, backbone.embedding_size, texts, labels
        )
    if texts is None:
        return products
    return dataclasses.replace(products, category_embeddings=texts.of_categories(labels))


@contextlib.contextmanager
def _study_folder(tuning: TuningConfig, key: str) -> Iterator[Path]:
    """Where the study lies; without a folder for it, it is gone with the search."""
    if tuning.study_folder:
        yield Path(tuning.study_folder) / key
        return
    with tempfile.TemporaryDirectory(prefix="shelfsort-search-") as folder:
        yield Path(folder)


def _key(given: Mapping[str, Any], origin: Origin) -> str:
    """Names a study: all that its trials depend on, and not how many there are."""
    tuning = {name: value for name, value in given["tuning"].items() if name not in _EXTENT}
    content = json.dumps(
        [{**given, "tuning": tuning}, origin.content_digest, origin.splits], sort_keys=True
    )
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _results(found: Found, problem: Problem, tuning: TuningConfig, share: float) -> Search:
    complete = found.complete
    won = gain([answers for _, answers in complete], problem.target)
    products = next(iter(problem.products.values()))
    return Search(
        target=problem.target,
        sampler=tuning.sampler,
        products=len(products),
        groups=len(np.unique(products.groups)),
        share=share,
        best=found.best.number,
        configured=complete[0][0].number,
        gain=won.mean,
        low=won.low,
        high=won.high,
        trials=tuple(
            TrialRecord(
                number=each.number,
                state=each.state,
                settings=each.settings,
                coverage=each.answers.coverage if each.answers else None,
                accuracy=each.answers.accuracy if each.answers else None,
                cpu_seconds=each.cpu_seconds,
                error=each.error,
            )
            for each in found.trials
        ),
        kept=found.kept,
    )


def _best_settings(found: Found, problem: Problem, share: float) -> dict[str, Any]:
    """The settings of the best trial; none but the share where it is the configured one."""
    return {**found.best.settings, SEARCHED_SHARE: max(share, _already_searched(problem))}


def _already_searched(problem: Problem) -> float:
    return problem.base.calibration.searched_share
