"""What it costs to decide about a day's products, and what is left after kills.

Repeats the products of a data set until there are enough, each under an id of its own. Decides
about them with `shelfsort batch`, decides again after a change of the rules, and starts over in
processes that are killed at random together with their database. The model is that of a run of this
data, whose held-out products show what share is decided automatically and how much of it is right.

    shelfsort run --manifest fashion/labelled.manifest --taxonomy fashion/taxonomy.json --output run
    python benchmarks/decisions.py run fashion/labelled.manifest fashion/taxonomy.json \\
        --products 20000 --kills 20

PostgreSQL is a server that this program starts and kills, with its usual settings. CPU time is that
of this process and of the server. `database` is the share of the wall time that was spent in the
database. Nothing else should run on the machine.
"""

import argparse
import contextlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.append(str(Path(__file__).parents[1]))

from components.evaluator.artifact import read_predictions
from shelfsort.cli.batch.model_folder import ModelFolder
from shelfsort.client.each import Ask
from shelfsort.core.database.engine import open_engine
from shelfsort.core.storage import absolute
from shelfsort.decisions.batch.deciding import Decider
from shelfsort.decisions.batch.job import Job, Summary
from shelfsort.decisions.batch.scoring import decide_file
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.products.images.source import ImageSources
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading
from shelfsort.stats.binomial import interval
from tests.fixtures.postgresql import Server

_RULES = """
taxonomy: {taxonomy}
rules:
  - name: sure
    when: {{accepted: 98}}
    then: {{outcome: {outcome}}}
default: {{outcome: review}}
"""
_SETTINGS = "-c listen_addresses=''"
_LOOKED_EVERY_S = 0.5


@dataclass(frozen=True)
class Cost:
    """Of a batch.

    Attributes:
        seconds: wall time.
        cpu_s: processor time of this process,
        server_cpu_s: and of the database server.
        database_s: wall time spent in the database.
        summary: what came of it.
    """

    seconds: float
    cpu_s: float
    server_cpu_s: float
    database_s: float
    summary: Summary


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", type=Path, help="output folder of the run that made the model")
    parser.add_argument("data", help="products, in any form that `shelfsort run` takes")
    parser.add_argument("taxonomy", type=Path)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rules = [write_rules(folder, given.taxonomy, each) for each in ("publish", "grant")]
        lines = lines_of(given.data)
        model = ModelFolder(given.run / "serving")
        _say_unseen(folder, lines, held_out(given.run), rules[0], model.ask)
        if not given.products:
            return
        data = repeated(lines, given.products, folder / "products.manifest")
        _say_costs(folder, data, rules, model.ask)
        if given.kills:
            _say_kills(folder, data, rules[0], given)


def _say_unseen(
    folder: Path, lines: list[dict[str, Any]], ids: set[str], rules: Path, ask: Ask
) -> None:
    unseen = [line for line in lines if line["id"] in ids]
    data = repeated(unseen, len(unseen), folder / "unseen.manifest")
    found = decided(str(folder / "unseen.db"), data, rules, ask).summary
    share, right = interval(found.automatic, found.decided), interval(found.right, found.judged)
    print(
        f"{found.decided:,} products that the model has not seen: {found.automatic:,} decided "
        f"automatically at 98 %, {found.automatic / found.decided:.1%} [{share[0]:.1%}, "
        f"{share[1]:.1%}]; {found.right:,} of {found.judged:,} right, "
        f"{found.right / max(found.judged, 1):.2%} [{right[0]:.2%}, {right[1]:.2%}]\n",
        flush=True,
    )


def _say_costs(folder: Path, data: Path, rules: list[Path], ask: Ask) -> None:
    print(
        "| database | products | seconds | CPU ms a product | server's CPU ms | database | again |"
        " automatic |"
    )
    print("|---|---|---|---|---|---|---|---|")
    server = Server(_SETTINGS)
    try:
        places = {"SQLite": str(folder / "a.db"), "PostgreSQL": server.create("calm")}
        for name, place in places.items():
            owner = server if name == "PostgreSQL" else None
            first = decided(place, data, rules[0], ask, owner)
            again = decided(place, data, rules[1], ask, owner)
            products = first.summary.rows
            print(
                f"| {name} | {products:,} | {first.seconds:.0f} "
                f"| {1e3 * first.cpu_s / products:.1f} | {1e3 * first.server_cpu_s / products:.2f} "
                f"| {first.database_s / first.seconds:.1%} | {again.seconds:.1f} s "
                f"| {first.summary.automatic / first.summary.decided:.1%} |",
                flush=True,
            )
    finally:
        server.close()


