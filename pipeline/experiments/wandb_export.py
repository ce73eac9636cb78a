"""Runs in Weights & Biases: settings, figures, pictures and the report, offline by default."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pipeline.experiments.figures import figures_of
from pipeline.experiments.pictures import pictures_of
from pipeline.experiments.runs import Run
from shelfsort.core.errors import InputError

PROJECT = "shelfsort"
"""The Weights & Biases project that runs are put into."""
COMPLETE = "shelfsort.complete"
"""A file beside a run's data, written when all of it is there."""
_STATUS = {"pushed": 0, "not blessed": 0, "failed": 1}
_ID_CHARACTERS = 16


def log_to_wandb(
    runs: Sequence[Run], folder: str, mode: Literal["offline", "online"] = "offline"
) -> list[str]:
    """Puts runs into Weights & Biases. Those that the folder has already are left alone.

    A run that an interrupted export left half there is put there again. Runs under way are left
    out. Nothing about this machine, its code or its load is recorded.

    Args:
        runs: of one output folder.
        folder: on this machine, for the data of Weights & Biases.
        mode: `offline` writes the folder only, for `wandb sync`. `online` also sends the runs to
            the server that the environment variables of Weights & Biases name.

    Returns:
        The ids of the runs that were added.

    Raises:
        InputError: Weights & Biases is not installed, or it refuses; or the folder is a file.
    """
    if Path(folder).exists() and not Path(folder).is_dir():
        raise InputError(f"--wandb {folder}: is a file. Name a folder.")
    # Read when the package is imported.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    try:
        import wandb
    except ImportError:
        raise InputError(
            "--wandb: Weights & Biases is not installed. Run pip install 'shelfsort[wandb]'."
        ) from None
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        new = [run for run in runs if run.outcome in _STATUS]
        return [run.id for run in new if _log(wandb, run, Path(folder), mode)]
    except wandb.Error as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise InputError(f"--wandb {folder}: Weights & Biases refuses: {reason}") from error
    finally:
        wandb.teardown()


def wandb_id(run: Run) -> str:
    """The id of a run in Weights & Biases, which takes few characters."""
    return hashlib.sha256(run.id.encode()).hexdigest()[:_ID_CHARACTERS]


def _log(wandb: ModuleType, run: Run, folder: Path, mode: str) -> bool:
    """Whether the run was added."""
    for earlier in folder.glob(f"wandb/*run-*-{wandb_id(run)}"):
        if (earlier / COMPLETE).exists():
            return False
        shutil.rmtree(earlier)
    logged = wandb.init(
        project=PROJECT,
        id=wandb_id(run),
        name=run.id,
        dir=folder,
        config={**run.settings, "outcome": run.outcome, "version": run.version},
        tags=[run.outcome],
        settings=wandb.Settings(
            mode=mode,
            # Otherwise the name of this machine.
            host=PROJECT,
            console="off",
            silent=True,
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
        ),
    )
    data = Path(logged.dir).parent
    logged.log({**figures_of(run), **_media(wandb, run)})
    logged.finish(exit_code=_STATUS[run.outcome])
    (data / COMPLETE).touch()
    return True


def _media(wandb: ModuleType, run: Run) -> dict[str, Any]:
    media: dict[str, Any] = {
        name: [wandb.Image(image, caption=caption) for image, caption in pictures]
        for name, pictures in pictures_of(run).items()
    }
    page = run.artifacts["report"] / "index.html" if "report" in run.artifacts else None
    if page and page.exists():
        media["report"] = wandb.Html(str(page), inject=False)
    return media
