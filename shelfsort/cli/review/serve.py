"""`shelfsort review serve`: a web page on which people decide."""

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click

from shelfsort.cli.databases import database_option
from shelfsort.cli.numbers import FiniteRange
from shelfsort.cli.page_options import exposure_options
from shelfsort.core.errors import InputError
from shelfsort.core.signals import EndingSignals
from shelfsort.core.terminal import one_line
from shelfsort.core.web.exposure import check_page_exposure, page_hosts
from shelfsort.core.web.server import page_server
from shelfsort.core.web.token import VARIABLE, access_token
from shelfsort.decisions.review.queue.policy import REFUSE, Person, Policy
from shelfsort.decisions.review.queue.service import ReviewQueue
from shelfsort.decisions.review.web.job import ReviewJob
from shelfsort.decisions.review.web.people import (
    People,
    lacks,
    read_reviewers,
    with_new,
    write_people,
)

_PORT = 8011
_MAX_CONNECTIONS = 500
_PEOPLE = "review-people.csv"
_NONE = "none"


@click.command()
@database_option
@click.option("--rules", required=True, help="File of rules that turns a category into an outcome.")
@click.option("--person", "persons", multiple=True, help="Name of a reviewer. Repeatable.")
@click.option(
    "--lead",
    "leads",
    multiple=True,
    help="Name of a lead, who decides where reviewers disagree and sees the overview. Repeatable.",
)
@click.option(
    "--people",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file of people with the columns name, role (reviewer or lead) and token. Missing "
    f"tokens, links and the file itself are made. Default: {_PEOPLE}, or one lead with the token "
    f"in {VARIABLE}.",
)
@click.option(
    "--second-opinion",
    multiple=True,
    default=(REFUSE,),
    show_default=True,
    metavar="OUTCOME",
    help=f"Outcome that a second person has to confirm. Repeatable. {_NONE}: no outcome.",
)
@click.option("--gold", default="", metavar="FILE", help="True categories of some products.")
@click.option(
    "--gold-share",
    type=FiniteRange(0, 0.9),
    default=0.05,
    show_default=True,
    help="Chance that a product is accompanied by one of --gold.",
)
@click.option(
    "--double-share",
    type=FiniteRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of the audits that two people look at.",
)
@click.option("--guide", default="", metavar="FILE", help="Definitions and examples of categories.")
@click.option(
    "--within-hours",
    type=FiniteRange(0.01, 8760),
    default=24.0,
    show_default=True,
    help="Hours in which even the least valuable product is due.",
)
@click.option(
    "--full-price",
    type=FiniteRange(0, min_open=True),
    help="Price from which a product counts fully. Default: all count the same.",
)
@click.option(
    "--lease-minutes",
    type=FiniteRange(0.1, 1440),
    default=10.0,
    show_default=True,
    help="Minutes without a sign of life after which a product goes to somebody else.",
)
@exposure_options(_PORT, "those of the data")
def serve(
    database: str,
    rules: str,
    persons: tuple[str, ...],
    leads: tuple[str, ...],
    people: Path | None,
    second_opinion: tuple[str, ...],
    gold: str,
    gold_share: float,
    double_share: float,
    guide: str,
    within_hours: float,
    full_price: float | None,
    lease_minutes: float,
    host: str,
    port: int,
    public: str | None,
    plaintext: bool,
    allow_http: bool,
    image_roots: tuple[str, ...],
) -> None:
    """Serve a page on which several people decide what was left to them, the most valuable first.

    Each person has a token; the links with them are in the file of people, which only its owner can
    read. Only this machine can open the page unless --public is given. An answer is in the database
    before the page goes on, so a crash loses none. Several servers may share one PostgreSQL
    database.

    \b
    Examples:
      shelfsort review serve --database decisions.db --rules rules.yaml --person Ann --lead Bob
      shelfsort review serve --database postgresql://shop@db/decisions --rules rules.yaml \\
        --people people.csv --public https://review.shop.example
    """
    check_page_exposure(host, public, plaintext=plaintext)
    policy = Policy(
        timedelta(minutes=lease_minutes),
        timedelta(hours=within_hours),
        full_price,
        frozenset(second_opinion) - {_NONE},
        gold_share if gold else 0.0,
        double_share,
    )
    job = ReviewJob(database, rules, policy, gold, guide, image_roots, allow_http)
    file, known = _people(people, persons, leads)
    https = urlsplit(public or "").scheme == "https"
    # Before threads start: one of them may get the signal.
    signals = EndingSignals()
    with job.opened(known, page_hosts(public), https=https) as opened:
        with page_server(opened.app, host, port, _MAX_CONNECTIONS) as server:
            address = (public or server.url).rstrip("/")
            if file is not None:
                write_people(file, known, address)
            for line in _opening(opened.queue, known, file, address):
                click.echo(line)
            signals.wait()
        click.echo(_closing(opened.queue))


def _people(
    file: Path | None, persons: Sequence[str], leads: Sequence[str]
) -> tuple[Path | None, People]:
    """The file of people, None where the environment has the token, and the people."""
    if file is None and os.environ.get(VARIABLE):
        given = [*leads, *persons]
        if len(given) > 1:
            raise InputError(f"{VARIABLE}: is for one person. Give several a file with --people.")
        name = given[0] if given else "lead"
        return None, People({name: access_token()}, frozenset({name}))
    place = file or Path(_PEOPLE)
    known = read_reviewers(place) if place.exists() else People({}, frozenset())
    new = [name for name in persons if name not in known.tokens]
    leading = [name for name in leads if name not in known.leads]
    known = with_new(known, new, leading)
    return place, known if known.tokens else with_new(known, (), ("lead",))


def _opening(queue: ReviewQueue, people: People, file: Path | None, address: str) -> list[str]:
    standing = queue.standing(Person(""))
    lines = [f"{standing.waiting:,} decisions wait for people, {standing.overdue:,} are overdue"]
    if queue.gold:
        lines.append(f"{len(queue.gold):,} products with a known category are mixed in")
    if missing := lacks(people, queue.policy.second_opinion):
        lines.append(f"Warning: {missing}")
    links = f"Links are in {file}" if file else f"Open {address}/?token=${VARIABLE}"
    names = ", ".join(f"{name} (lead)" if name in people.leads else name for name in people.tokens)
    lines += [f"{links}: {names}.", f"Serving {address}. Stop with Ctrl-C."]
    return list(map(one_line, lines))


def _closing(queue: ReviewQueue) -> str:
    standing = queue.standing(Person(""))
    return f"{standing.waiting:,} decisions wait for people"
