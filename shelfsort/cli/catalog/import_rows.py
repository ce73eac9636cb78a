"""`shelfsort catalog import`: one pass over each source."""

import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence

import click

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.importing.passes import REFUSED, UNCHANGED, Passed, run_pass
from shelfsort.catalog.importing.reasons import ADDRESS
from shelfsort.catalog.settings import CatalogSettings, load_settings
from shelfsort.catalog.sources.base import SourceSettings
from shelfsort.cli.catalog.options import json_option, settings_argument
from shelfsort.cli.databases import closed_at_end
from shelfsort.core.database.engine import reading_errors
from shelfsort.core.errors import InputError
from shelfsort.core.terminal import json_text, one_line

_NOTES_SHOWN = 20
_INTERVAL_S = 10.0


@click.command("import", short_help="Read the sources into the crawl database.")
@settings_argument
@click.option("--source", "names", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--accept", is_flag=True, help="Store a pass whose numbers the contract refuses.")
@click.option("--restart", is_flag=True, help="Begin at the beginning, not where a pass stopped.")
@json_option
def import_rows(
    settings: str, names: tuple[str, ...], accept: bool, restart: bool, as_json: bool
) -> None:
    """Read the sources into the crawl database, one pass over each.

    A pass is stored only when it has ended and its contract accepts its numbers. Until then
    nothing of it can be seen. A pass that was stopped goes on where it was.

    A refused pass changes nothing. --accept stores it as it was read; without --accept the source
    is read again. Rows in quarantine are in the table quarantine.

    \b
    Examples:
      shelfsort catalog import catalog.yaml
      shelfsort catalog import catalog.yaml --source warehouse
      shelfsort catalog import catalog.yaml --source warehouse --accept
    """
    read = load_settings(settings)
    chosen = chosen_sources(read, names)
    engine = closed_at_end(open_database(read.database))
    failures: list[str] = []
    ended: list[Passed] = []
    for each in chosen:
        try:
            with reading_errors(read.database):
                passed = run_pass(
                    engine, each, accept=accept, restart=restart, said=_Progress(each.name).say
                )
        except InputError as error:
            failures += error.faults
            continue
        ended.append(passed)
        if not as_json:
            click.echo("\n".join(map(one_line, _lines(passed))))
        failures += [_refused(passed)] if passed.outcome == REFUSED else []
    if as_json:
        click.echo(json_text([dataclasses.asdict(each) for each in ended]))
    for failure in failures[:-1]:
        click.echo(f"shelfsort: {one_line(failure)}", err=True)
    if failures:
        raise InputError(failures[-1])


def chosen_sources(settings: CatalogSettings, names: Sequence[str]) -> list[SourceSettings]:
    """The sources with these names, all without names. Raises InputError for an unknown one."""
    for name in names:
        if name not in settings.sources:
            known = ", ".join(settings.sources)
            raise InputError(f"{settings.file}: no source {name!r}. Name one of: {known}.")
    return [each for name, each in settings.sources.items() if not names or name in names]


class _Progress:
    """Lines with the number of rows and the rate, every ten seconds."""

    def __init__(self, name: str):
        self._name = name
        self._what = ""
        self._began = self._said = time.monotonic()
        self._before = 0

    def say(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._said, self._before = what, now, now, done
        if now - self._said < _INTERVAL_S:
            return
        self._said = now
        rate = (done - self._before) / (now - self._began)
        of_total = "" if total is None else f" of {total:,}"
        line = f"{self._name}: {done:,}{of_total} rows {what}, {rate:,.0f} a second"
        print(one_line(line), file=sys.stderr, flush=True)


def _lines(passed: Passed) -> Iterator[str]:
    resumed = ", begun earlier" if passed.resumed else ""
    if passed.outcome == UNCHANGED:
        yield f"{passed.source}: nothing has changed since the last pass"
        return
    if passed.outcome == REFUSED:
        yield f"{passed.source}: {passed.rows:,} rows{resumed}, refused: nothing is stored"
    else:
        yield (
            f"{passed.source}: {passed.rows:,} rows{resumed}: {passed.new:,} new, "
            f"{passed.changed:,} changed, {passed.gone:,} gone"
        )
    if passed.repeated:
        yield f"  {passed.repeated:,} rows repeat the id of an earlier row; the last one counts"
    if passed.rejected:
        yield f"  {passed.rejected:,} rows are in quarantine"
    for code, reason in passed.reasons.items():
        said = f"{reason.number:,}, first at {reason.place} ({reason.detail})"
        if code == ADDRESS:
            yield f"  products taken without a picture that cannot be fetched: {said}"
        else:
            yield f"    {code}: {said}"
    for text in passed.notes[:_NOTES_SHOWN]:
        yield f"  {text}"
    if len(passed.notes) > _NOTES_SHOWN:
        yield f"  and {len(passed.notes) - _NOTES_SHOWN:,} notes more, in the table pull"


def _refused(passed: Passed) -> str:
    return (
        f"{passed.source}: the pass is refused: {'; '.join(passed.refusal)}. Check the source, or "
        f"store it with: --source {passed.source} --accept"
    )
