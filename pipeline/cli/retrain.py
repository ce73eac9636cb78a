"""`shelfsort retrain`: a run when there are enough new labels or the promise is broken."""

import dataclasses
from typing import Any

import click

from pipeline.cli.options import settings_options
from pipeline.config import Config, load_config
from pipeline.output_folder import FolderBusy, OutputFolder
from shelfsort.core.errors import NotBlessed
from shelfsort.core.storage import absolute
from shelfsort.core.terminal import json_text, one_line

_ENOUGH = 500
_ENOUGH_TO_SEARCH = 5_000


@click.command()
@click.option("--inbox", required=True, help="Folder or pattern of labelled manifests.")
@click.option("--taxonomy", default="", help="Category tree. Without it, it is built from labels.")
@click.option("--output", required=True, help="Folder for all output, as of `shelfsort run`.")
@click.option("--database", help="Of `shelfsort batch`: its reviews become labels in the inbox.")
@click.option(
    "--min-new",
    type=click.IntRange(min=1),
    default=_ENOUGH,
    show_default=True,
    help="New labels that are enough.",
)
@click.option(
    "--search-from",
    type=click.IntRange(min=1),
    default=_ENOUGH_TO_SEARCH,
    show_default=True,
    help="New labels since the last search of settings that are enough for another one.",
)
@click.option("--dry-run", is_flag=True, help="Say what there is to do, and do not run.")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def retrain(
    inbox: str,
    taxonomy: str,
    output: str,
    database: str | None,
    min_new: int,
    search_from: int,
    dry_run: bool,
    config_file: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train again if there are enough new labels or the promise is broken.

    The gate decides whether the model goes live. New is what the last run with a verdict did not
    have, whatever the verdict. With --database, what people said about decisions goes to
    reviews.manifest in the inbox before it is counted. A back-off that began since the last run
    and is not lifted is a broken promise: then a single new label is enough.

    With `tuning.trials`, settings are searched if they never were, if a category is new, or if
    --search-from labels are. Otherwise the run takes the settings of the last search.

    Nothing is trained on twice: of two calls at once one runs, and after a kill the next call
    starts again.

    The exit status is 0 if a model was pushed or there was no reason to run, 3 if the gate refused
    the model, 2 for unusable input and 1 for a failure.

    \b
    Examples:
      shelfsort retrain --inbox labels/ --taxonomy tree.json --output out --database decisions.db
      shelfsort retrain --inbox labels/ --output out --min-new 1000 --dry-run
    """
    from pipeline.local import retraining
    from pipeline.local.watch import take_turn

    config = load_config(config_file, overrides)
    folder, place = OutputFolder.open(output), absolute(inbox)
    tree = absolute(taxonomy) if taxonomy else ""
    engine = None
    if database is not None:
        from shelfsort.decisions.database.opening import open_database

        engine = open_database(database, must_exist=True)
        if not dry_run:
            retraining.write_reviews(place, config, engine)
    found = retraining.news(place, folder, config, engine)
    if engine is not None:
        engine.dispose()
    reason = found.reason(min_new)
    said: dict[str, Any] = {**dataclasses.asdict(found), "needed": min_new, "reason": reason}
    if not reason or dry_run:
        _say(as_json, {**said, "outcome": "due" if reason else "waiting"}, _counted(found, min_new))
        return
    click.echo(one_line(f"Training: {reason}"), err=True)
    try:
        turn = take_turn(place, tree, folder, config, _settled(config, found, search_from))
    except FolderBusy:
        _say(as_json, {**said, "outcome": "under way"}, "a run is under way already")
        return
    _say(as_json, {**said, "outcome": turn.outcome, "run": dataclasses.asdict(turn)}, str(turn))
    if turn.outcome == "not blessed":
        raise NotBlessed(" ".join(turn.reasons))


def _settled(config: Config, found: Any, search_from: int) -> Any:
    """What `take_turn` asks for the settings of the run; None where nothing is ever searched."""
    if not config.tuning.trials:
        return None
    from pipeline.experiments.retuning import search_or_take

    def settle(checked: Any, runs: Any) -> Config:
        labels = found.known + found.labels
        return search_or_take(config, runs, checked.categories, labels, search_from)

    return settle


def _counted(found: Any, needed: int) -> str:
    since = f"since the run of {found.since:%Y-%m-%d %H:%M} UTC" if found.since else "and no run"
    line = f"{found.labels:,} new labels ({found.reviews:,} from reviews) {since}; "
    if reason := found.reason(needed):
        return f"{line}a run is due: {reason}"
    if found.broken:
        return f"{line}the promise is broken, and there is nothing new to learn from"
    return f"{line}{needed:,} are enough"


def _say(as_json: bool, said: dict[str, Any], line: str) -> None:
    if not as_json:
        click.echo(one_line(line))
        return
    since = said["since"]
    click.echo(json_text({**said, "since": since and since.isoformat(timespec="seconds")}))
