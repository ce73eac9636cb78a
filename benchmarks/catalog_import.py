"""How fast `shelfsort catalog import` reads a folder of CSV files into the crawl database.

Writes the files (a twentieth of them in cp1252, a third with semicolons), imports them, changes a
hundredth of the rows, imports them again, and a third time without a change. Prints the seconds,
CPU seconds, rows a second and peak memory of each process, and the size of the database.

    python benchmarks/catalog_import.py --rows 400000 --files 140 --where /tmp/import
    python benchmarks/catalog_import.py --rows 100000 --database postgresql://…
    python benchmarks/catalog_import.py --rows 10000000 --files 1 --once
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_WORDS = (
    *("mug", "bowl", "lamp", "chair", "table", "linen", "cotton", "ceramic", "oak", "steel"),
    *("blue", "red", "green", "large", "small", "soft", "classic", "modern", "vintage", "café"),
)
_COLUMNS = ("id", "title", "description", "price", "currency", "image_url", "category", "ean")
_SETTINGS = "database: {database}\nsources:\n  shop:\n    type: tables\n    files: csv\n"


@dataclass(frozen=True)
class Measured:
    """Of one process: seconds, CPU seconds and peak memory in MB."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def write_files(folder: Path, rows: int, files: int, changed: float) -> None:
    """Writes rows in so many files; a share of them has another price."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        chosen = range(number, rows, files)
        encoding = "cp1252" if number % 20 == 7 else "utf-8"
        file = folder / f"shop_{number:03}.csv"
        with file.open("w", newline="", encoding=encoding) as stream:
            table = csv.writer(stream, delimiter=";" if number % 3 == 1 else ",")
            table.writerow(_COLUMNS)
            table.writerows(_row(each, changed) for each in chosen)


def _row(number: int, changed: float) -> list[str]:
    drawn = random.Random(number)
    price = drawn.randrange(100, 99_999) / 100 + (drawn.random() < changed)
    host = f"https://img{number % 50}.shop.example/p"
    return [
        f"sku-{number:08}",
        " ".join(drawn.choices(_WORDS, k=6)).title(),
        " ".join(drawn.choices(_WORDS, k=40)),
        f"{price:.2f}",
        "EUR",
        f"{host}/{number}.jpg|{host}/{number}_2.jpg",
        " > ".join(drawn.choices(_WORDS, k=3)),
        f"{number:013}",
    ]


def measured_import(folder: Path) -> Measured:
    """Imports the settings of a folder in a process of its own."""
    command = [sys.executable, "-m", "shelfsort.cli.main", "catalog", "import", "catalog.yaml"]
    began = time.monotonic()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the import failed")
    seconds = time.monotonic() - began
    return Measured(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    """Writes, imports and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--files", type=int, default=140)
    parser.add_argument("--database", default="catalog.db")
    parser.add_argument("--where", default="")
    parser.add_argument("--once", action="store_true", help="Only import the new rows.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.where or None) as name:
        folder = Path(name)
        (folder / "catalog.yaml").write_text(_SETTINGS.format(database=given.database))
        passes = (("new", 0.0), ("1 % changed", 0.01), ("unchanged", None))
        for what, changed in passes[:1] if given.once else passes:
            if changed is not None:
                write_files(folder / "csv", given.rows, given.files, changed)
            took = measured_import(folder)
            print(
                f"{what}: {took.seconds:.1f} s, {took.cpu_seconds:.1f} s of CPU, "
                f"{given.rows / took.seconds:,.0f} rows/s, {took.peak_mb:.0f} MB",
                flush=True,
            )
        database = folder / given.database
        if database.is_file():
            print(f"database: {database.stat().st_size / 2**20:,.0f} MB")


if __name__ == "__main__":
    main()
