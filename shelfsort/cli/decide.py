"""`shelfsort batch`: decides about every product of a file, into a database."""

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from shelfsort.cli.asking import asking, table_options, tls_of, tls_options
from shelfsort.cli.data_files import NOTHING, data_files, if_any_option
from shelfsort.cli.databases import closed_at_end
from shelfsort.cli.numbers import FiniteRange
from shelfsort.client import DEFAULT_MODEL, Connection
from shelfsort.client.each import Ask
from shelfsort.core.errors import InputError
from shelfsort.core.storage import absolute
from shelfsort.core.terminal import json_text, one_line
from shelfsort.decisions.batch.job import Job, Summary
from shelfsort.decisions.batch.scoring import decide_file
from shelfsort.decisions.database.opening import open_patiently
from shelfsort.decisions.promise.sampling import Sampling
from shelfsort.decisions.rules.model import Rules
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.products.images.source import ImageSources
from shelfsort.products.tables.columns import parse_columns
from shelfsort.products.tables.rows import Reading
from shelfsort.products.taxonomy import UnknownLabel
from shelfsort.stats.binomial import interval


@click.command()
@click.option("--data", "--manifest", "data", required=True, help="Products, as for `predict`.")
@click.option("--rules", required=True, help="File of rules; see `shelfsort rules`.")
@click.option("--database", required=True, help="SQLite file, or postgresql://USER@HOST/NAME.")
@click.option("--address", metavar="HOST:PORT", help="The server's gRPC address.")
@click.option(
    "--model-folder",
    "--model",
    "model_folder",
    type=click.Path(path_type=Path),
    help="Folder of a model to ask without a server.",
)
@click.option("--model-name", default=DEFAULT_MODEL, show_default=True, help="Name on the server.")
@click.option("--version", type=click.IntRange(min=1), help="Model version. Default: the newest.")
@table_options
@click.option(
    "--timeout",
    type=FiniteRange(min=0.001),
    default=30.0,
    show_default=True,
    help="Seconds to wait for an answer, including retries.",
)
@click.option(
    "--patience",
    type=FiniteRange(min=0),
    default=300.0,
    show_default=True,
    help="Seconds that the model server or the database may be away, also at the start.",
)
@click.option(
    "--audit-rate",
    "rates",
    multiple=True,
    metavar="[CATEGORY=]RATE",
    help="Share of automatic decisions that people look at later, such as 0.02. Repeatable.",
)
@tls_options
@click.option("--runner", default="", help="Beam runner, such as DirectRunner. Default: none.")
@click.option(
    "--beam-arg",
    "beam_args",
    multiple=True,
    metavar="--OPTION=VALUE",
    help="Option of Beam, such as --beam-arg=--direct_num_workers=4. Repeatable.",
)
@click.option("--config", default="", help="YAML file of settings whose beam.args to use.")
@if_any_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def batch(
    data: str,
    rules: str,
    database: str,
    address: str | None,
    model_folder: Path | None,
    model_name: str,
    version: int | None,
    columns: tuple[str, ...],
    encoding: str,
    sheet: str,
    allow_http: bool,
    image_roots: tuple[str, ...],
    timeout: float,
    patience: float,
    rates: tuple[str, ...],
    tls: bool,
    tls_ca: Path | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    runner: str,
    beam_args: tuple[str, ...],
    config: str,
    if_any: bool,
    as_json: bool,
) -> None:
    """Decide about every product of a file by rules, and keep the decisions in a database.

    A product is decided once for its content, model version and rules, however often the command
    runs or is killed. The same command goes on where it was stopped. New rules decide from the
    stored answers, without asking the model again. With a Beam runner its workers decide; they ask
    the model and write to the database themselves.

    \b
    Examples:
      shelfsort batch --data reviews.csv --rules rules.yaml --database decisions.db \\
        --model-folder out/serving
      shelfsort batch --data new.manifest --rules rules.yaml --address localhost:8500 \\
        --database postgresql://shop@db/decisions
      shelfsort batch --data "new/*.csv" --rules rules.yaml --model-folder out/serving \\
        --database postgresql://shop@db/decisions --runner DirectRunner \\
        --beam-arg=--direct_running_mode=multi_processing --beam-arg=--direct_num_workers=8
    """
    read = load_rules(rules)
    reading = Reading(parse_columns(*columns), encoding, sheet, also=tuple(read.fields))
    files = data_files(data, reading, if_any)
    if not files:
        # The commands that follow a batch expect its database.
        closed_at_end(open_patiently(database, patience, _say))
        click.echo(json_text(Summary().to_json()) if as_json else NOTHING)
        return
    job = Job(
        data,
        files,
        reading,
        read,
        # Absolute: a worker of Beam's starts in a folder of its own.
        ImageSources(list(map(absolute, image_roots)), allow_http=allow_http),
        patience,
        _sampling(rates, read),
    )
    keys = [each and each.absolute() for each in (tls_ca, tls_certificate, tls_key)]
    folder = model_folder and model_folder.absolute()
    opened = functools.partial(_opened, address, folder, model_name, version, timeout, tls, keys)
    if runner or beam_args or config:
        summary = _on_beam(job, opened, database, (runner, beam_args, config))
    else:
        engine = closed_at_end(open_patiently(database, patience, _say))
        with opened() as (ask, _):
            summary = decide_file(job, ask, engine, _say)
    click.echo(json_text(summary.to_json()) if as_json else "\n".join(_as_lines(summary)))


