"""`shelfsort report`: a run's verdict, its key figures, and the path of its page."""

import json
import webbrowser
from pathlib import Path

import click

from components.report_gen.artifact import Report
from shelfsort.contract.figures import accepted_accuracy, coverage, labels, targets_of
from shelfsort.contract.targets import DEFAULT_TARGETS
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import one_line


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN_OR_DIR")
@click.option("--open", "open_page", is_flag=True, help="Open the report in a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def report(run: Path, open_page: bool, as_json: bool) -> None:
    """Print the verdict and key figures of a run's report, and the path of the report.

    RUN_OR_DIR is the --output folder of a run, its report folder, or the report file.

    \b
    Examples:
      shelfsort report out
      shelfsort report out --open
      shelfsort report out --json
    """
    page = _find_page(run)
    found = Report.of_page(page)
    if as_json:
        click.echo(json.dumps({**found.to_dict(), "page": str(page)}))
    else:
        _print(page, found)
    if open_page:
        webbrowser.open(page.as_uri())


def _find_page(run: Path) -> Path:
    candidates = [run, run / "index.html", run / "report" / "index.html"]
    for page in candidates:
        if page.is_file():
            return page.resolve()
    raise InputError(
        f"{run}: no report found. Give the --output folder of a finished `shelfsort run`."
    )


def _print(page: Path, found: Report) -> None:
    said = "may go live" if found.blessed else "may not go live"
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
