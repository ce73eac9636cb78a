"""`shelfsort runs`: what was tried in an output folder, and what sets two runs apart."""

import dataclasses
import json

import click

from components.evaluator.figures import coverage, parent_coverage
from pipeline.output_folder import OutputFolder
from shelfsort.contract.modalities import ALONE, COMBINED
from shelfsort.contract.targets import TARGETS

_FIGURES = {
    "accuracy": "right",
    "parent_accuracy": "parent",
    **{coverage(target): f"at {100 * target:g} %" for target in TARGETS},
    **{parent_coverage(target): f"parent {100 * target:g}" for target in TARGETS},
}


@click.command()
@click.option("--output", required=True, help="Output folder of the runs.")
@click.option("--compare", nargs=2, metavar="A B", help="Two runs: ids, their beginning, `latest`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def runs(output: str, compare: tuple[str, str] | None, as_json: bool) -> None:
    """List the runs of an output folder with their figures, or compare two.

    The list has a line for each mode: shares of the eval products whose category and whose parent
    are right, and shares decided at 95 % and 98 %, as category and as parent.

    A comparison says what differs in data, settings and results, and by exact paired tests on the
    products that both runs scored whether the difference is more than chance.

    \b
    Examples:
      shelfsort runs --output out
      shelfsort runs --output out --compare 2026-01-15T09 latest
    """
    from pipeline.experiments.runs import find_run, list_runs

    found = list_runs(OutputFolder.existing(output))
    if compare:
        _compare(find_run(found, compare[0]), find_run(found, compare[1]), as_json)
    elif as_json:
        _print_json([dataclasses.asdict(run) for run in found])
    else:
        _list(found)


def _compare(a, b, as_json: bool) -> None:
    from pipeline.experiments.comparison import compare
    from pipeline.experiments.text import lines_of

    comparison = compare(a, b)
    if as_json:
        _print_json(comparison.to_dict())
    else:
        click.echo("\n".join(lines_of(comparison)))


def _list(found) -> None:
    heads = "".join(f"{head:>10}" for head in _FIGURES.values())
    click.echo(f"{'run, outcome':<26}{'given':<9}{'n':>7}{heads}")
    for run in found:
        version = f" as version {run.version}" if run.version else ""
        sides = (run.id, f"  {run.outcome}{version}", "")
        for side, mode in zip(sides, (*ALONE, COMBINED), strict=True):
            figures = run.metrics.get(mode, {}).get("eval", {})
            shares = "".join(f"{_shown(figures.get(name)):>10}" for name in _FIGURES)
            click.echo(f"{side:<26}{mode:<9}{figures.get('n', '-'):>7}{shares}")


def _print_json(content) -> None:
    click.echo(json.dumps(content, default=str))


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
