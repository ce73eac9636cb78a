"""`shelfsort labels evaluate`: how good jobs were, and what labels cost."""

import math
from dataclasses import asdict
from itertools import combinations
from typing import Any

import click

from shelfsort.cli.numbers import FiniteRange
from shelfsort.core.files import refuse_inputs, write_bytes
from shelfsort.core.terminal import json_text, one_line
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.evaluation import FIGURES, Cost, Quality, Share, between_jobs
from shelfsort.labeling.evaluation_job import EvaluatedJob, evaluate_jobs
from shelfsort.labeling.evaluation_page import page
from shelfsort.labeling.job_report import (
    JobReport,
    PriceEffect,
    Prices,
    price_effects,
    report_jobs,
)
from shelfsort.labeling.outlook import Difference
from shelfsort.products.manifest.files import find_manifest_files


@click.command(short_help="Say how good jobs were, and what labels cost.")
@click.argument("jobs", metavar="MANIFEST|CSV...", nargs=-1, required=True)
@click.option("--gold", default="", metavar="FILE", help="True labels. Default: gold of the lines.")
@click.option("--taxonomy", default="", metavar="FILE", help="Category tree of the labels.")
@click.option(
    "--price",
    type=FiniteRange(0),
    multiple=True,
    help="Price of one answer: once, or once for each job.",
)
@click.option(
    "--fee",
    type=FiniteRange(0),
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
@click.option("--html", "place", default="", metavar="FILE", help="Page with plots to write.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    jobs: tuple[str, ...],
    gold: str,
    taxonomy: str,
    price: tuple[float, ...],
    fee: float,
    project: int,
    cannot_tell: str,
    attribute: str,
    place: str,
    as_json: bool,
) -> None:
    """Say how good labelling jobs were, and what their labels cost.

    Prints the consensus, the matches with gold, the agreement of the workers and of the jobs with
    each other, and what more workers would bring. Brackets show 95 % intervals: 100 products say
    little.

    \b
    Examples:
      shelfsort labels evaluate output.manifest --price 0.048 --html job.html
      shelfsort labels evaluate cheap.manifest dear.manifest --price 0.036 --price 0.072
      shelfsort labels evaluate first.manifest second.manifest --gold gold.csv --json
    """
    if len(price) > 1 and len(price) != len(jobs):
        raise click.UsageError(f"--price is given {len(price)} times for {len(jobs)} jobs.")
    files = (file for job in jobs for file in find_manifest_files(job))
    refuse_inputs(place, *files, gold, taxonomy, option="--html")
    found = evaluate_jobs(jobs, gold, taxonomy, attribute, cannot_tell)
    prices = Prices(price * len(jobs) if len(price) == 1 else price, fee, project)
    reports = report_jobs(found, prices if price else None)
    effects = price_effects(reports)
    if place:
        write_bytes(place, page(reports, effects, _between(found)))
    if as_json:
        click.echo(json_text(_as_json(found, reports, effects)))
        return
    for line in _text(found, reports, effects):
        click.echo(line)
    if place:
        click.echo(f"Wrote {one_line(place)}")


def _as_json(
    found: list[EvaluatedJob], reports: list[JobReport], effects: list[PriceEffect]
) -> dict[str, Any]:
    return {
        "jobs": [
            {
                "job": each.name,
                **_quality_json(each.quality),
                "cost": each.cost and asdict(each.cost),
                "price": each.price,
                "per_hour": each.per_hour,
                "hours": each.hours,
                "pay": [asdict(pay) for pay in each.pay],
                "worker_report": [asdict(worker) for worker in each.workers],
                "confused": [
                    {**asdict(pair), "count": _share_json(pair.count)} for pair in each.confused
                ],
                "judged_by_gold": _share_json(each.judged_by_gold),
                "by_number_of_workers": [asdict(level) for level in each.outlook],
                "gold_questions": [asdict(level) for level in each.gold_outlook],
            }
            for each in reports
        ],
        "between": [
            {"jobs": list(names), "same_label": _share_json(alike), "kappa": _number(kappa)}
            for names, alike, kappa in _between(found)
        ],
        "higher_price": [asdict(each) for each in effects],
    }


def _text(
    found: list[EvaluatedJob], reports: list[JobReport], effects: list[PriceEffect]
) -> list[str]:
    lines = []
    for each in reports:
        lines += [one_line(each.name), *_quality_lines(each.quality)]
        lines += _cost_lines(each.cost) if each.cost else []
        lines += _outlook_lines(each)
    lines += [
        f"{one_line(one)} and {one_line(other)}: same label {_share(alike)}, kappa {_figure(kappa)}"
        for (one, other), alike, kappa in _between(found)
    ]
    return lines + [line for each in effects for line in _effect_lines(each)]


def _between(found: list[EvaluatedJob]) -> list[tuple[tuple[str, str], Share, float]]:
    """Each pair of jobs with the share of equal labels and kappa."""
    return [
        ((one.name, other.name), *between_jobs(one.quality, other.quality))
        for one, other in combinations(found, 2)
    ]


def _outlook_lines(report: JobReport) -> list[str]:
    lines = []
    if report.per_hour is not None:
        lines.append(f"  pay for an hour, all workers: {report.per_hour:,.2f}")
    if report.hours is not None:
        lines.append(f"  from the first answer to the last: {report.hours:,.1f} hours")
    suspected = [
        one_line(worker.name or "(no id)") for worker in report.workers if worker.suspected
    ]
    if suspected:
        lines.append(f"  stop paying: {', '.join(suspected[:10])}")
    if report.outlook and report.judge:
        lines.append(f"  what is right below: {report.judge}")
    for level in report.outlook:
        source = "measured" if level.measured else "expected"
        lines.append(
            f"  {level.workers} worker{'s' if level.workers > 1 else ''} a product ({source}): "
            f"consensus {level.consensus:.1%}, right {level.right:.1%}"
        )
    return lines


def _effect_lines(effect: PriceEffect) -> list[str]:
    parts = [
        f"{name} {_points(each)}"
        for name, each in (("consensus", effect.consensus), ("right", effect.right))
        if each is not None
    ]
    parts += [] if effect.hours is None else [f"{effect.hours:+,.1f} hours sooner"]
    return [
        f"{one_line(effect.dear)} pays {effect.price:,.3f} more than {one_line(effect.cheap)}: "
        + ", ".join(parts)
    ]


def _points(each: Difference) -> str:
    return f"{100 * each.points:+.1f} points [{100 * each.low:+.1f}, {100 * each.high:+.1f}]"


def _quality_json(quality: Quality) -> dict[str, Any]:
    shares = {
        "consensus": quality.consensus,
        "right": quality.right,
        "right_of_consensus": quality.right_of_consensus,
    }
    return {
        "products": quality.products,
        "answers": quality.answers,
        "cannot_tell": quality.cannot_tell,
        "workers": quality.workers,
        **{name: _share_json(share) for name, share in shares.items()},
        "agreement": {name: _number(each) for name, each in quality.agreement.items()},
        "agreement_intervals": {
            name: [_number(end) for end in ends]
            for name, ends in quality.agreement_intervals.items()
        },
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
    figures = {name: _agreed(quality, name) for name in FIGURES}
    return [
        f"  {quality.products:,} products, {quality.answers:,} answers that name a category, "
        f"{quality.cannot_tell:,} that cannot tell, {quality.workers:,} workers",
        f"  consensus: {_share(quality.consensus)}",
        f"  right, all products with gold: {_share(quality.right)}",
        f"  right, products with consensus: {_share(quality.right_of_consensus)}",
        f"  agreement of answers: {figures['raw']}, Cohen's kappa {figures['cohen']}, "
        f"Fleiss' kappa {figures['fleiss']}",
        f"  Krippendorff's alpha: {figures['alpha']}, with partial credit for near categories "
        f"{figures['alpha_tree']}",
    ]


def _agreed(quality: Quality, name: str) -> str:
    low, high = quality.agreement_intervals[name]
    figure = _figure(quality.agreement[name])
    return figure if math.isnan(low) else f"{figure} [{low:.3f}, {high:.3f}]"


def _cost_lines(cost: Cost) -> list[str]:
    usable = "-" if cost.per_usable is None else f"{cost.per_usable:,.3f}"
    enough = "-" if cost.project_usable is None else f"{cost.project_usable:,.2f}"
    return [
        f"  cost: {cost.spent:,.2f}, {cost.per_product:,.3f} a product, {usable} a product with "
        "consensus",
        f"  {cost.project:,} products: {cost.project_asked:,.2f}; as many with consensus: {enough}",
    ]
