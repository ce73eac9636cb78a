"""The search itself: Optuna proposes, workers run, and every finished trial is kept on disk.

The study lies in SQLite. Trials that were under way when a search was killed are repeated; finished
ones are not.
"""

import time
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from shelfsort.core import files
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.progress import progress
from shelfsort.training.tuning.settings import TuningConfig
from shelfsort.training.tuning.space import Settings, grid, suggest
from shelfsort.training.tuning.trial import Answers, Outcome, Problem
from shelfsort.training.tuning.workers import Job, OpenWorkers, workers

State = Literal["complete", "pruned", "failed"]

_STUDY = "settings"
_RANDOM_TRIALS = 10
_UNPRUNED_TRIALS = 5
_CONFIGURED, _SETTINGS, _ERROR, _CPU = "configured", "settings", "error", "cpu_seconds"
_LONGEST_ERROR = 300


@dataclass(frozen=True)
class Trial:
    """A trial that ended.

    Attributes:
        number: in the order in which trials started.
        settings: by dotted key of the section `training`; {} for those configured.
        state: `complete`, `pruned` or `failed`.
        answers: of a complete trial.
        cpu_seconds: of processors.
        error: why it failed.
    """

    number: int
    settings: Settings
    state: State
    answers: Answers | None = None
    cpu_seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        trials: by number.
        kept: number of trials that an earlier, unfinished search had finished.
    """

    trials: tuple[Trial, ...]
    kept: int

    @property
    def complete(self) -> list[tuple[Trial, Answers]]:
        """The complete trials with their answers, that of the settings as configured first."""
        found = [(each, each.answers) for each in self.trials if each.answers is not None]
        return sorted(found, key=lambda each: bool(each[0].settings))

    @property
    def best(self) -> Trial:
        """The complete trial with the greatest value, the earliest of equals."""
        return max(self.complete, key=lambda each: (each[1].value, -each[0].number))[0]


def search(
    problem: Problem, config: TuningConfig, folder: Path, open_workers: OpenWorkers = workers
) -> Found:
    """Runs trials until there are as many as configured, those of earlier calls included.

    Args:
        problem: that trials are about.
        config: settings of the search.
        folder: keeps the study and the answers of trials; one search at a time.
        open_workers: gives those that run the trials.

    Raises:
        InputError: the folder cannot be used, or the settings as configured cannot be trained with.
        RunFailed: a process of the search was killed, or the study can no longer be written.
    """
    study = _open(folder, config)
    try:
        kept = len(_ended(study))
        _begin(study, config)
        _run(study, problem, config, folder, open_workers)
    except optuna.exceptions.StorageInternalError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise RunFailed(
            f"{folder}: the study of the search cannot be written ({reason}). Make room on its "
            "disk, and run again: finished trials are kept"
        ) from error
    trials = _read(study, folder)
    first = [each for each in trials if not each.settings]
    if not any(each.answers for each in first):
        why = next((each.error for each in first), "it did not finish")
        raise InputError(
            f"tuning: the settings as configured cannot be trained with ({why}). Change the "
            "section training."
        )
    return Found(trials, kept)


def _open(folder: Path, config: TuningConfig) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{folder / 'study.sqlite'}",
            engine_kwargs={"connect_args": {"timeout": 60}},
        )
        study = optuna.create_study(
            storage=storage, study_name=_STUDY, direction="maximize", load_if_exists=True
        )
    # SQLAlchemy's errors, Optuna's and the system's.
    except Exception as error:
        raise _unusable(folder, error) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = _sampler(config, len(study.get_trials(deepcopy=False)))
    if config.pruning:
        study.pruner = optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED_TRIALS)
    else:
        study.pruner = optuna.pruners.NopPruner()
    return study


def _unusable(folder: Path, error: Exception) -> InputError:
    return InputError(
        f"{folder}: the study of the search cannot be used ({type(error).__name__}). Remove the "
        "folder, or set tuning.study_folder to another one."
    )


def _sampler(config: TuningConfig, known: int) -> optuna.samplers.BaseSampler:
    # A search that goes on would draw what it drew before with the same seed.
    seed = (config.seed + known) % 2**32
    if config.sampler == "tpe":
        return optuna.samplers.TPESampler(
            n_startup_trials=_RANDOM_TRIALS, seed=seed, constant_liar=config.workers > 1
        )
    return optuna.samplers.RandomSampler(seed=seed)


def _begin(study: optuna.Study, config: TuningConfig) -> None:
    """Queues the settings as configured and a grid, and again what a kill interrupted."""
    trials = study.get_trials(deepcopy=False)
    if not trials:
        study.enqueue_trial({}, user_attrs={_CONFIGURED: True})
        if config.sampler == "grid":
            for point in grid(config.space, config.grid_points, config.seed):
                study.enqueue_trial(point)
    for each in trials:
        if each.state == TrialState.RUNNING:
            study.tell(each.number, state=TrialState.FAIL)
            configured = {_CONFIGURED: True} if _CONFIGURED in each.user_attrs else None
            study.enqueue_trial(each.params, user_attrs=configured)


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that count: those that a kill interrupted do not."""
    trials = study.get_trials(deepcopy=False)
    told = (TrialState.COMPLETE, TrialState.PRUNED)
    return [each for each in trials if each.state in told or _ERROR in each.user_attrs]


