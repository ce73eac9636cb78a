"""`shelfsort report`: a run's verdict, its key figures, and where its page lies."""

import json
import webbrowser
from pathlib import Path
from typing import Any

import click

from components.evaluator.figures import accepted_accuracy, coverage
from shelfsort.contract.targets import TARGETS
from shelfsort.core.errors import InputError

_FIGURES = {
    **{
        figure: words
        for target in TARGETS
        for figure, words in (
            (coverage(target), f"decided at {100 * target:g} %"),
            (accepted_accuracy(target), f"right when decided at {100 * target:g} %"),
        )
    },
    "accuracy": "right category",
    "parent_accuracy": "right shelf above it",
}


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN_OR_DIR")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for a program.")
def report(run: Path, open_page: bool, as_json: bool) -> None:
    """Say what a run's report says, and where it lies.

    RUN_OR_DIR is the --output folder of a run, its report folder, or the page itself.

    \b
    Examples:
      shelfsort report out
      shelfsort report out --open
      shelfsort report out --json
    """
    page = _find_page(run)
    summary = _summary(page)
    if as_json:
        click.echo(json.dumps({**summary, "page": str(page)}))
    else:
        _print(page, summary)
    if open_page:
        webbrowser.open(page.as_uri())


def _find_page(run: Path) -> Path:
    candidates = [run, run / "index.html", run / "report" / "index.html"]
    for page in candidates:
        if page.is_file():
            return page.resolve()
    raise InputError(
        f"{run}: there is no report. Give the --output folder of a `shelfsort run` that finished."
    )


def _summary(page: Path) -> dict[str, Any]:
    from components.report_gen.page import summary_of

    try:
        return summary_of(page.read_text("utf-8"))
    except ValueError as error:
        raise InputError(
            f"{page}: {error}. Give the --output folder of a `shelfsort run` that finished."
        ) from None


def _print(page: Path, summary: dict[str, Any]) -> None:
    said = "may go live" if summary["blessed"] else "may not go live"
    click.echo(f"{summary['model_name']} {said}")
    for reason in summary["failed"]:
        click.echo(f"  against it: {reason}")
    for reason in summary["overruled"]:
        click.echo(f"  let pass by {summary['approved_by']}: {reason}")
    click.echo(f"On {summary['n']:,} eval products, words and picture together:")
    for key, words in _FIGURES.items():
        value = summary["figures"].get(key)
        click.echo(f"  {'–' if value is None else f'{value:.1%}':>7}  {words}")
    click.echo(f"Report: {page}")
