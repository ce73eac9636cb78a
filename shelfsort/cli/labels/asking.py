"""`shelfsort labels next` and `shelfsort labels auto`: ask people less."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import click

from shelfsort.cli.numbers import FiniteRange
from shelfsort.core.terminal import one_line
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.asking.catalogue import ODDITIES, Sources
from shelfsort.labeling.asking.job import AskingJob, counts_by_source
from shelfsort.labeling.asking.pac import Cut
from shelfsort.labeling.asking.plan import OPEN, Batch, Rules
from shelfsort.labeling.model_scores import TITLES
from shelfsort.products.product import ASSISTED, MACHINE, PEOPLE

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SOURCES = {
    PEOPLE: "by people alone",
    ASSISTED: "by people and the model",
    MACHINE: "by the model alone",
    OPEN: "open",
}


def _shared(command: _Command) -> _Command:
    """The options of both commands."""
    options = (
        click.option("--taxonomy", default="", metavar="FILE", help="Category tree of the labels."),
        click.option(
            "--scores",
            default="titles",
            show_default=True,
            metavar="FILE|RUN|titles",
            help="Scores of a model that never saw the products.",
        ),
        click.option("--gold", default="", metavar="FILE", help="True labels of some products."),
        click.option(
            "--ban-below",
            type=FiniteRange(0, 1),
            default=0.0,
            metavar="SHARE",
            help="Ignore workers who surely answer less of the gold right.",
        ),
        click.option(
            "--target",
            type=FiniteRange(0, 1, min_open=True, max_open=True),
            default=0.98,
            show_default=True,
            help="Accuracy of all labels.",
        ),
        click.option(
            "--enough",
            type=FiniteRange(0, 1, min_open=True, max_open=True),
            default=0.9,
            show_default=True,
            help="Probability of a label at which nobody else is asked.",
        ),
        click.option(
            "--most",
            type=click.IntRange(1),
            default=3,
            show_default=True,
            help="Most answers about a product.",
        ),
        click.option("--cannot-tell", default=UNSURE, show_default=True, help="As it is answered."),
        click.option("--attribute", default="", help="Label attribute, if there are several."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command("next", short_help="Choose the products to ask people about next.")
@click.argument("manifests", metavar="MANIFEST...", nargs=-1, required=True)
@click.option("--output", required=True, metavar="FILE", help="Manifest to write.")
@click.option(
    "--answers", type=click.IntRange(1), default=500, show_default=True, help="Answers to ask for."
)
@click.option(
    "--random-share",
    type=FiniteRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of the answers for products drawn at random.",
)
@click.option(
    "--gold-questions",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Products of --gold to mix in.",
)
@_shared
def next_products(
    manifests: tuple[str, ...],
    output: str,
    answers: int,
    random_share: float,
    gold_questions: int,
    as_json: bool,
    **shared: Any,
) -> None:
    """Choose the products to ask people about next, and whom to ask.

    Give the catalogue (manifest, table or folder of images) and the manifests with all answers so
    far. Lines with one id are one product. The first products are drawn at random. Later, most
    answers go where they gain most, and a share still goes to products drawn at random: these alone
    calibrate and evaluate a model.

    \b
    Examples:
      shelfsort labels next catalogue.manifest --answers 1500 --output round-1.manifest
      shelfsort labels next catalogue.manifest answered-*.manifest --output round-2.manifest
    """
    if gold_questions and not shared["gold"]:
        raise click.UsageError("--gold-questions needs --gold.")
    job = _job(manifests, shared, random_share)
    batch = job.batch(answers)
    written = job.write_batch(batch, output, gold_questions) if len(batch.rows) else 0
    if as_json:
        asked = {"answers": int(batch.answers.sum()), "last": batch.last, "lines_written": written}
        reasons = {name: int((batch.reasons == name).sum()) for name in sorted(set(batch.reasons))}
        click.echo(json.dumps({**_as_json(job), "next": {**asked, "products": reasons}}))
        return
    for line in [*_progress_lines(job), *_batch_lines(batch, output, written)]:
        click.echo(line)


@click.command(short_help="Label what a model can label with a guarantee.")
@click.argument("manifests", metavar="MANIFEST...", nargs=-1, required=True)
@click.option("--output", metavar="FILE", help="Manifest to write. Default: report only.")
@_shared
def auto(manifests: tuple[str, ...], output: str | None, as_json: bool, **shared: Any) -> None:
    """Write every product with its label so far: by people, or by a model that may.

    The model labels a product if it is sure enough that all labels together reach --target.
    Products drawn at random prove it, with 95 % confidence. Machine labels are marked
    `human-annotated: no`: they train, and never calibrate or evaluate.

    \b
    Examples:
      shelfsort labels auto catalogue.manifest answered-*.manifest --output labelled.manifest
    """
    job = _job(manifests, shared, 0.0)
    written = job.write_labels(output) if output else 0
    if as_json:
        click.echo(json.dumps({**_as_json(job), "lines_written": written}))
        return
    for line in _progress_lines(job):
        click.echo(line)
    if output:
        click.echo(f"Wrote {written:,} lines to {one_line(output)}")


def _job(manifests: tuple[str, ...], shared: dict[str, Any], random_share: float) -> AskingJob:
    sources = Sources(
        manifests,
        shared["taxonomy"],
        shared["scores"],
        shared["gold"],
        shared["attribute"],
        shared["cannot_tell"],
        shared["ban_below"],
    )
    rules = Rules(
        target=shared["target"],
        enough=shared["enough"],
        most=shared["most"],
        random_share=random_share,
        first=min(2, shared["most"]),
    )
    return AskingJob(sources, rules)


def _progress_lines(job: AskingJob) -> list[str]:
    catalogue, labels = job.catalogue, job.labels
    workers = len(job.skills)
    lines = [
        f"{len(catalogue.products):,} products, {len(catalogue.given):,} answers that are not "
        f"empty, {workers:,} workers"
    ]
    lines += [f"  {name}: {n:,} ({ODDITIES[name]})" for name, n in catalogue.counts.items() if n]
    if n := catalogue.without_scores:
        fitted = job.sources.scores in ("", TITLES)
        why = "they have no words" if fitted else f"they are not in {one_line(job.sources.scores)}"
        lines.append(
            f"Without scores of a model: {n:,} products, as {why}. People alone label them. Give "
            "--scores of a model that knows them, such as a run's."
        )
    if labels is None:
        return lines
    counts = counts_by_source(labels)
    lines += [f"  {counts[name]:,} {what}" for name, what in _SOURCES.items()]
    lines += [f"Expected accuracy of all labels: {labels.accuracy:.1%}", *_cut_lines(job)]
    lines += [
        f"Stop paying {one_line(each.name)}: {each.right} of {each.asked} gold questions right "
        f"[{each.low:.0%}, {each.high:.0%}]"
        for each in catalogue.workers
        if each.banned
    ]
    return lines


def _cut_lines(job: AskingJob) -> list[str]:
    assert job.labels is not None
    cut, alone = job.labels.cut, job.cut_alone()
    lines = []
    if cut.least > 1:
        lines.append(
            f"The model alone labels nothing: {cut.probe:,} products drawn at random do not prove "
            "that enough of its labels are right."
        )
    else:
        proof = f"{cut.wrong:,} of {cut.probe:,} drawn at random differ from people"
        lines.append(
            f"The model alone labels what it gives at least {cut.least:.3f}: at most "
            f"{cut.bound:.2%} of all products wrong, with {job.rules.confidence:.0%} confidence "
            f"({proof})"
        )
    if alone is not None and alone.least <= 1:
        lines.append(
            f"Its own labels reach {job.rules.target:.0%} from {alone.least:.3f} on: at most "
            f"{alone.bound:.2%} of them wrong"
        )
    return lines


def _batch_lines(batch: Batch, output: str, written: int) -> list[str]:
    if not len(batch.rows):
        return ["Nothing is left to ask. Write the labels: shelfsort labels auto"]
    reasons = ", ".join(
        f"{name} {int((batch.reasons == name).sum()):,}" for name in sorted(set(batch.reasons))
    )
    last = " These are the last, unless an answer raises a doubt." if batch.last else ""
    return [
        f"Ask next: {int(batch.answers.sum()):,} answers about {len(batch.rows):,} products "
        f"({reasons}).{last}",
        f"Wrote {written:,} lines to {one_line(output)}",
    ]


def _as_json(job: AskingJob) -> dict[str, Any]:
    catalogue, labels = job.catalogue, job.labels
    found: dict[str, Any] = {
        "products": len(catalogue.products),
        "answers": len(catalogue.given),
        "workers": len(job.skills),
        "without_scores": catalogue.without_scores,
        "oddities": {name: n for name, n in catalogue.counts.items() if n},
        "gold_workers": [asdict(each) for each in catalogue.workers],
    }
    if labels is None:
        return found
    counts = counts_by_source(labels)
    return {
        **found,
        "labels": {name or "open": counts[name] for name in _SOURCES},
        "expected_accuracy": labels.accuracy,
        "whole_set": _cut_json(labels.cut),
        "alone": _cut_json(job.cut_alone()),
    }


def _cut_json(cut: Cut | None) -> dict[str, Any] | None:
    if cut is None or cut.least > 1:
        return None
    return asdict(cut)
