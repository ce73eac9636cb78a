"""How fast a batch writes its rows, beside bare COPY of the same rows into PostgreSQL.

    python benchmarks/decision_rows.py --products 20000

Starts a PostgreSQL server of its own. The rows are made up. They are written in transactions of as
many as a batch writes at once: by the batch's own function, by COPY into the same tables, and by
COPY into one table of the same columns without key or index. The last two lines copy all rows in
one transaction.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

sys.path.append(str(Path(__file__).parents[1]))

from shelfsort.decisions.batch.deciding import AT_ONCE
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.copying import DECISION, DETAIL, copy_decisions
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.database.partitions import make_days
from tests.fixtures.postgresql import Server

NOW = datetime.now(timezone.utc)
_ANSWER = ("product", "input", "model", "category", "score", "accepted", "answer")
_REPEATS = 3
Write = Callable[[Connection, Sequence[dict[str, Any]], int], None]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--products", type=int, default=20_000)
    given = parser.parse_args()
    server = Server("-c listen_addresses=''")
    try:
        print("| rows by | rows at once | rows a second | server's CPU for a row |")
        print("|---|---|---|---|")
        for name, at_once, write in (
            ("the batch", AT_ONCE, by_batch),
            ("COPY into the same tables", AT_ONCE, by_copy),
            ("COPY into a table without keys", AT_ONCE, by_plain_copy),
            ("COPY into the same tables", given.products, by_copy),
            ("COPY into a table without keys", given.products, by_plain_copy),
        ):
            rates, spent = [], 0.0
            for repeat in range(_REPEATS):
                place = server.create(f"rows_{abs(hash((name, at_once)))}_{repeat}")
                before = server.cpu_seconds()
                rates.append(rate(place, given.products, at_once, write))
                spent = server.cpu_seconds() - before
            best = max(rates)
            cpu = 1e6 * spent / given.products
            print(f"| {name} | {at_once:,} | {best:,.0f} | {cpu:.0f} µs |", flush=True)
    finally:
        server.close()


def rate(place: str, products: int, at_once: int, write: Write) -> float:
    """Rows a second; each has its prediction, its detail and its decision."""
    engine = open_database(place)
    _begin(engine)
    rows = [_row(n) for n in range(products)]
    started = time.perf_counter()
    for first in range(0, products, at_once):
        with engine.begin() as connection:
            write(connection, rows[first : first + at_once], first)
    seconds = time.perf_counter() - started
    engine.dispose()
    return products / seconds


def _begin(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.run), {"started": NOW})
        connection.execute(sa.insert(tables.rules), {"digest": "r", "stored": NOW})
        make_days(connection, NOW, 7)
        columns = ", ".join(f"{name} text" for name in (*_ANSWER, *DETAIL, *DECISION))
        connection.exec_driver_sql(f"CREATE TABLE plain ({columns})")


def _row(number: int) -> dict[str, Any]:
    """As long as those of shop products with titles."""
    top = [[f"clothing-topwear-shirts-{n}", 0.123456789 / (n + 1)] for n in range(5)]
    shown = {
        "title": f"Peter England Men Party Blue Jeans {number}",
        "description": "",
        "image": "",
    }
    shown["image"] = f"/srv/shop/photos/2026/11/27/{number}.jpg"
    return {
        **{"product": f"product-{number}", "input": f"{number:032x}", "model": "1"},
        **{"category": "clothing-topwear-shirts", "score": 0.987654321, "accepted": "98"},
        **{"answer": "clothing-topwear-shirts", "unknown": 0.012345, "top": json.dumps(top)},
        **{"fields": "{}", "shown": json.dumps(shown), "rules": "r", "outcome": "publish"},
        **{"reason": "", "rule": "sure", "held_back": "", "rate": None, "draw": None},
    }


def by_batch(connection: Connection, rows: Sequence[dict[str, Any]], _first: int) -> None:
    copy_decisions(connection, rows, 1, NOW)


def by_copy(connection: Connection, rows: Sequence[dict[str, Any]], first: int) -> None:
    ids = range(first + 1, first + len(rows) + 1)
    answer = (*_ANSWER, "unknown")
    _copy(
        connection,
        "prediction",
        ("id", *answer, "at", "run"),
        (
            (id_, *(row[name] for name in answer), NOW, 1)
            for id_, row in zip(ids, rows, strict=True)
        ),
    )
    _copy(
        connection,
        "prediction_detail",
        ("prediction", "at", *DETAIL),
        ((id_, NOW, *(row[name] for name in DETAIL)) for id_, row in zip(ids, rows, strict=True)),
    )
    _copy(
        connection,
        "decision",
        ("id", "prediction", *DECISION, "at", "run"),
        (
            (id_, id_, *(row[name] for name in DECISION), NOW, 1)
            for id_, row in zip(ids, rows, strict=True)
        ),
    )


def by_plain_copy(connection: Connection, rows: Sequence[dict[str, Any]], _first: int) -> None:
    names = (*_ANSWER, *DETAIL, *DECISION)
    _copy(connection, "plain", names, (tuple(row[name] for name in names) for row in rows))


def _copy(
    connection: Connection, table: str, names: Sequence[str], rows: Iterator[tuple[Any, ...]]
) -> None:
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


if __name__ == "__main__":
    main()