def _run(
    study: optuna.Study,
    problem: Problem,
    config: TuningConfig,
    folder: Path,
    open_workers: OpenWorkers,
) -> None:
    started, most = time.monotonic(), _most(config)
    done = len(_ended(study))
    if done >= most:
        return
    running: dict[int, optuna.Trial] = {}
    with open_workers(problem, min(config.workers, most - done)) as pool:
        while True:
            late = config.time_limit_s and time.monotonic() - started > config.time_limit_s
            while pool.free and done + len(running) < most and not (late and done):
                trial = study.ask()
                running[trial.number] = trial
                pool.start(_job(trial, problem, config))
            if not pool.busy:
                return
            number, outcome = pool.finished()
            _tell(study, running.pop(number), outcome, folder)
            done += 1
            progress(done, most, "trials of settings")


def _most(config: TuningConfig) -> int:
    if config.sampler != "grid":
        return config.trials
    return min(config.trials, 1 + len(grid(config.space, config.grid_points, config.seed)))


def _job(trial: optuna.Trial, problem: Problem, config: TuningConfig) -> Job:
    configured = _CONFIGURED in trial.user_attrs
    settings: dict[str, Any] = {} if configured else suggest(trial, config.space, problem.base)
    trial.set_user_attr(_SETTINGS, settings)

    def go_on(fold: int, share: float) -> bool:
        trial.report(share, fold)
        return configured or fold + 1 >= config.folds or not trial.should_prune()

    prunes = config.pruning and not configured
    return Job(trial.number, settings, go_on, _floors(trial.study, config) if prunes else ())


def _floors(study: optuna.Study, config: TuningConfig) -> list[float]:
    """By fold but the last, the median of complete trials, as `MedianPruner` has it."""
    states = (TrialState.COMPLETE,)
    complete = study.get_trials(deepcopy=False, states=states)
    if len(complete) < _UNPRUNED_TRIALS:
        return []
    values = [each.intermediate_values for each in complete]
    return [
        float(np.median([each[fold] for each in values if fold in each]))
        for fold in range(config.folds - 1)
    ]


def _tell(study: optuna.Study, trial: optuna.Trial, outcome: Outcome, folder: Path) -> None:
    """Keeps what came of a trial: the answers first, so that a complete trial has them."""
    if outcome.answers is not None:
        files.write_bytes(_answers_file(folder, trial.number), outcome.answers.to_bytes())
    trial.set_user_attr(_CPU, round(outcome.cpu_seconds, 2))
    if outcome.answers is not None:
        study.tell(trial, outcome.answers.value)
    elif outcome.error:
        trial.set_user_attr(_ERROR, outcome.error[:_LONGEST_ERROR])
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, state=TrialState.PRUNED)


def _read(study: optuna.Study, folder: Path) -> tuple[Trial, ...]:
    """The trials that count, with their answers. Raises InputError where some are damaged."""
    try:
        return tuple(_trial(each, folder) for each in _ended(study))
    # NumPy's errors about a damaged archive, and the system's.
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _unusable(folder, error) from error


def _trial(frozen: FrozenTrial, folder: Path) -> Trial:
    states: dict[TrialState, State] = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}
    answers = None
    if frozen.state == TrialState.COMPLETE:
        answers = Answers.from_bytes(_answers_file(folder, frozen.number).read_bytes())
    return Trial(
        number=frozen.number,
        settings=frozen.user_attrs[_SETTINGS],
        state=states.get(frozen.state, "failed"),
        answers=answers,
        cpu_seconds=frozen.user_attrs[_CPU],
        error=frozen.user_attrs.get(_ERROR, ""),
    )


def _answers_file(folder: Path, number: int) -> Path:
    return folder / f"trial-{number}.npz"
