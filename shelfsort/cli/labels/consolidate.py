"""`shelfsort labels consolidate`: one label for each product."""

from dataclasses import asdict
from typing import Any

import click

from shelfsort.cli.numbers import FiniteRange
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.terminal import json_text, one_line
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.choice import AUTO, METHODS
from shelfsort.labeling.consolidation_job import ConsolidationJob, Result
from shelfsort.labeling.manifest_answers import ODDITIES
from shelfsort.labeling.workers import Worker
from shelfsort.products.manifest.outcomes import OUTCOMES

_WORKERS_SHOWN = 10
_MEANING = {
    "label": "a category",
    "inner_label": "a parent category only",
    "cannot_tell": "most workers cannot tell",
    "no_consensus": "too few workers agree",
}


@click.command(short_help="Give each product the label that its answers support.")
@click.argument("data", metavar="MANIFEST|CSV")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=AUTO,
    show_default=True,
    help="How answers become labels. `auto` chooses, and says why.",
)
@click.option("--gold", default="", metavar="FILE", help="True labels of some products.")
@click.option(
    "--scores",
    default="",
    metavar="FILE|RUN|titles",
    help="Scores of a model that never saw the products.",
)
@click.option("--taxonomy", default="", metavar="FILE", help="Category tree of the labels.")
@click.option(
    "--min-confidence",
    type=FiniteRange(0, 1),
    default=0.5,
    show_default=True,
    help="Smallest confidence of a label.",
)
@click.option(
    "--cannot-tell", default=UNSURE, show_default=True, help="Answer of a worker who cannot tell."
)
@click.option("--attribute", default="", help="Label attribute, if the manifest has several.")
@click.option("--output", metavar="FILE", help="Manifest to write. Default: report only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def consolidate(
    data: str,
    method: str,
    gold: str,
    scores: str,
    taxonomy: str,
    min_confidence: float,
    cannot_tell: str,
    attribute: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Give each product the label that its workers' answers support, with a confidence.

    MANIFEST is the output of a labelling job that keeps its workers' answers. CSV has the columns
    task, worker and label, and perhaps seconds. Where the leaves disagree and their parent
    category is sure, the label is the parent.

    GOLD is a table with the columns task and gold, or a manifest whose lines have gold. SCORES are
    JSON Lines such as {"id": "p1", "scores": {"Shoes": 0.9, "Hats": 0.1}}, the output folder of a
    run, or `titles`: a model that is fitted to the titles, always without the product itself.

    \b
    Examples:
      shelfsort labels consolidate answers.csv --gold gold.csv
      shelfsort labels consolidate output.manifest --output consolidated.manifest
      shelfsort labels consolidate output.manifest --method majority --json
      shelfsort labels consolidate output.manifest --scores titles --output assisted.manifest
    """
    job = ConsolidationJob(
        data, method, gold, scores, taxonomy, attribute, min_confidence, cannot_tell
    )
    result = job.run()
    written = result.write(output) if output else 0
    if not result.mostly_known:
        click.echo(_warning(result), err=True)
    if as_json:
        click.echo(json_text(_as_json(result, written)))
        return
    for line in _text(result, output, written):
        click.echo(line)


def _warning(result: Result) -> str:
    unknown, answers = result.found.counts["unknown_label"], len(result.found.answers)
    return (
        f"Warning: {unknown:,} of {answers:,} answers are no leaf of the tree, such as "
        f"{one_line(result.first_unknown)}. Give --taxonomy the tree that people chose from."
    )


def _as_json(result: Result, written: int) -> dict[str, Any]:
    consolidated = result.consolidated
    choice = consolidated.choice
    return {
        "tasks": len(consolidated.verdicts),
        "answers": len(result.found.answers),
        "method": choice.method,
        "reason": choice.reason,
        "outcomes": {name: result.outcomes[name] for name in OUTCOMES},
        "gold": choice.gold,
        "right": dict(choice.right),
        "oddities": {name: n for name, n in result.found.counts.items() if n},
        "first_unknown": result.first_unknown,
        "workers": [asdict(worker) for worker in consolidated.workers],
        "lines_written": written,
    }


def _text(result: Result, output: str | None, written: int) -> list[str]:
    consolidated = result.consolidated
    choice, n = consolidated.choice, len(consolidated.verdicts)
    lines = [
        f"{n:,} products, {len(result.found.answers):,} answers that are not empty, "
        f"{len(consolidated.workers):,} workers",
        f"Method: {choice.method} ({choice.reason})",
        "",
    ]
    outcomes = [
        [name, f"{result.outcomes[name]:,}", f"{result.outcomes[name] / n:.1%}", _MEANING[name]]
        for name in OUTCOMES
    ]
    columns = [
        Column("outcome"),
        Column("products", number=True),
        Column("share", number=True),
        Column("meaning", wraps=True),
    ]
    width = terminal_width()
    lines += table_lines(columns, outcomes, width)
    if choice.right:
        lines += ["", f"Right on {choice.gold:,} gold products (ties count in part):"]
        ranked = sorted(choice.right.items(), key=lambda each: -each[1])
        lines += [f"  {name}: {right:g}" for name, right in ranked]
    lines += ["", *_worker_lines(consolidated.workers, width)]
    odd = [(name, count) for name, count in result.found.counts.items() if count]
    if odd:
        lines += ["", "Found in the data:"]
        lines += [f"  {name}: {count:,} ({ODDITIES[name]})" for name, count in odd]
    if result.first_unknown:
        lines += [f"  the first unknown_label: {one_line(result.first_unknown)}"]
    if output:
        lines += ["", f"Wrote {written:,} lines to {one_line(output)}"]
    return lines


def _worker_lines(workers: tuple[Worker, ...], width: int | None) -> list[str]:
    suspected = [worker for worker in workers if worker.suspected]
    active = [worker for worker in workers if not worker.suspected]
    shown = [*suspected, *active[: max(_WORKERS_SHOWN - len(suspected), 0)]]
    rows = [
        [
            worker.name or "(no id)",
            f"{worker.answers:,}",
            "-" if worker.skill is None else f"{worker.skill:.2f}",
            f"{worker.low:.2f} to {worker.high:.2f}",
            "-" if worker.disagreement is None else f"{worker.disagreement:.0%}",
            f"{worker.gold_right} of {worker.gold}" if worker.gold else "-",
            "-" if worker.seconds is None else f"{worker.seconds:g}",
            "suspected" if worker.suspected else "",
        ]
        for worker in shown
    ]
    headings = ("worker", "answers", "skill", "95 % interval", "differs", "gold", "seconds", "")
    columns = [Column(name, number=name in ("answers", "skill")) for name in headings]
    rest = len(workers) - len(shown)
    more = [f"{rest:,} more workers; --json lists all."] if rest else []
    return [
        f"Suspected of answering by chance: {len(suspected):,}",
        *table_lines(columns, rows, width),
        *more,
    ]