def _say_kills(folder: Path, data: Path, rules: Path, given: argparse.Namespace) -> None:
    server = Server(_SETTINGS)
    try:
        place = server.create("killed")
        model = given.run / "serving"
        scorers, servers = killed(server, place, data, rules, model, given.kills, given.products)
        stored, products = count(place), different(rules, str(folder / "a.db"), place)
    finally:
        server.close()
    print(
        f"\n{scorers} kills of the scorer and {servers} of PostgreSQL: {stored:,} decisions for "
        f"{given.products:,} products; {products:,} differ from those of the undisturbed batch"
    )


def lines_of(data: str) -> list[dict[str, Any]]:
    """The products of a file as lines of a manifest, with absolute paths of images."""
    (file,) = find_manifest_files(absolute(data))
    read = map(read_record, product_lines(file, Reading()))
    lines = [dict(record.fields) for record in read if record.fault is None]
    for line in lines:
        if line.get("source-ref"):
            line["source-ref"] = str(Path(file).parent / line["source-ref"])
    return lines


def held_out(run: Path) -> set[str]:
    """Ids of the products that a run has judged its model on."""
    newest = max((run / "pipeline/Evaluator/evaluation").iterdir(), key=lambda p: int(p.name))
    table = read_predictions(str(newest), ["product_id"], split="eval", model="candidate")
    return set(table.column("product_id").to_pylist()) if table is not None else set()


def repeated(lines: list[dict[str, Any]], products: int, output: Path) -> Path:
    """A manifest of so many products, each with an id of its own."""
    with output.open("w", encoding="utf-8") as stream:
        for number in range(products):
            line = {**lines[number % len(lines)], "id": f"product-{number}"}
            stream.write(json.dumps(line) + "\n")
    return output


def write_rules(folder: Path, taxonomy: Path, outcome: str) -> Path:
    path = folder / f"{outcome}.yaml"
    path.write_text(_RULES.format(taxonomy=taxonomy.resolve(), outcome=outcome))
    return path


def decided(place: str, data: Path, rules: Path, ask: Ask, server: Server | None = None) -> Cost:
    """What a batch in this process costs."""
    job = Job(str(data), [str(data)], Reading(), load_rules(str(rules)), ImageSources(["/"]), 0.0)
    engine = open_database(place)
    spent: list[float] = []
    with clocked(Decider, "_store", spent), clocked(Decider, "_known", spent):
        cpu, of_server = _cpu_seconds(), server.cpu_seconds() if server else 0.0
        started = time.perf_counter()
        summary = decide_file(job, ask, engine, lambda _: None)
        seconds = time.perf_counter() - started
        engine.dispose()
        of_server = server.cpu_seconds() - of_server if server else 0.0
    return Cost(seconds, _cpu_seconds() - cpu, of_server, sum(spent), summary)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


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


def killed(
    server: Server, place: str, data: Path, rules: Path, model: Path, kills: int, products: int
) -> tuple[int, int]:
    """One batch during which scorer and server are killed; how often each of them was.

    The kills come after random numbers of decisions, so all of them come before the batch ends.
    """
    command = [sys.executable, "-m", "shelfsort.cli.main", "batch", "--data", str(data)]
    command += ["--rules", str(rules), "--database", place, "--model-folder", str(model)]
    command += ["--image-root", "/"]
    chance, scorers, servers = random.Random(1), 0, 0
    open_database(place).dispose()

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    running = start()
    for number in range(kills):
        # One in each equal part of the products: near kills would hit a process that is starting.
        after = int((number + chance.random()) * products / kills)
        while count(place) < after and running.poll() is None:
            time.sleep(_LOOKED_EVERY_S)
        if number % 2:
            server.kill()
            server.start()
            servers += 1
        else:
            running.kill()
            running.wait()
            scorers += 1
            running = start()
    if running.wait():
        raise SystemExit("the last batch failed")
    return scorers, servers


def count(place: str) -> int:
    """Decisions that are stored."""
    return int(_rows(place, sa.select(sa.func.count()).select_from(tables.decision))[0][0])


def different(rules: Path, one: str, other: str) -> int:
    """Products whose decisions by the rules differ in two databases."""
    prediction, decision = tables.prediction, tables.decision
    chosen = (
        sa.select(prediction.c.product, decision.c.outcome, prediction.c.category)
        .join(decision, decision.c.prediction == prediction.c.id)
        .where(decision.c.rules == load_rules(str(rules)).digest)
    )
    first, second = ({row[0]: row[1:] for row in _rows(place, chosen)} for place in (one, other))
    return sum(first.get(product) != second.get(product) for product in {*first, *second})


def _rows(place: str, chosen: sa.Select[Any]) -> list[tuple[Any, ...]]:
    engine = open_engine(place)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(chosen)]
    engine.dispose()
    return found


if __name__ == "__main__":
    main()
