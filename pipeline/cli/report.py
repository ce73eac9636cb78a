"""`shelfsort report`: a run's verdict, its key figures, and the path of its page."""

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
            (coverage(target), f"coverage at {100 * target:g} %"),
            (
                accepted_accuracy(target),
                f"accuracy of predictions accepted at {100 * target:g} %",
            ),
        )
    },
    "accuracy": "accuracy",
    "parent_accuracy": "accuracy of the parent category",
}


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
        f"{run}: no report found. Give the --output folder of a finished `shelfsort run`."
    )


def _summary(page: Path) -> dict[str, Any]:
    from components.report_gen.page import summary_of

    try:
        return summary_of(page.read_text("utf-8"))
    except ValueError as error:
        raise InputError(
            f"{page}: {error}. Give the --output folder of a finished `shelfsort run`."
        ) from None


def _print(page: Path, summary: dict[str, Any]) -> None:
    said = "may go live" if summary["blessed"] else "may not go live"
    click.echo(f"{summary['model_name']} {said}")
    for reason in summary["failed"]:
        click.echo(f"  failed: {reason}")
    for reason in summary["overruled"]:
        click.echo(f"  overridden by {summary['approved_by']}: {reason}")
    click.echo(f"Figures on {summary['n']:,} eval products, from text and image:")
    for key, words in _FIGURES.items():
        value = summary["figures"].get(key)
        click.echo(f"  {'–' if value is None else f'{value:.1%}':>7}  {words}")
    click.echo(f"Report: {page}")
