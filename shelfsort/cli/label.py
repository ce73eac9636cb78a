"""`shelfsort label`: a web page on which people label products."""

import shlex
from pathlib import Path
from urllib.parse import urlsplit

import click

from shelfsort.cli.numbers import FiniteRange
from shelfsort.cli.page_options import exposure_options
from shelfsort.core.errors import InputError
from shelfsort.core.signals import EndingSignals
from shelfsort.core.storage import absolute, is_remote
from shelfsort.core.terminal import one_line
from shelfsort.core.web.exposure import check_page_exposure, page_hosts
from shelfsort.core.web.people import new_people, read_people
from shelfsort.core.web.server import page_server
from shelfsort.labeling.queue import deletion
from shelfsort.labeling.queue.wanted import MOST_ANSWERS
from shelfsort.labeling.web.job import LabelJob, OpenJob
from shelfsort.labeling.web.products import Catalogue
from shelfsort.products.personal_data import has_personal_data

_PORT = 8010
_MOST_ANSWERS = 3
_MAX_CONNECTIONS = 500


@click.command()
@click.option(
    "--data", "--manifest", "data", help="Products: a manifest, table or folder of images."
)
@click.option("--taxonomy", metavar="FILE", help="Category tree to choose from.")
@click.option(
    "--answers",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of answers. A new one is made; an existing one goes on.",
)
@click.option(
    "--answers-each",
    type=click.IntRange(1, MOST_ANSWERS),
    help="Answers that each product needs whose line has no answers-wanted. Default: one of each "
    "person, at most 3.",
)
@click.option("--person", "persons", multiple=True, help="Name of a person who labels. Repeatable.")
@click.option(
    "--people",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file of people with the columns name and token.",
)
@click.option("--gold", default="", metavar="FILE", help="True labels of some products.")
@click.option("--guide", default="", metavar="FILE", help="Definitions and examples of categories.")
@click.option(
    "--gold-share",
    type=FiniteRange(0, 0.9),
    default=0.05,
    show_default=True,
    help="Share of gold products among those that a person gets. The rest comes at the end. 0 asks "
    "about none.",
)
@click.option(
    "--lease-minutes",
    type=FiniteRange(0.1, 1440),
    default=10.0,
    show_default=True,
    help="Minutes after which an unanswered product goes to somebody else.",
)
@exposure_options(_PORT, "the file's own")
@click.option("--delete-worker", metavar="NAME", help="Delete a person's answers, and stop.")
def label(
    data: str | None,
    taxonomy: str | None,
    answers: Path,
    answers_each: int | None,
    persons: tuple[str, ...],
    people: Path | None,
    gold: str,
    guide: str,
    gold_share: float,
    lease_minutes: float,
    host: str,
    port: int,
    public: str | None,
    plaintext: bool,
    allow_http: bool,
    image_roots: tuple[str, ...],
    delete_worker: str | None,
) -> None:
    """Serve a page on which several people choose the category of each product.

    Each person gets a link of their own. Only this machine can open the page unless --public is
    given. An answer is on the disk before the page goes on, so a crash loses none. The same command
    goes on where it stopped.

    \b
    Examples:
      shelfsort label --data photos --taxonomy tree.json --answers answers.jsonl
      shelfsort label --data products.csv --taxonomy tree.json --answers answers.jsonl \\
        --person Ann --person Bob
      shelfsort labels import answers.jsonl --products photos --output labelled.manifest
      shelfsort label --answers answers.jsonl --delete-worker Ann
    """
    if delete_worker is not None:
        removed = deletion.delete_worker(answers, delete_worker)
        person = one_line(delete_worker)
        if not removed:
            raise InputError(
                f"{answers}: no answers of {person!r}; nothing was deleted. Check the spelling."
            )
        click.echo(f"Deleted {removed:,} records of {person}.")
        return
    if data is None or taxonomy is None:
        raise InputError(_missing(data, taxonomy))
    check_page_exposure(host, public, plaintext=plaintext)
    tokens = _tokens(people, persons)
    job = LabelJob(
        data,
        taxonomy,
        answers,
        gold,
        guide,
        answers_each or min(len(tokens), _MOST_ANSWERS),
        lease_minutes * 60,
        gold_share,
        image_roots,
        allow_http,
    )
    https = urlsplit(public or "").scheme == "https"
    # Before threads start: one of them may get the signal.
    signals = EndingSignals()
    with job.opened(tokens, page_hosts(public), https=https) as opened:
        lines = [*_opening(opened), *(_warning(opened.catalogue) if public else [])]
        with page_server(opened.app, host, port, _MAX_CONNECTIONS) as server:
            base = (public or server.url).rstrip("/")
            lines.append("Links, one for each person. Whoever has a link can answer:")
            lines += [f"  {name}: {base}/?token={token}" for name, token in tokens.items()]
            for line in [*lines, "Stop with Ctrl-C. The same command goes on from there."]:
                click.echo(line)
            signals.wait()
        for line in _closing(opened, data, answers):
            click.echo(line)


