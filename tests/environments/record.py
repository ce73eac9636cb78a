"""docs/tested.md: the last result of each environment, and whether it is out of date.

`python -m tests.environments.record` names the environments that have to be tested again, and
fails if there are any.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path

from shelfsort.core.files import write_text

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tested.md"
_HEAD = """# Tested environments

`make test-environments` tests what needs an environment of its own, and writes this table. CI fails
if a result is older than the last change to what the environment covers.

| environment | result | date | commit |
|---|---|---|---|
"""
_ROW = re.compile(r"^\| (\S+) \| (.+) \| (\S+) \| ([0-9a-f]{12}) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Record:
    """The last test of an environment.

    Attributes:
        result: begins with "passed" or "failed".
        date: ISO date in UTC.
        commit: first 12 hex digits of the commit that was tested.
    """

    result: str
    date: str
    commit: str


def covers() -> dict[str, tuple[str, ...]]:
    """What each environment covers: paths, or `/from/,/to/:path` for some lines of a file."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    return {
        name.removeprefix("test_"): import_module(f"tests.environments.{name}").COVERS
        for name in names
    }


def read_records() -> dict[str, Record]:
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    return {name: Record(*fields) for name, *fields in _ROW.findall(text)}


def current_commit() -> str:
    return _git("rev-parse", "HEAD")[:12]


def write_results(results: dict[str, str], commit: str) -> None:
    """Records results of tests of a commit; environments that were not tested keep theirs."""
    date = datetime.now(timezone.utc).date().isoformat()
    records = read_records() | {
        name: Record(result, date, commit) for name, result in results.items()
    }
    rows = (
        f"| {name} | {each.result} | {each.date} | {each.commit} |\n"
        for name, each in sorted(records.items())
    )
    write_text(PAGE, _HEAD + "".join(rows))


def outdated() -> dict[str, str]:
    """Environments that have to be tested again, each with the reason."""
    records = read_records()
    reasons = {name: _reason(records.get(name), covered) for name, covered in covers().items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(record: Record | None, covered: tuple[str, ...]) -> str:
    if record is None:
        return "never tested"
    if not record.result.startswith("passed"):
        return record.result
    try:
        changes = [change for each in covered for change in _changes(each, record.commit)]
    except subprocess.CalledProcessError as error:
        return str(error.stderr.strip())
    return f"changed since in {changes[0]}" if changes else ""


def _changes(covered: str, since: str) -> list[str]:
    """Commits after `since` that changed what is covered, newest first, with their subjects."""
    place = ["-L", covered] if ":" in covered else ["--", covered]
    return _git("log", "--no-patch", "--format=%h %s", f"{since}..HEAD", *place).splitlines()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> int:
    found = outdated()
    for name, reason in found.items():
        print(f"docs/tested.md: {name}: {reason}. Run `make test-environments`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
