"""Dumps and restores a PostgreSQL database with its own programs."""

import os
import shutil
import subprocess
from pathlib import Path

import sqlalchemy as sa

from shelfsort.core.database.engine import shown
from shelfsort.core.errors import InputError, RunFailed

_INSTALLED = Path("/usr/lib/postgresql")
_LOCK_WAIT = "-c lock_timeout=60s"


def dump(place: str, snapshot: str, target: Path) -> None:
    """Writes a database, as a snapshot sees it, to a file in PostgreSQL's custom form.

    Args:
        place: URL of the database.
        snapshot: that a transaction, which is still open, has exported.
        target: file.

    Raises:
        InputError: pg_dump is not installed.
        RunFailed: it fails.
    """
    options = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}")
    _run(place, "pg_dump", *options, f"--file={target}")


def restore(place: str, source: Path, *, replace: bool) -> None:
    """Restores a dump in one transaction: a kill leaves everything as it was.

    Args:
        place: URL of the database.
        source: file in PostgreSQL's custom form.
        replace: drop the tables of the dump first.

    Raises:
        InputError: pg_restore is not installed.
        RunFailed: it fails.
    """
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    options += ["--clean", "--if-exists"] if replace else []
    _run(place, "pg_restore", *options, str(source))


def _run(place: str, program: str, *options: str) -> None:
    address, password = _without_password(place)
    environment = {**os.environ, "LC_ALL": "C", "PG_COLOR": "never", "PGOPTIONS": _LOCK_WAIT}
    if password:
        environment["PGPASSWORD"] = password
    command = [_found(program), "--no-password", f"--dbname={address}", *options]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line]
        raise RunFailed(f"{shown(place)}: {said[0] if said else program} ({program})")


def _without_password(place: str) -> tuple[str, str]:
    """The address as libpq takes it, and the password, which no list of processes may show."""
    url = sa.make_url(place).set(drivername="postgresql")
    asked = url.query.get("password", "")
    password = url.password or (asked if isinstance(asked, str) else asked[0])
    bare = sa.URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    ).difference_update_query(["password"])
    return bare.render_as_string(hide_password=False), password


def _found(program: str) -> str:
    if there := shutil.which(program):
        return there
    installed = _INSTALLED.glob(f"*/bin/{program}")
    newest = max(installed, key=lambda path: _version(path.parents[1].name), default=None)
    if newest is None:
        raise InputError(
            f"{program}: not installed. Install PostgreSQL's programs (on Debian: apt install "
            "postgresql-client), at least as new as the server."
        )
    return str(newest)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())
