"""`shelfsort labels`: turns the answers of several workers into labels, and evaluates them."""

import json
import math
from dataclasses import asdict
from itertools import combinations
from typing import Any

import click

from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.terminal import one_line
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.choice import AUTO, METHODS
from shelfsort.labeling.consolidation_job import ConsolidationJob, Result
from shelfsort.labeling.evaluation import Cost, Quality, Share, between_jobs, job_cost
from shelfsort.labeling.evaluation_job import evaluate_jobs
from shelfsort.labeling.import_job import ODDITIES as IMPORT_ODDITIES
from shelfsort.labeling.import_job import read_export, write_import
from shelfsort.labeling.manifest_answers import ODDITIES
from shelfsort.labeling.workers import Worker
from shelfsort.products.manifest.outcomes import OUTCOMES
from shelfsort.products.tables.rows import CATEGORY

_WORKERS_SHOWN = 10
_MEANING = {
    "label": "a category",
    "inner_label": "a parent category only",
    "cannot_tell": "most workers cannot tell",
    "no_consensus": "too few workers agree",
}


@click.group()
def labels() -> None:
    """Turn the answers of several workers into labels, and evaluate them.

    \b
    Examples:
      shelfsort labels import label-studio.json --output labelled.manifest
      shelfsort labels consolidate labelled.manifest --output consolidated.manifest
      shelfsort labels evaluate labelled.manifest --price 0.048
    """


