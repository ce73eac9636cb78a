"""Ten days of continuous training on a labelled manifest: does the gate refuse, and recover?

Deals a catalogue out as ten daily manifests and lets `shelfsort watch` take its turn after each.
On day five a category appears: until then the tree does not have it. On day eight a careless crowd
labels half of one department's earlier products anew, all as one of its categories; on day nine
they are labelled rightly again. Prints a line a day. Accuracy against `gold` is of the model that
was trained that day, pushed or not; `live` is the version that serves at the day's end.

    python benchmarks/ten_days.py --manifest labelled.manifest --taxonomy taxonomy.json --output out
"""

import argparse
import collections
import dataclasses
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.config import load_config
from pipeline.local.watch import Turn, take_turn
from pipeline.output_folder import OutputFolder
from serving.versions import live_version
from shelfsort.contract.figures import coverage, targets_of
from shelfsort.core.files import write_bytes, write_text
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.taxonomy import Taxonomy

DAYS = 10
LATE_DAY, DRIFT_DAY, MENDED_DAY = 5, 8, 9
FIRST_SHARE = 0.6
DRIFTED_SHARE = 0.5
ROW = "{:>3}  {:>5} {:>5}  {:>8}  {:>10}  {:>7}  {:>11}  {:>4}  {:>5}  {}"
HEADER = ("day", "new", "cats", "accuracy", "vs gold", "decided", "verdict", "live", "s", "reason")


@dataclasses.dataclass(frozen=True)
class Story:
    """What happens to whom; categories by their paths.

    Attributes:
        categories: how many are taken, the largest.
        late: the one that appears on LATE_DAY.
        department: half of whose earlier products are labelled carelessly on DRIFT_DAY.
        mistaken: the category that they are all put into.
        seed: of the order of the products.
    """

    categories: int = 30
    late: str = "Footwear > Shoes > Heels"
    department: str = "Apparel > Topwear"
    mistaken: str = "Apparel > Topwear > Tshirts"
    seed: int = 7


def main() -> None:
    arguments = _arguments()
    manifest, taxonomy = arguments.manifest.resolve(), arguments.taxonomy.resolve()
    folder = OutputFolder.open(str(arguments.output / "run"))
    story = Story(*(getattr(arguments, field.name) for field in dataclasses.fields(Story)))
    roots = json.dumps([str(manifest.parent)])
    config = load_config(None, (f"data.image_roots={roots}", *arguments.settings))
    print(ROW.format(*HEADER), flush=True)
    for day, lines in enumerate(deal(manifest, story), 1):
        inbox, tree = arguments.output / "inbox", arguments.output / "taxonomy.json"
        write_bytes(tree, _tree(taxonomy, story.late if day < LATE_DAY else ""))
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        write_text(inbox / f"day-{day:02}.manifest", text)
        if day not in (arguments.look_on or range(1, DAYS + 1)):
            continue
        turn = take_turn(str(inbox.resolve()), str(tree.resolve()), folder, config)
        if turn.figures:
            print(_row(day, turn, folder, config.name), flush=True)


def deal(manifest: Path, story: Story) -> list[list[dict[str, Any]]]:
    """The lines of each day's manifest; pictures are named by absolute paths."""
    attribute = find_label_attribute([str(manifest)])
    lines = [_absolute(json.loads(line), manifest.parent) for line in manifest.open()]
    counts = collections.Counter(line["gold"] for line in lines)
    largest = {name for name, _ in counts.most_common(story.categories)} | {story.late}
    lines = [line for line in lines if line["gold"] in largest]
    random.Random(story.seed).shuffle(lines)
    early = [line for line in lines if line["gold"] != story.late]
    late = [line for line in lines if line["gold"] == story.late]
    first = round(FIRST_SHARE * len(early))
    days = [early[:first], *_shares(early[first:], DAYS - 1)]
    for day, more in enumerate(_shares(late, DAYS - LATE_DAY + 1), LATE_DAY):
        days[day - 1] += more
    before = [line for day in days[: DRIFT_DAY - 1] for line in day]
    chosen = [line for line in before if line["gold"].startswith(story.department)]
    chosen = chosen[: round(DRIFTED_SHARE * len(chosen))]
    days[DRIFT_DAY - 1] += [_relabelled(line, attribute, story.mistaken) for line in chosen]
    days[MENDED_DAY - 1] += chosen
    return days


def _shares(lines: Sequence[dict], parts: int) -> list[list[dict]]:
    return [list(lines[part::parts]) for part in range(parts)]


def _absolute(line: dict[str, Any], folder: Path) -> dict[str, Any]:
    if line.get("source-ref"):
        line["source-ref"] = str(folder / line["source-ref"])
    return line


def _relabelled(line: dict[str, Any], attribute: str, label: str) -> dict[str, Any]:
    """The product as a crowd would have labelled it that agrees on `label`."""
    answer = line[attribute]
    workers = [{**worker, "label": label} for worker in answer["workers"]]
    result = {attribute: label}
    return {**line, attribute: {**answer, "workers": workers, "confidence": 1.0, "result": result}}


def _tree(taxonomy: Path, without: str) -> bytes:
    """The tree's JSON, without the leaf whose path is given."""
    tree = Taxonomy.load(str(taxonomy))
    gone = {leaf for leaf in tree.leaves if tree.path(leaf) == without}
    nodes = [
        {**node, "subcategories": [child for child in node["subcategories"] if child not in gone]}
        for node in tree.to_nodes()
        if node["id"] not in gone
    ]
    return json.dumps(nodes, ensure_ascii=False).encode()


def _row(day: int, turn: Turn, folder: OutputFolder, name: str) -> str:
    metrics = json.loads(folder.metrics.read_text())["combined"]
    (target,) = targets_of(turn.figures)
    live = live_version(folder.serving / name)
    return ROW.format(
        day,
        turn.new_products,
        turn.categories,
        f"{turn.figures['accuracy']:.3f}",
        f"{metrics['eval_gold']['accuracy']:.3f}/{metrics['eval_gold']['n']}",
        f"{turn.figures[coverage(target)]:.1%}",
        turn.outcome,
        live.number if live else "-",
        f"{turn.seconds:.0f}",
        " ".join(turn.reasons) or "-",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--manifest", type=Path, required=True, help="With `gold`.")
    parser.add_argument("--taxonomy", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="A new folder.")
    parser.add_argument(
        "--look-on", type=int, nargs="+", help="Days on which to run; on the others labels wait."
    )
    for field in dataclasses.fields(Story):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
