"""The group `shelfsort database`."""

import click

from shelfsort.cli.database.forgetting import delete, prune
from shelfsort.cli.database.places import ROOMS, answers_at
from shelfsort.core.backups import databases
from shelfsort.core.backups.archive import Heading, read_heading
from shelfsort.core.database.engine import shown
from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_remote, local_path
from shelfsort.core.terminal import json_text, one_line
from shelfsort.labeling.queue import backups as answers

_json = click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")


@click.group()
def database() -> None:
    """Back up, restore, thin out and delete from databases and files of answers.

    \b
    Examples:
      shelfsort database prune --decisions decisions.db --older-than 400 --dry-run
      shelfsort database backup decisions.db --to s3://backups/decisions-2026-11-27.backup
      shelfsort database restore decisions.backup --to postgresql://shop@db/decisions
    """


@database.command()
@click.argument("place")
@click.option("--to", "target", required=True, help="File or address of the backup.")
@_json
def backup(place: str, target: str, as_json: bool) -> None:
    """Write one state of a database, or of a file of answers, to a file; use of it goes on.

    The file has a checksum, the revision of the tables and the number of rows of each. Only its
    owner can read it. SQLite's online backup makes it, or pg_dump, which has to be installed.

    \b
    Examples:
      shelfsort database backup decisions.db --to decisions.backup
      shelfsort database backup postgresql://shop@db/crawl --to s3://backups/crawl.backup
      shelfsort database backup answers.jsonl --to answers.backup
    """
    log = answers_at(place)
    if log is not None:
        heading = answers.back_up_answers(log, target)
    else:
        heading = databases.back_up(place, target, ROOMS)
    _say(as_json, heading, f"{target}: backup of {shown(place)}")


@database.command()
@click.argument("file")
@click.option("--to", "place", required=True, help="Database or file of answers to make.")
@click.option("--replace", is_flag=True, help="Overwrite what is there.")
@_json
def restore(file: str, place: str, replace: bool, as_json: bool) -> None:
    """Restore a backup: all of it or nothing, after a look at its checksum and revision.

    A PostgreSQL database has to be there; an empty one is filled. Restore only backups of your own:
    a dump of PostgreSQL holds commands.

    \b
    Examples:
      shelfsort database restore decisions.backup --to decisions.db
      shelfsort database restore crawl.backup --to postgresql://shop@db/crawl --replace
    """
    if read_heading(file).kind == answers.ANSWERS:
        if is_remote(place):
            raise InputError(f"{shown(place)}: answers are kept in a file. Give --to a path.")
        heading = answers.restore_answers(file, local_path(place), replace=replace)
    else:
        heading = databases.restore(file, place, ROOMS, replace=replace)
    _say(as_json, heading, f"{shown(place)}: restored from {file} of {heading.made}")


database.add_command(prune)
database.add_command(delete)


def _say(as_json: bool, heading: Heading, line: str) -> None:
    if as_json:
        click.echo(json_text(vars(heading)))
        return
    rows = sum(heading.rows.values())
    held = ", ".join(f"{name} at revision {each}" for name, each in heading.revisions.items())
    click.echo(one_line(f"{line}: {rows:,} rows ({held or heading.kind})"))
