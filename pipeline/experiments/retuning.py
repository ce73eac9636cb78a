"""Whether a retraining searches settings again, or takes those of the last search."""

import dataclasses
from collections.abc import Collection, Sequence

from components.manifest_example_gen.artifact import Ingestion
from components.tuner.artifact import BEST_FILE, read_best
from pipeline.config import Config
from pipeline.experiments.runs import Run
from shelfsort.training.tuning.space import with_settings

BEST = "best_hyperparameters"


def search_or_take(
    config: Config, runs: Sequence[Run], categories: Collection[str], labels: int, needed: int
) -> Config:
    """The configuration of a retraining.

    It searches where nothing was searched before, a category is new, or enough labels are.
    Otherwise it takes the settings of the last search.

    Args:
        config: all settings, with trials.
        runs: the latest first.
        categories: ids with products today.
        labels: number of labels today.
        needed: number of labels that the last search did not have and that call for another one.

    Raises:
        InputError: the settings of the last search cannot be read.
    """
    last = _last_search(runs)
    if last is None or labels - sum(last.rows.values()) >= needed:
        return config
    if new_categories(last, categories):
        return config
    found = read_best(str(last.artifacts[BEST] / BEST_FILE))
    return dataclasses.replace(
        config,
        training=with_settings(config.training, found),
        tuning=dataclasses.replace(config.tuning, trials=0),
    )


def new_categories(last: Run, categories: Collection[str]) -> set[str]:
    """Those of `categories` that a run did not have; all where it does not say which it had."""
    if "rejects" not in last.artifacts:
        return set(categories)
    return set(categories) - set(Ingestion.read(last.artifacts["rejects"]).categories)


def _last_search(runs: Sequence[Run]) -> Run | None:
    return next((run for run in runs if BEST in run.artifacts and run.ended), None)