@contextlib.contextmanager
def _opened(
    address: str | None,
    model_folder: Path | None,
    model_name: str,
    version: int | None,
    timeout: float,
    tls: bool,
    tls_files: Sequence[Path | None],
) -> Iterator[tuple[Ask, str]]:
    """The model, in this process or in a worker of Beam's, which reads the keys itself."""
    connection = Connection(timeout, tls=tls_of(tls, *tls_files))
    with asking(address, model_folder, model_name, version, connection) as opened:
        yield opened


def _on_beam(
    job: Job,
    opened: Callable[[], Any],
    database: str,
    options: tuple[str, tuple[str, ...], str],
) -> Summary:
    try:
        # The pipeline's package stands above this one, and brings Beam along.
        beam = importlib.import_module("pipeline.batch")
    except ModuleNotFoundError as missing:
        raise InputError(
            f"--runner: needs the package {missing.name!r}. Run: pip install shelfsort-pipeline"
        ) from missing
    summary: Summary = beam.decide_on_beam(job, opened, database, beam.options_of(*options), _say)
    return summary


def _sampling(rates: tuple[str, ...], rules: Rules) -> Sampling:
    overall = 0.0
    by_category: dict[str, float] = {}
    for text in rates:
        category, named, rate = text.rpartition("=")
        try:
            share = float(rate)
            leaves = rules.tree.leaves_beneath(rules.tree.named(category)) if named else ()
        except (ValueError, UnknownLabel) as error:
            raise InputError(
                f"--audit-rate {text}: {error}. Write RATE or CATEGORY=RATE."
            ) from error
        if not 0 <= share <= 1:
            raise InputError(f"--audit-rate {text}: not from 0 to 1. Write 0.02 for 2 %.")
        by_category |= dict.fromkeys(leaves, share)
        overall = overall if named else share
    return Sampling(overall, by_category)


def _say(line: str) -> None:
    click.echo(one_line(line), err=True)


def _as_lines(summary: Summary) -> list[str]:
    decided = summary.decided
    share = f" ({summary.automatic / decided:.1%})" if decided else ""
    lines = [
        f"{summary.rows:,} rows: {decided:,} decided, {summary.new:,} of them now",
        f"  {summary.automatic:,} without a person{share}",
        *(f"  {n:,} {one_line(name)}" for name, n in summary.outcomes.most_common()),
    ]
    if summary.judged:
        low, high = interval(summary.right, summary.judged)
        lines.append(
            f"  {summary.right:,} of {summary.judged:,} decided without a person and with known "
            f"category are right: {summary.right / summary.judged:.1%} [{low:.1%}, {high:.1%}]"
        )
    if summary.words_alone:
        first = f"{summary.words_alone:,} without their image; the first: "
        lines.append(one_line(f"  {first}{summary.first_words_alone}"))
    lost = sum(summary.rejects.values()) + summary.failures
    if lost:
        lines.append(one_line(f"  {lost:,} not decided; the first: {summary.first_fault}"))
    return lines
