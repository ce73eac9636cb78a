"""What it costs to decide about a day's products, and what is left after kills.

Repeats the products of a file until there are enough, each under an id of its own, decides about
them with `shelfsort batch`, decides again after a change of the rules, and then starts over in
processes that are killed at random. One line of the table is one database.

    python benchmarks/decisions.py out/serving products.manifest tree.json --products 20000 \\
        --kills 20 --database /tmp/decisions.db --database postgresql://postgres@/bench?host=/tmp/pg

`database` is the share of the time that was spent in the database. `again` is the time after the
change of the rules. `rows` is what was stored after the kills; it has to equal the products.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shelfsort.cli.batch.model_folder import ModelFolder
from shelfsort.core.storage import absolute
from shelfsort.decisions.batch import deciding, job, scoring
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.products.images.source import ImageSources
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading

_RULES = """
taxonomy: {taxonomy}
rules:
  - name: sure
    when: {{accepted: 98}}
    then: {{outcome: {outcome}}}
default: {{outcome: review}}
"""
_LONGEST_LIFE_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model_folder", type=Path)
    parser.add_argument("data", help="products, in any form that `shelfsort run` takes")
    parser.add_argument("taxonomy", type=Path)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--database", action="append", required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = repeated(given.data, given.products, Path(folder) / "products.manifest")
        model = ModelFolder(given.model_folder)
        print(
            "| database | seconds | products/s | automatic | database time | again | kills | rows |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for place in given.database:
            rules = [
                write_rules(Path(folder), given.taxonomy, name) for name in ("publish", "grant")
            ]
            first, spent, summary = decided(place, data, rules[0], model)
            again, _, _ = decided(place, data, rules[1], model)
            empty(place)
            kills, rows = killed(place, data, rules[0], given.model_folder, given.kills)
            share = summary.automatic / max(summary.decided, 1)
            print(
                f"| {place.partition(':')[0][-20:]} | {first:.0f} | {given.products / first:.1f} "
                f"| {share:.1%} | {spent / first:.1%} | {again:.1f} s | {kills} | {rows:,} |",
                flush=True,
            )


def repeated(data: str, products: int, output: Path) -> Path:
    """A manifest of so many products; images are given by absolute paths."""
    (file,) = find_manifest_files(absolute(data))
    read = map(read_record, product_lines(file, Reading()))
    lines = [record.fields for record in read if record.fault is None]
    with output.open("w", encoding="utf-8") as stream:
        for number in range(products):
            line = {**lines[number % len(lines)], "id": f"product-{number}"}
            if line.get("source-ref"):
                line["source-ref"] = str(Path(file).parent / line["source-ref"])
            stream.write(json.dumps(line) + "\n")
    return output


def write_rules(folder: Path, taxonomy: Path, outcome: str) -> Path:
    path = folder / f"{outcome}.yaml"
    path.write_text(_RULES.format(taxonomy=taxonomy.resolve(), outcome=outcome))
    return path


def decided(
    place: str, data: Path, rules: Path, model: ModelFolder
) -> tuple[float, float, job.Summary]:
    """Seconds of a batch in this process, seconds of these in the database, and what came of it."""
    whole = job.Job(
        str(data),
        [str(data)],
        Reading(),
        load_rules(str(rules)),
        rules.read_text(),
        ImageSources(["/"]),
        0.0,
    )
    engine = open_database(place)
    spent: list[float] = []
    with clocked(deciding.Decider, "_store", spent), clocked(deciding.Decider, "_known", spent):
        started = time.perf_counter()
        summary = scoring.decide_file(whole, model.ask, engine, lambda _: None)
        seconds = time.perf_counter() - started
    engine.dispose()
    return seconds, sum(spent), summary


@contextlib.contextmanager
def clocked(owner: Any, name: str, spent: list[float]) -> Iterator[None]:
    """Adds the seconds of every call of a method to `spent`."""
    whole = getattr(owner, name)

    def timed(*arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return whole(*arguments)
        finally:
            spent.append(time.perf_counter() - started)

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, whole)


def killed(place: str, data: Path, rules: Path, model: Path, kills: int) -> tuple[int, int]:
    """Batches that are killed at random, and one that ends: number of kills, and rows stored."""
    command = [sys.executable, "-m", "shelfsort.cli.main", "batch", "--data", str(data)]
    command += ["--rules", str(rules), "--database", place, "--model-folder", str(model)]
    command += ["--image-root", "/"]
    chance, done = random.Random(1), 0
    for _ in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(5.0, _LONGEST_LIFE_S))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            done += 1
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    engine = open_database(place)
    with engine.begin() as connection:
        stored = connection.execute(sa.select(sa.func.count()).select_from(tables.decision))
        return done, int(stored.scalar_one())


def empty(place: str) -> None:
    """Takes all rows out of a results database."""
    engine = open_database(place)
    with engine.begin() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name != "about":
                connection.execute(sa.delete(table))
    engine.dispose()


if __name__ == "__main__":
    main()
