"""`--tuned`: the settings that a search has found, as overrides of the configuration."""

import json

from pipeline.output_folder import OutputFolder
from shelfsort.core.errors import InputError
from shelfsort.core.storage import exists


def tuned_overrides(tuned: str, output: str) -> tuple[str, ...]:
    """The settings as overrides for `load_config`.

    Args:
        tuned: a file that a search wrote, or a run of the output folder: its id, the beginning of
            it, or `latest` for the last run that searched.
        output: the output folder.

    Raises:
        InputError: it is neither, or nothing that a search wrote.
    """
    from components.tuner.artifact import read_best

    # JSON is YAML.
    return tuple(
        f"training.{key}={json.dumps(value)}"
        for key, value in read_best(_file(tuned, output)).items()
    )


def _file(tuned: str, output: str) -> str:
    if exists(tuned):
        return tuned
    from components.tuner.artifact import BEST_FILE
    from pipeline.experiments.runs import find_run, list_runs

    searched = [
        run
        for run in list_runs(OutputFolder.existing(output))
        if "best_hyperparameters" in run.artifacts
    ]
    if not searched:
        raise InputError(
            f"--tuned {tuned}: is no file, and no run of {output} has searched settings. Run once "
            "with --set tuning.trials=50."
        )
    return str(find_run(searched, tuned).artifacts["best_hyperparameters"] / BEST_FILE)
