"""A past run of an output folder, opened for a person to look at: what its report says."""

from components.report_gen.reading import ReadRun, read_run
from pipeline.experiments.runs import Run
from shelfsort.core.errors import InputError

# Without these there is nothing to review.
_NEEDED = ("examples", "rejects", "taxonomy", "evaluation", "model_blessing")


def open_review(run: Run, max_errors: int = 500) -> ReadRun:
    """Reads a run as its report does, so that figures and pictures are the same.

    Raises:
        InputError: the run broke off before its evaluation, or its files are gone.
    """
    if missing := [name for name in _NEEDED if not _there(run, name)]:
        raise InputError(f"{run.id}: has no {missing[0]}. Choose a run that was evaluated.")
    uris = {name: str(folder) for name, folder in run.artifacts.items() if folder.exists()}
    examples = run.artifacts["examples"]
    return read_run(
        uris,
        train_uri=str(examples / "Split-train"),
        eval_uri=str(examples / "Split-eval"),
        model_name=str(run.settings.get("model_name", "")),
        max_errors=max_errors,
    )


def _there(run: Run, name: str) -> bool:
    return name in run.artifacts and run.artifacts[name].exists()
