"""`shelfsort catalog fetch`: checks links and downloads pictures."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from shelfsort.catalog.fetching.engine import Order, Progress
from shelfsort.catalog.fetching.job import Fetched, fetch_pictures
from shelfsort.catalog.fetching.outcomes import OUTCOMES, REACHABLE, UNCHANGED
from shelfsort.catalog.settings import load_settings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.core.terminal import json_text, one_line

_CLASSES = [name for name in OUTCOMES if name not in (UNCHANGED, REACHABLE)]
_SAID_EVERY_S = 10.0
_SHOWN = 4
_HOSTS = 3


@click.command(short_help="Check links and download pictures.")
@settings_argument
@click.option(
    "--retry",
    multiple=True,
    type=click.Choice(_CLASSES),
    help="Fetch links of this class, due or not; repeatable.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Try at most so many links.")
@click.option("--check-only", is_flag=True, help="Ask whether pictures are there; keep none.")
@json_option
def fetch(
    settings: str, retry: tuple[str, ...], limit: int | None, check_only: bool, as_json: bool
) -> None:
    """Download the pictures that links lead to, and note what became of each link.

    Fetches the links that nobody has tried, and those that failed and are due again. Good
    pictures are fetched again only with --retry good, and only where their host says that they
    changed. A stopped or killed run goes on where it was. One run at a time fetches for a database.

    \b
    Examples:
      shelfsort catalog fetch catalog.yaml
      shelfsort catalog fetch catalog.yaml --limit 1000
      shelfsort catalog fetch catalog.yaml --retry timeout --retry dead_host
      shelfsort catalog fetch catalog.yaml --check-only
    """
    progress = _Line()
    order = Order(retry, limit, check_only)
    found = fetch_pictures(load_settings(settings), order, progress.say)
    progress.end()
    if as_json:
        click.echo(json_text(_record(found)))
    else:
        click.echo("\n".join(_lines(found)))
    if found.progress.stopped:
        raise click.Abort


class _Line:
    """Shows progress: in a terminal on one line that changes, elsewhere every ten seconds."""

    def __init__(self) -> None:
        self._changes = sys.stderr.isatty()
        self._said = time.monotonic()
        self._shown = 0

    def say(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self._changes and now - self._said < _SAID_EVERY_S:
            return
        self._said = now
        line = one_line(_progress_line(progress))
        if self._changes:
            width = terminal_width(sys.stderr) or len(line)
            line = line[: width - 1]
            sys.stderr.write(f"\r{line.ljust(self._shown)}")
            self._shown = len(line)
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\n")


def _progress_line(progress: Progress) -> str:
    left = "" if progress.left_s is None else f", {_duration(progress.left_s)} left"
    most = ", ".join(f"{name} {n:,}" for name, n in progress.outcomes.most_common(_SHOWN))
    counted = f"{progress.done:,} of {progress.total:,} links"
    return f"{counted}, {progress.rate:,.0f} a second{left}: {most}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _record(found: Fetched) -> dict[str, Any]:
    progress = found.progress
    return {
        "links": progress.total,
        "done": progress.done,
        "outcomes": dict(progress.outcomes),
        "seconds": round(progress.seconds, 1),
        "stopped": progress.stopped,
        "placeholders": found.placeholders,
        "swept": found.swept,
        "cropped": [
            {
                "host": each.host,
                "pictures": each.pictures,
                "square": round(each.square, 3),
                "one_size": round(each.one_size, 3),
                "size": list(each.size),
                "parameters": round(each.parameters, 3),
            }
            for each in found.cropped
        ],
    }


def _lines(found: Fetched) -> Iterator[str]:
    progress = found.progress
    yield (
        f"{progress.done:,} of {progress.total:,} links in {_duration(progress.seconds)}, "
        f"{progress.rate:,.0f} a second"
    )
    if progress.outcomes:
        yield ""
        rows = [
            (name, f"{progress.outcomes[name]:,}", outcome.meaning)
            for name, outcome in OUTCOMES.items()
            if progress.outcomes[name]
        ]
        columns = (Column("class"), Column("links", number=True), Column("meaning", wraps=True))
        yield from table_lines(columns, rows, terminal_width())
    if found.placeholders:
        yield f"{found.placeholders:,} pictures are placeholders and are not used"
    for each in found.cropped[:_HOSTS]:
        width, height = each.size
        yield (
            f"{each.host}: the {each.pictures:,} pictures may be cropped: {each.square:.0%} are "
            f"square, {each.one_size:.0%} have {width} x {height} pixels, {each.parameters:.0%} of "
            "the addresses name a size or a crop. Rewrite them in the source's settings."
        )
    if len(found.cropped) > _HOSTS:
        yield f"Pictures of {len(found.cropped) - _HOSTS:,} other hosts, too; see --json."
    if progress.stopped:
        yield "Stopped. Everything up to here is saved; the next run fetches the rest."
