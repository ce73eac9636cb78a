"""`shelfsort report`: a run's verdict, its key figures, and the path of its page."""

import json
import webbrowser
from pathlib import Path

import click

from components.report_gen.artifact import PAGE_FILE, Report
from shelfsort.contract.figures import accepted_accuracy, coverage, labels, targets_of
from shelfsort.contract.targets import DEFAULT_TARGETS
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import one_line


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN_OR_DIR")
@click.option("--last", is_flag=True, help="Show the last run's report, whatever is live.")
@click.option("--open", "open_page", is_flag=True, help="Open the report in a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def report(run: Path, last: bool, open_page: bool, as_json: bool) -> None:
    """Print the verdict and key figures of a report, and its path.

    RUN_OR_DIR is the --output folder of runs, a report folder, or a report file. Of an --output
    folder, the report is that of the live model, or of the last run where no model is live.

    \b
    Examples:
      shelfsort report out
      shelfsort report out --open
      shelfsort report out --last
      shelfsort report out --json
    """
    page = _find_page(run)
    live = None if last else _live_page(run)
    other = live is not None and live[0].read_bytes() != page.read_bytes()
    page, version = live or (page, 0)
    found = Report.of_page(page)
    if as_json:
        click.echo(json.dumps({**found.to_dict(), "page": str(page), "version": version or None}))
    else:
        _print(page, found, version)
        if other:
            click.echo(f"The last run's report is another one: shelfsort report {run} --last")
    if open_page and not webbrowser.open(page.as_uri()):
        click.echo("No browser was found. Open the file.", err=True)


def _find_page(run: Path) -> Path:
    candidates = [run, run / "index.html", run / "report" / "index.html"]
    for page in candidates:
        if page.is_file():
            return page.resolve()
    raise InputError(
        f"{run}: no report found. Give the --output folder of a finished `shelfsort run`."
    )


def _live_page(run: Path) -> tuple[Path, int] | None:
    """The report of the run that made the live model, and the version; None where none is known."""
    if not (run / "metadata.sqlite").is_file():
        return None
    from pipeline.experiments.runs import list_runs
    from pipeline.output_folder import OutputFolder
    from serving.versions import list_versions, newest_whole

    folder = OutputFolder.existing(str(run))
    versions = list_versions(folder.serving / Report.of_page(folder.report).model_name)
    live = newest_whole(versions)
    if live is None:
        return None
    # A rollback is a copy, under a number of its own, of a version that a run pushed.
    copied = {each.number: each.lineage.get("rollback_of") for each in versions}
    pushed: object = live.number
    while isinstance(pushed, int) and copied.get(pushed):
        pushed = copied[pushed]
    for each in list_runs(folder):
        page = each.artifacts.get("report", Path()) / PAGE_FILE
        if each.version == str(pushed) and page.is_file():
            return page.resolve(), live.number
    return None


def _print(page: Path, found: Report, version: int) -> None:
    said = f"is live as version {version}" if version else "may go live"
    if not found.blessed:
        said = "may not go live"
    click.echo(one_line(f"{found.model_name} {said}"))
    for reason in found.failed:
        click.echo(one_line(f"  failed: {reason}"))
    for reason in found.overruled:
        click.echo(one_line(f"  overridden by {found.approved_by}: {reason}"))
    click.echo(f"Figures on {found.n:,} eval products, from text and image:")
    targets = targets_of(found.figures) or DEFAULT_TARGETS
    names = [name for each in targets for name in (coverage(each), accepted_accuracy(each))]
    label = labels(targets)
    for name in [*names, "accuracy", "parent_accuracy"]:
        value = found.figures.get(name)
        click.echo(f"  {'–' if value is None else f'{value:.1%}':>7}  {label[name]}")
    click.echo(f"Report: {page}")
