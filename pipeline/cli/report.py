"""`shelfsort report`: a run's verdict, its key figures, and where its page lies."""

import json
import webbrowser
from pathlib import Path
from typing import Any

import click

from pipeline.errors import InputError

_FIGURES = {
    "coverage_at_95": "decided at 95 %",
    "accepted_accuracy_95": "right when decided at 95 %",
    "coverage_at_98": "decided at 98 %",
    "accepted_accuracy_98": "right when decided at 98 %",
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
    verdict, metrics = _read(page, "verdict.json"), _read(page, "metrics.json")
    if as_json:
        figures = _combined(metrics)
        click.echo(json.dumps({**verdict, "figures": figures, "page": str(page)}))
    else:
        _print(page, verdict, _combined(metrics))
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


def _read(page: Path, name: str) -> dict[str, Any]:
    path = page.with_name(name)
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{path}: missing beside the page. Run `shelfsort run` again to write the report anew."
        ) from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}). Run `shelfsort run` again.") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a JSON object. Run `shelfsort run` again.")
    return content


def _combined(metrics: dict[str, Any]) -> dict[str, Any]:
    figures = (metrics.get("combined") or {}).get("eval") or {}
    return {name: figures.get(name) for name in ("n", *_FIGURES)}


def _print(page: Path, verdict: dict[str, Any], figures: dict[str, Any]) -> None:
    name = verdict.get("model_name") or "this model"
    said = "may go live" if verdict.get("blessed") else "may not go live"
    click.echo(f"{name} {said}")
    for reason in verdict.get("failed") or []:
        click.echo(f"  against it: {reason}")
    for reason in verdict.get("overruled") or []:
        click.echo(f"  let pass by {verdict.get('approved_by')}: {reason}")
    click.echo(f"On {figures['n'] or 0:,} eval products, words and picture together:")
    for key, words in _FIGURES.items():
        value = figures[key]
        click.echo(f"  {'–' if value is None else f'{value:.1%}':>7}  {words}")
    click.echo(f"Report: {page}")
