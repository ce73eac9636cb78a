"""`shelfsort watch`: continuous training on this machine."""

import dataclasses
import json
import posixpath
import re
import time
from datetime import datetime, timezone

import click

from pipeline.cli.options import settings_options
from pipeline.config import Config, load_config
from pipeline.output_folder import FolderBusy, OutputFolder
from shelfsort.cli.numbers import FiniteRange
from shelfsort.core.errors import InputError, NotBlessed, RunFailed
from shelfsort.core.storage import absolute, is_folder
from shelfsort.core.terminal import one_line
from shelfsort.products.manifest.files import NoFiles

_LOG_NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9-]+\.log")


@click.command()
@click.option("--inbox", required=True, help="Folder or pattern of labelled manifests.")
@click.option(
    "--taxonomy",
    default="",
    help="Category tree; it may change. Without it, it is built from the labels.",
)
@click.option("--output", required=True, help="Folder for all output.")
@click.option("--once", is_flag=True, help="Check once and exit, for cron.")
@click.option(
    "--every",
    type=FiniteRange(min=1),
    default=60.0,
    show_default=True,
    help="Seconds between checks.",
)
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each run.")
def watch(
    inbox: str,
    taxonomy: str,
    output: str,
    once: bool,
    every: float,
    config_file: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train on old and new labels when a new manifest arrives, and push the model if it passes.

    The watch reads all manifests of the inbox in the order of their names. A product that is
    labelled again takes its label from the last of them. It ignores files whose names begin with
    "." or "_": write a file under such a name, and rename it when it is complete. It never trains
    twice on the same content, and a refused model does not block later runs. It prints one line
    for each run.

    With --once the exit status is 0 if a model was pushed or nothing was new, as in an empty inbox.
    It is 3 if the gate refused the model, 2 for unusable input and 1 for a failure. Without --once
    only unusable settings end the watch.

    \b
    Examples:
      shelfsort watch --inbox labels/ --taxonomy taxonomy.json --output out
      shelfsort watch --inbox "labels/2026-*.manifest" --taxonomy taxonomy.json --output out --once
    """
    config = load_config(config_file, overrides)
    folder = OutputFolder.open(output)
    look = _Look(absolute(inbox), absolute(taxonomy) if taxonomy else "", folder, config, as_json)
    if once:
        look.once()
        return
    while True:
        look.again()
        time.sleep(every)


@dataclasses.dataclass
class _Look:
    """Checks the inbox and prints the result.

    Attributes:
        refused: the error of the last check; printed once.
        seen: the state of the inbox after the last completed turn.
    """

    inbox: str
    taxonomy: str
    folder: OutputFolder
    config: Config
    as_json: bool
    refused: str = ""
    seen: tuple = ()

    def once(self) -> None:
        from pipeline.local.watch import Turn

        try:
            turn = self._turn()
        except NoFiles:
            if not (is_folder(self.inbox) or is_folder(posixpath.dirname(self.inbox))):
                raise
            # An inbox before its first delivery.
            turn = Turn("nothing new", digest="")
        self._say(turn)
        if turn.outcome == "not blessed":
            raise NotBlessed(" ".join(turn.reasons))

    def again(self) -> None:
        from pipeline.local.watch import state_of

        try:
            state = state_of(self.inbox, self.taxonomy, self.config.data.reduction)
            if state == self.seen:
                return
            turn = self._turn()
        except FolderBusy:
            return
        except (InputError, RunFailed) as error:
            self._refuse(str(error))
            return
        # The next check may succeed: only unusable settings end the watch.
        except Exception as error:
            self._refuse(f"{type(error).__name__}: {error}")
            return
        self.refused, self.seen = "", state
        if turn.outcome != "nothing new":
            self._say(turn)

    def _refuse(self, why: str) -> None:
        # Each try has a log of its own, which is no news.
        why = one_line(why)
        known = _LOG_NAME.sub("", why)
        if known != self.refused:
            click.echo(f"{_now()} {why}", err=True)
        self.refused = known

    def _turn(self):
        from pipeline.local.watch import take_turn

        return take_turn(self.inbox, self.taxonomy, self.folder, self.config)

    def _say(self, turn) -> None:
        if self.as_json:
            click.echo(json.dumps({"time": _now(), **dataclasses.asdict(turn)}))
        else:
            click.echo(f"{_now()} {one_line(str(turn))}")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
