"""TensorBoard over the training logs of runs, on the loopback address."""

import contextlib
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.experiments.runs import Run
from shelfsort.core.errors import InputError

_HOST = "127.0.0.1"
_LOGS = "tensorboard"
"""Folder of a training's logs in what the Trainer leaves behind."""


@contextlib.contextmanager
def tensorboard(runs: Sequence[Run], port: int) -> Iterator[str]:
    """Serves the training logs of runs, each under its id, and gives the address.

    The server ends with the process.

    Args:
        runs: of one output folder.
        port: to listen on; 0 for any that is free.

    Raises:
        InputError: no run has logs, TensorBoard cannot be loaded, or the port is taken.
    """
    logs = {run.id: _logs(run) for run in runs}
    if not any(logs.values()):
        raise InputError("--tensorboard: no run has training logs. Start with `shelfsort run`.")
    try:
        with warnings.catch_warnings():
            # TensorBoard's own, about packages that it uses.
            warnings.simplefilter("ignore")
            from tensorboard import program
    except ImportError as error:
        raise InputError(
            f"--tensorboard: TensorBoard cannot be loaded ({error}). Run pip install "
            "'shelfsort[pipeline]'."
        ) from error
    with tempfile.TemporaryDirectory(prefix="shelfsort-tensorboard-") as folder:
        for name, path in logs.items():
            if path is not None:
                (Path(folder) / name).symlink_to(path.resolve(), target_is_directory=True)
        server = program.TensorBoard()
        # One process: the data server of its own that TensorBoard may start is for larger logs.
        options = ["--host", _HOST, "--port", str(port), "--load_fast", "false"]
        server.configure(argv=["tensorboard", "--logdir", folder, *options])
        try:
            address = server.launch()
        except program.TensorBoardServerException as error:
            raise InputError(
                f"--port {port}: TensorBoard cannot listen there "
                f"({str(error).splitlines()[0][:200]}). Give another port."
            ) from error
        yield address


def _logs(run: Run) -> Path | None:
    model_run = run.artifacts.get("model_run")
    folder = model_run / _LOGS if model_run else None
    return folder if folder and folder.is_dir() else None
