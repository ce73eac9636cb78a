"""Does it help to weigh a label by how likely its product was chosen?

A review loop is simulated on labelled sets, split as in `quality.py`. A first model learns from
products drawn at random. It answers the other training products; people label all of those that it
is least sure of, and a random sample of the rest (audits). Models then fit on everything labelled:

- `random`: the same number of products, all drawn at random.
- `reviewed`: those of the loop, alike.
- `weighted`: those of the loop, by the inverse of the probability that they were chosen
  (`training.fit.max_selection_weight: 50`).

Thresholds of the last two rest on the same products: the first ones, and the random sample.

    python benchmarks/selection.py WORK --set fashion=FOLDER --table

WORK is that of `quality.py`; results are lines of `WORK/selection.jsonl`, and what is there is not
measured again.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, draw_groups, read_set
from quality import arguments_on_sets
from quality_answers import OURS, ours
from quality_figures import figures, spread
from quality_problems import SCORED, Problem
from quality_results import read_results

from shelfsort.stats.temperature import softmax
from shelfsort.training.selection import UNKNOWN
from shelfsort.training.settings import TrainingConfig

RANDOM, REVIEWED, WEIGHTED = "random", "reviewed", "weighted"
LIMIT = 50.0
RESULTS = "selection.jsonl"
COLUMNS = ("accuracy", "macro_f1", "ece", "coverage_0.95", "right_0.95", "coverage_0.98",
           "right_0.98")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Loop:
    """How many products people label.

    Attributes:
        first: drawn at random, before there is a model.
        reviewed: that the first model is least sure of.
        audit_rate: chance of the others, and of the sample that thresholds rest on.
    """

    first: int
    reviewed: int
    audit_rate: float


@dataclasses.dataclass(frozen=True)
class Labelled:
    """What people labelled.

    Attributes:
        rows: (n,) of the set.
        probabilities: (n,) with which each was chosen; `UNKNOWN` for the first ones.
        evidence: (n,) bools, those that are drawn at random.
    """

    rows: np.ndarray
    probabilities: np.ndarray
    evidence: np.ndarray


def chosen(
    first: np.ndarray, others: np.ndarray, scores: np.ndarray, loop: Loop, rng: np.random.Generator
) -> Labelled:
    """The first products, the least sure ones of the others, and the audits.

    Args:
        first, others: rows of the set.
        scores: (m,) of the first model about `others`.
        loop: how many are labelled.
        rng: of the draw of the sample.
    """
    unsure = np.zeros(len(others), bool)
    unsure[np.argsort(scores)[: loop.reviewed]] = True
    sample = rng.random(len(others)) < loop.audit_rate
    kept = unsure | sample
    own = np.where(unsure, 1.0, loop.audit_rate)[kept]
    return Labelled(
        rows=np.concatenate([first, others[kept]]),
        probabilities=np.concatenate([np.full(len(first), UNKNOWN), own]).astype(np.float32),
        evidence=np.concatenate([np.ones(len(first), bool), sample[kept]]),
    )


def measure(whole: LabelledSet, seed: int, loop: Loop, work: Path) -> Iterator[dict]:
    """The figures of the three ways on products that none of them saw."""
    rng = np.random.default_rng(seed)
    pool, rest = draw_groups(whole, round((1 - SCORED) * len(whole)), rng)
    order = rng.permutation(pool)
    first, others = order[: loop.first], order[loop.first :]
    answered = ours(_problem(whole, first, others, seed, work))[OURS].logits
    labelled = chosen(first, others, softmax(answered, 1.0).max(axis=1), loop, rng)
    n = len(labelled.rows)
    drawn = Labelled(order[:n], np.full(n, UNKNOWN, np.float32), np.ones(n, bool))
    for way, own, limit in (
        (RANDOM, drawn, 1.0),
        (REVIEWED, labelled, 1.0),
        (WEIGHTED, labelled, LIMIT),
    ):
        split = _problem(whole, own.rows, rest, seed, work, limit)
        train = dataclasses.replace(
            split.train,
            selection_probabilities=own.probabilities,
            evidence=own.evidence,
        )
        split = dataclasses.replace(split, train=train)
        answers = ours(split)[OURS]
        found = figures(
            answers.held_out, answers.logits, train, split.folds, split.unseen, split.labels
        )
        about = {"products": n, "evidence": int(own.evidence.sum()), "unseen": len(rest)}
        yield {"way": way, **about, **found}


def _problem(
    whole: LabelledSet,
    drawn: np.ndarray,
    rest: np.ndarray,
    seed: int,
    work: Path,
    limit: float = 1.0,
) -> Problem:
    config = TrainingConfig()
    fit = dataclasses.replace(config.fit, seed=seed, max_selection_weight=limit)
    return Problem.of(whole, drawn, rest, dataclasses.replace(config, fit=fit), work)


def table(results: Sequence[dict]) -> list[str]:
    """A line for each set, loop and way: means over seeds ± their deviation."""
    lines = ["set first reviewed audit_rate way products evidence seeds " + " | ".join(COLUMNS)]
    names = ("set", "first", "reviewed", "audit_rate", "way")
    for key in dict.fromkeys(tuple(each[name] for name in names) for each in results):
        own = [each for each in results if tuple(each[name] for name in names) == key]
        sizes = [round(np.mean([each[name] for each in own])) for name in ("products", "evidence")]
        cells = ["{:.3f} ± {:.3f}".format(*spread([e[name] for e in own])) for name in COLUMNS]
        lines.append(" ".join(map(str, [*key, *sizes, len(own)])) + " " + " | ".join(cells))
    return lines


def run(name: str, whole: LabelledSet, seed: int, loop: Loop, work: Path) -> None:
    """Measures a loop that the results lack, and appends a line for each way."""
    about = {"set": name, "seed": seed, **dataclasses.asdict(loop)}
    done = [e for e in read_results(work / RESULTS) if all(e[key] == about[key] for key in about)]
    if len(done) == len((RANDOM, REVIEWED, WEIGHTED)):
        return
    results = [json.dumps({**about, **each}) + "\n" for each in measure(whole, seed, loop, work)]
    with (work / RESULTS).open("a") as stream:
        stream.writelines(results)


def main() -> None:
    parser = arguments_on_sets(__doc__)
    parser.add_argument("--first", type=int, default=500, help="products of the first model")
    parser.add_argument("--reviewed", nargs="+", type=int, default=[1000])
    parser.add_argument("--audit-rate", type=float, default=0.1)
    arguments = parser.parse_args()
    for name, folder in (each.split("=", 1) for each in arguments.set):
        whole = read_set(Path(folder), arguments.work / f"{name}.npz")
        for reviewed in arguments.reviewed:
            loop = Loop(arguments.first, reviewed, arguments.audit_rate)
            for seed in arguments.seeds:
                run(name, whole, seed, loop, arguments.work)
    if arguments.table:
        print("\n".join(table(read_results(arguments.work / RESULTS))))


if __name__ == "__main__":
    main()
