"""Runs as an SQLite database: what each was made with, its figures, and its answers by product."""

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from components.evaluator.artifact import CANDIDATE, read_predictions
from pipeline.experiments.runs import Run
from shelfsort.contract.targets import accepted
from shelfsort.core.errors import InputError
from shelfsort.core.files import writing
from shelfsort.core.progress import note
from shelfsort.core.storage import is_remote, local_path

_TABLES = """
CREATE TABLE run (
  id TEXT PRIMARY KEY,
  started TEXT NOT NULL,  -- ISO 8601, UTC
  outcome TEXT NOT NULL,
  version TEXT,           -- of the pushed model
  content_digest TEXT     -- of what the run was made from
);
CREATE TABLE setting (
  run TEXT NOT NULL REFERENCES run,
  name TEXT NOT NULL,
  value TEXT,             -- JSON
  PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE TABLE figure (
  run TEXT NOT NULL REFERENCES run,
  mode TEXT NOT NULL,
  split TEXT NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (run, mode, split, name)
) WITHOUT ROWID;
CREATE TABLE cost (
  run TEXT NOT NULL REFERENCES run,
  name TEXT NOT NULL,     -- of what ServingCheck measures: milliseconds_alone, model_bytes, ...
  value REAL NOT NULL,
  PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE TABLE answer (
  run TEXT NOT NULL REFERENCES run,
  mode TEXT NOT NULL,
  split TEXT NOT NULL,
  product_id TEXT,        -- NULL for training products: their answers are kept without it
  category TEXT,          -- the label
  predicted TEXT NOT NULL,
  score REAL NOT NULL,
  {accepted}
  "group" INTEGER         -- equal for variants of one product
);
CREATE INDEX answer_by_run ON answer (run, mode, split);
CREATE INDEX answer_by_product ON answer (product_id);
"""
_EARLIEST = {"run", "setting", "figure", "answer"}
"""The tables of a database of the first version."""
_ANSWERS = ("mode", "split", "product_id", "category", "predicted", "score", "group")


def write_database(runs: Sequence[Run], path: str) -> None:
    """Writes runs into a new SQLite database, which replaces an earlier one as a whole.

    The tables are `run`, `setting`, `figure`, `cost` and `answer`. `answer` has a column
    `accepted_…` for each target of any run: 0 or 1, and NULL where the run's model has no such
    target. Answers of a run whose evaluation is gone, or in an earlier form, are left out, with a
    note.

    Raises:
        InputError: the path is an address in an object store, or a file that is no such database.
        OSError: the file cannot be written.
    """
    if is_remote(path):
        raise InputError(f"{path}: SQLite needs a file on this machine. Copy it there afterwards.")
    _refuse_other_files(local_path(path))
    with writing(path) as stream, closing(sqlite3.connect(stream.name)) as database, database:
        # Nobody reads the file before it is whole, so a journal would save nothing.
        database.execute("PRAGMA journal_mode=OFF")
        _fill(database, runs)


def _fill(database: sqlite3.Connection, runs: Sequence[Run]) -> None:
    targets = sorted({target for run in runs for target in run.metrics.targets})
    columns = "".join(f"{accepted(target)} INTEGER,\n  " for target in targets)
    database.executescript(_TABLES.format(accepted=columns))
    for run in runs:
        database.execute(
            "INSERT INTO run VALUES (?, ?, ?, ?, ?)",
            (
                run.id,
                run.started.isoformat(timespec="seconds"),
                run.outcome,
                run.version or None,
                run.content_digest or None,
            ),
        )
        database.executemany(
            "INSERT INTO setting VALUES (?, ?, ?)",
            (
                (run.id, name, json.dumps(value, default=str))
                for name, value in run.settings.items()
            ),
        )
        database.executemany("INSERT INTO figure VALUES (?, ?, ?, ?, ?)", _figures(run))
        database.executemany("INSERT INTO cost VALUES (?, ?, ?)", _costs(run))
        _insert_answers(database, run)
    database.execute("UPDATE answer SET product_id = NULL WHERE product_id = ''")


def _figures(run: Run) -> Iterator[tuple[str, str, str, str, float]]:
    for mode, by_split in run.metrics.modalities.items():
        for split, figures in by_split.items():
            for name, value in figures.items():
                if value is not None and math.isfinite(value):
                    yield run.id, mode, split, name, float(value)


def _costs(run: Run) -> Iterator[tuple[str, str, float]]:
    for name, value in (asdict(run.cost) if run.cost else {}).items():
        yield run.id, name, value


def _insert_answers(database: sqlite3.Connection, run: Run) -> None:
    evaluation = run.artifacts.get("evaluation")
    columns = [*_ANSWERS, *map(accepted, run.metrics.targets)]
    try:
        rows = read_predictions(evaluation, columns, model=CANDIDATE) if evaluation else None
    except InputError as error:
        note(f"{run.id}: its answers are left out. {error}")
        return
    if rows is None:
        return
    marks = ", ".join("?" * (1 + len(columns)))
    names = ", ".join(f'"{column}"' for column in ("run", *columns))
    insert = f"INSERT INTO answer ({names}) VALUES ({marks})"
    for batch in rows.to_batches():
        values = (column.to_pylist() for column in batch.columns)
        database.executemany(insert, ((run.id, *row) for row in zip(*values, strict=True)))


def _refuse_other_files(path: Path) -> None:
    """Refuses to replace what this module has not written."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = {name for (name,) in rows}
    except sqlite3.Error:
        names = set()
    # Another program may have put its own tables beside ours.
    if not _EARLIEST <= names <= _EARLIEST | {"cost"}:
        raise InputError(f"{path}: exists and holds something else. Give --sqlite another name.")
