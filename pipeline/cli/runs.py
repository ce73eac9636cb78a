"""`shelfsort runs`: what was tried in an output folder, and what set two runs apart."""

import dataclasses
import json

import click

from pipeline.output_folder import OutputFolder

_COMPARED = (
    "accuracy",
    "parent_accuracy",
    "macro_f1",
    "coverage_at_95",
    "accepted_accuracy_95",
    "coverage_at_98",
    "accepted_accuracy_98",
    "parent_coverage_at_95",
    "parent_coverage_at_98",
    "ece",
)


@click.command()
@click.option("--output", required=True, help="Output folder of the runs.")
@click.option("--compare", nargs=2, metavar="A B", help="Two runs: ids, their beginning, `latest`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def runs(output: str, compare: tuple[str, str] | None, as_json: bool) -> None:
    """List the runs of an output folder with their figures, or compare two.

    \b
    Examples:
      shelfsort runs --output out
      shelfsort runs --output out --compare 2026-01-15T09 latest
    """
    from pipeline.runs import find_run, list_runs

    found = list_runs(OutputFolder.existing(output))
    if compare:
        _compare(find_run(found, compare[0]), find_run(found, compare[1]), as_json)
    elif as_json:
        click.echo(json.dumps([dataclasses.asdict(run) for run in found], default=str))
    else:
        _list(found)


def _list(found) -> None:
    click.echo(
        f"{'run':<26}{'outcome':<14}{'version':>7}{'n':>8}{'text':>8}{'image':>8}{'combined':>10}"
        f"{'at 95 %':>10}{'at 98 %':>10}"
    )
    for run in found:
        figures = {mode: _eval(run, mode) for mode in ("text", "image", "combined")}
        combined = figures["combined"]
        click.echo(
            f"{run.id:<26}{run.outcome:<14}{run.version:>7}{combined.get('n', '-'):>8}"
            f"{_shown(figures['text'].get('accuracy')):>8}"
            f"{_shown(figures['image'].get('accuracy')):>8}"
            f"{_shown(combined.get('accuracy')):>10}"
            f"{_shown(combined.get('coverage_at_95')):>10}"
            f"{_shown(combined.get('coverage_at_98')):>10}"
        )


def _compare(a, b, as_json: bool) -> None:
    from pipeline.runs import differences

    settings = differences(a, b)
    if as_json:
        figures = {run.id: {mode: _eval(run, mode) for mode in run.metrics} for run in (a, b)}
        click.echo(json.dumps({"settings": settings, "figures": figures}, default=str))
        return
    click.echo(f"A  {a.id}  {a.outcome}\nB  {b.id}  {b.outcome}\n\nWhat differs in what went in:")
    for name, one, other in settings:
        click.echo(f"  {name}: {one} → {other}")
    if not settings:
        click.echo("  nothing")
    for mode in ("text", "image", "combined"):
        _compare_mode(mode, _eval(a, mode), _eval(b, mode))


def _compare_mode(mode: str, a: dict, b: dict) -> None:
    click.echo(
        f"\n{mode}, eval (n {a.get('n', '-')} and {b.get('n', '-')}){'A':>17}{'B':>10}{'B-A':>10}"
    )
    for name in _COMPARED:
        one, other = a.get(name), b.get(name)
        change = "" if one is None or other is None else f"{other - one:+.3f}"
        click.echo(f"  {name:<34}{_shown(one):>10}{_shown(other):>10}{change:>10}")
    if _overlap(a, b):
        click.echo("  accuracy: within each other's 95 % interval, so this may be chance")


def _overlap(a: dict, b: dict) -> bool:
    bounds = [x.get(k) for x in (a, b) for k in ("accuracy_lower", "accuracy_upper")]
    if None in bounds:
        return False
    return bounds[0] <= bounds[3] and bounds[2] <= bounds[1]


def _eval(run, mode: str) -> dict:
    return run.metrics.get(mode, {}).get("eval", {})


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
