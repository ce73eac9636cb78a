"""`shelfsort labels evaluate`: how good jobs were, and what labels cost."""

import json
import math
from dataclasses import asdict
from itertools import combinations
from typing import Any

import click

from shelfsort.core.terminal import one_line
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.evaluation import Cost, Quality, Share, between_jobs, job_cost
from shelfsort.labeling.evaluation_job import evaluate_jobs


@click.command(short_help="Say how good jobs were, and what labels cost.")
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