def _missing(data: str | None, taxonomy: str | None) -> str:
    what = {"--data": (data, "products"), "--taxonomy": (taxonomy, "category tree")}
    missing = {option: name for option, (value, name) in what.items() if value is None}
    names = " and the ".join(missing.values())
    return f"{' and '.join(missing)}: missing. Give the {names}."


def _tokens(people: Path | None, persons: tuple[str, ...]) -> dict[str, str]:
    """Everybody's token; one person where nobody is named."""
    listed = read_people(people) if people else {}
    given = new_people(persons)
    if both := listed.keys() & given.keys():
        raise InputError(f"--person {min(both)}: is in {people}. Give each person once.")
    return {**listed, **given} or new_people(["worker"])


def _opening(opened: OpenJob) -> list[str]:
    catalogue, progress = opened.catalogue, opened.service.progress("")
    left_out, listed = sum(catalogue.rejects.values()), len(catalogue.listed)
    lines = [f"{listed:,} products, {progress.given:,} of {progress.needed:,} answers given"]
    if left_out:
        lines.append(f"Left out: {left_out:,} lines, the first is {catalogue.first_reject}")
    if opened.service.unknown:
        lines.append(f"Answers about other products, kept: {opened.service.unknown:,}")
    workers = [opened.service.worker(name) for name in opened.names]
    if unreachable := opened.service.unreachable(workers):
        lines.append(
            f"Warning: {unreachable:,} products need answers of more or other people than these "
            f"{len(workers):,}, and cannot get all. Name them with --person or --people, give a "
            "smaller --answers-each, or take asked-of out of the lines."
        )
    return list(map(one_line, lines))


def _warning(catalogue: Catalogue) -> list[str]:
    products = [each.product for each in catalogue.listed]
    found = sum(has_personal_data(f"{each.title}\n{each.description}") for each in products)
    if not found:
        return []
    return [f"Warning: {found:,} products hold an e-mail address or a telephone number."]


def _closing(opened: OpenJob, data: str, answers: Path) -> list[str]:
    service, progress = opened.service, opened.service.progress("")
    lines = [f"{progress.given:,} of {progress.needed:,} answers given"]
    for name in opened.names:
        worker = service.worker(name)
        right, gold = service.gold_right(worker)
        on_gold = f", {right:,} of {gold:,} gold products right" if gold else ""
        lines.append(f"  {name} ({worker}): {service.progress(worker).own:,} answers{on_gold}")
    command = f"shelfsort labels import {shlex.quote(str(answers))} --products {shlex.quote(data)}"
    lines.append(f"Next: {command} --output {shlex.quote(_output(data))}")
    return list(map(one_line, lines))


def _output(data: str) -> str:
    """A manifest from which the products' images are found: beside the data."""
    name = "labelled.manifest"
    folder = Path.cwd() if is_remote(data) else Path(absolute(data)).parent
    return name if folder == Path.cwd() else str(folder / name)