@labels.command(short_help="Give each product the label that its answers support.")
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
    "--scores", default="", metavar="FILE", help="Scores of a model that never saw the products."
)
@click.option("--taxonomy", default="", metavar="FILE", help="Category tree of the labels.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
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
    JSON Lines such as {"id": "p1", "scores": {"Shoes": 0.9, "Hats": 0.1}}.

    \b
    Examples:
      shelfsort labels consolidate answers.csv --gold gold.csv
      shelfsort labels consolidate output.manifest --output consolidated.manifest
      shelfsort labels consolidate output.manifest --method majority --json
      shelfsort labels consolidate output.manifest --scores scores.jsonl --output assisted.manifest
    """
    job = ConsolidationJob(
        data, method, gold, scores, taxonomy, attribute, min_confidence, cannot_tell
    )
    result = job.run()
    written = result.write(output) if output else 0
    if as_json:
        click.echo(json.dumps(_as_json(result, written), ensure_ascii=False))
        return
    for line in _text(result, output, written):
        click.echo(line)


@labels.command("import", short_help="Make a manifest of another tool's answers.")
@click.argument("export", metavar="EXPORT")
@click.option("--output", required=True, metavar="FILE", help="Manifest to write.")
@click.option(
    "--products", default="", metavar="MANIFEST", help="Manifest of the products of the job."
)
@click.option(
    "--attribute", default=CATEGORY, show_default=True, help="Label attribute of the manifest."
)
@click.option(
    "--label-field", default="", help="Field of a Ground Truth answer that holds the label."
)
def import_answers(
    export: str, output: str, products: str, attribute: str, label_field: str
) -> None:
    """Turn the answers that another tool exports into a manifest with every worker's answer.

    EXPORT is a table with the columns task, worker and label (and perhaps seconds), the folder
    worker-response of Ground Truth, its responses as JSON Lines, or Label Studio's JSON export.
    Nothing is left out: an answer without a label is kept in full, and counted.

    \b
    Examples:
      shelfsort labels import answers.csv --products catalogue.manifest --output labelled.manifest
      shelfsort labels import worker-response --products input.manifest --output labelled.manifest
      shelfsort labels import label-studio.json --output labelled.manifest
    """
    found = read_export(export, label_field)
    written = write_import(found, output, attribute, products)
    click.echo(f"{len(found.entries):,} products, {found.answers:,} answers")
    for name, count in found.counts.items():
        if count:
            click.echo(f"  {name}: {count:,} ({IMPORT_ODDITIES[name]})")
    click.echo(f"Wrote {written:,} lines to {one_line(output)}")


@labels.command(short_help="Say how good jobs were, and what labels cost.")
@click.argument("jobs", metavar="MANIFEST|CSV...", nargs=-1, required=True)
@click.option("--gold", default="", metavar="FILE", help="True labels. Default: gold of the lines.")
@click.option("--taxonomy", default="", metavar="FILE", help="Category tree of the labels.")
@click.option("--price", type=click.FloatRange(0), help="Price of one answer.")
@click.option(
    "--fee",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Fee of the labelling service for each product, on top of --price.",
)
@click.option(
    "--project",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="Number of products to project the cost to.",
)
@click.option(
    "--cannot-tell", default=UNSURE, show_default=True, help="Answer of a worker who cannot tell."
)
@click.option("--attribute", default="", help="Label attribute, if a manifest has several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    jobs: tuple[str, ...],
    gold: str,
    taxonomy: str,
    price: float | None,
    fee: float,
    project: int,
    cannot_tell: str,
    attribute: str,
    as_json: bool,
) -> None:
    """Say how good labelling jobs were, and what their labels cost.

    Prints the consensus, the matches with gold, the agreement of the workers and of the jobs with
    each other. Brackets show 95 % intervals: 100 products say little.

    \b
    Examples:
      shelfsort labels evaluate output.manifest --price 0.048
      shelfsort labels evaluate first.manifest second.manifest --gold gold.csv --json
    """
    found = evaluate_jobs(jobs, gold, taxonomy, attribute, cannot_tell)
    costs = [None if price is None else job_cost(each, price, fee, project) for each in found]
    pairs = list(combinations(range(len(jobs)), 2))
    if as_json:
        click.echo(
            json.dumps(
                {
                    "jobs": [
                        {"job": name, **_quality_json(each), "cost": cost and asdict(cost)}
                        for name, each, cost in zip(jobs, found, costs, strict=True)
                    ],
                    "between": [_between_json(jobs, found, *pair) for pair in pairs],
                },
                ensure_ascii=False,
            )
        )
        return
    for name, each, cost in zip(jobs, found, costs, strict=True):
        for line in [one_line(name), *_quality_lines(each), *(_cost_lines(cost) if cost else [])]:
            click.echo(line)
    for one, other in pairs:
        alike, kappa = between_jobs(found[one], found[other])
        names = f"{one_line(jobs[one])} and {one_line(jobs[other])}"
        click.echo(f"{names}: same label {_share(alike)}, kappa {_figure(kappa)}")


def _quality_json(quality: Quality) -> dict[str, Any]:
    shares = {
        "consensus": quality.consensus,
        "right": quality.right,
        "right_of_consensus": quality.right_of_consensus,
    }
    return {
        "products": quality.products,
        "answers": quality.answers,
        "workers": quality.workers,
        **{name: _share_json(share) for name, share in shares.items()},
        "agreement": {name: _number(each) for name, each in quality.agreement.items()},
    }


def _between_json(
    jobs: tuple[str, ...], found: list[Quality], one: int, other: int
) -> dict[str, Any]:
    alike, kappa = between_jobs(found[one], found[other])
    return {
        "jobs": [jobs[one], jobs[other]],
        "same_label": _share_json(alike),
        "kappa": _number(kappa),
    }


def _share_json(share: Share) -> dict[str, Any]:
    return {"count": share.count, "n": share.n, "interval": list(share.interval)}


def _number(figure: float) -> float | None:
    return None if math.isnan(figure) else figure


def _figure(figure: float) -> str:
    return "-" if math.isnan(figure) else f"{figure:.3f}"


def _share(share: Share) -> str:
    if share.share is None:
        return "-"
    low, high = share.interval
    return f"{share.count:,} of {share.n:,}, {share.share:.1%} [{low:.1%}, {high:.1%}]"


def _quality_lines(quality: Quality) -> list[str]:
    figures = quality.agreement
    return [
        f"  {quality.products:,} products, {quality.answers:,} answers, "
        f"{quality.workers:,} workers",
        f"  consensus: {_share(quality.consensus)}",
        f"  right, all products with gold: {_share(quality.right)}",
        f"  right, products with consensus: {_share(quality.right_of_consensus)}",
        f"  agreement of answers: {_figure(figures['raw'])}, Cohen's kappa "
        f"{_figure(figures['cohen'])}, Fleiss' kappa {_figure(figures['fleiss'])}",
        f"  Krippendorff's alpha: {_figure(figures['alpha'])}, with partial credit for near "
        f"categories {_figure(figures['alpha_tree'])}",
    ]


def _cost_lines(cost: Cost) -> list[str]:
    usable = "-" if cost.per_usable is None else f"{cost.per_usable:,.3f}"
    enough = "-" if cost.project_usable is None else f"{cost.project_usable:,.2f}"
    return [
        f"  cost: {cost.spent:,.2f}, {cost.per_product:,.3f} a product, {usable} a product with "
        "consensus",
        f"  {cost.project:,} products: {cost.project_asked:,.2f}; as many with consensus: {enough}",
    ]


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
        "workers": [asdict(worker) for worker in consolidated.workers],
        "lines_written": written,
    }


def _text(result: Result, output: str | None, written: int) -> list[str]:
    consolidated = result.consolidated
    choice, n = consolidated.choice, len(consolidated.verdicts)
    lines = [
        f"{n:,} products, {len(result.found.answers):,} answers, "
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
