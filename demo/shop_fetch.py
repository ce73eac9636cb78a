"""Fetches the pictures of the demo's shop, whose server is on this machine."""

import click

from demo.shop_server import DEAD_HOST, HOST, SLOW_HOST
from shelfsort.catalog.fetching.engine import Order, Progress
from shelfsort.catalog.fetching.job import fetch_pictures
from shelfsort.catalog.fetching.pace import Rules
from shelfsort.catalog.settings import load_settings

_PROBES_S = (1.0, 2.0)
"""A host of this machine that does not answer is dead sooner than one of the web."""


def fetch_from_shop(settings: str) -> Progress:
    """Fetches as `shelfsort catalog fetch` does, from the demo's own server and from nothing else.

    The command refuses the addresses of this machine, and no setting changes that. The rule here
    admits the three that the shop's links name, at the one port that its settings name.
    """
    found = load_settings(settings)
    rules = Rules(per_host=found.fetch.per_host, probes_s=_PROBES_S)
    fetched = fetch_pictures(found, Order(), lambda _: None, permitted=_of_the_demo, rules=rules)
    progress = fetched.progress
    outcomes = ", ".join(f"{count:,} {name}" for name, count in progress.outcomes.most_common())
    click.echo(f"{progress.done:,} links tried in {progress.seconds:.0f} s: {outcomes}")
    return progress


def _of_the_demo(address: str) -> bool:
    return address in (HOST, SLOW_HOST, DEAD_HOST)
