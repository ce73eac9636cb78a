"""What do labels with inner categories teach?

Each set is split by groups as in `quality.py`. Of a share of the training products, drawn at
random, only the parent category is known, or only the department at the top; each leaf keeps a
product at least. These products are left out (`dropped`), or taught at their level (`parent`,
`department`). `leaves` knows the leaf of every product. All models have the same vocabularies, and
thresholds rest on the answers about the products whose leaf is known.

    python benchmarks/inner_labels.py WORK --set fashion=FOLDER --shares 0.2 0.5 --table
    python benchmarks/inner_labels.py WORK --set fashion=FOLDER --labels 10 --shares 0.8 --table

WORK and `--labels` are those of `quality.py`; results are lines of `WORK/inner_labels.jsonl`, and
what is there is not measured again.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, read_set
from quality import arguments_on_sets
from quality_answers import OURS, ours
from quality_figures import figures, spread
from quality_problems import ALL_LABELS, Case, Problem, problem
from quality_results import add_result, read_results

from shelfsort.training.dataset import Products
from shelfsort.training.inner_labels import InnerLabels
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.tuning.groups import part

LEAVES, DROPPED, PARENT, DEPARTMENT = "leaves", "dropped", "parent", "department"
RESULTS = "inner_labels.jsonl"
COLUMNS = ("accuracy", "macro_f1", "parent_accuracy", "coverage_0.95", "right_0.95",
           "coverage_0.98", "right_0.98")  # fmt: skip


def opened(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) bools: the products whose leaf is not known; each leaf keeps one whose leaf is.

    Args:
        labels: (n,) leaves.
        share: of the products.
        rng: of the draw.
    """
    order = rng.permutation(len(labels))
    first = np.unique(labels[order], return_index=True)[1]
    free = np.delete(order, first)
    found = np.zeros(len(labels), bool)
    found[free[: round(share * len(labels))]] = True
    return found


def taught(train: Products, open_: np.ndarray, space: LabelSpace, way: str) -> Products:
    """What a model trains on.

    Args:
        train: products with the leaves of all.
        open_: (n,) bools, those whose leaf is not known.
        space: the K leaves.
        way: LEAVES, DROPPED, PARENT or DEPARTMENT.
    """
    if way == LEAVES:
        return train
    if way == DROPPED:
        return part(train, np.flatnonzero(~open_))
    level = -1 if way == PARENT else 0
    # A leaf at the top has no category above it, and stays known.
    nodes = [(space.taxonomy.ancestors(leaf) or [""])[level] for leaf in space.categories]
    named = np.where(open_, np.array(nodes)[train.labels], "")
    open_ = named != ""
    return dataclasses.replace(
        train,
        labels=np.where(open_, -1, train.labels).astype(np.int32),
        evidence=train.evidence & ~open_,
        inner=InnerLabels.of(np.char.encode(named), space),
    )


def measure(split: Problem, share: float, ways: Sequence[str]) -> Iterator[dict]:
    """The figures of the ways, where the leaves of a share of the products are not known."""
    open_ = opened(split.train.labels, share, np.random.default_rng([split.config.fit.seed, 1]))
    for way in ways:
        own = dataclasses.replace(split, train=taught(split.train, open_, split.labels, way))
        train, answers = own.train, ours(own)[OURS]
        found = figures(answers.held_out, answers.logits, train, own.folds, own.unseen, own.labels)
        yield {"way": way, "products": len(train), "leaves": int(train.has_leaf.sum()), **found}


def run(whole: LabelledSet, case: Case, share: float, work: Path) -> None:
    """Measures what the results lack, and appends a line for each way."""
    about = {"set": case.name, "labels": case.labels, "share": share, "seed": case.seed}
    # What knows every leaf is the same for every share.
    done = {
        each["way"]
        for each in read_results(work / RESULTS)
        if all(each[key] == about[key] for key in about if (key, each["way"]) != ("share", LEAVES))
    }
    missing = [way for way in (LEAVES, DROPPED, PARENT, DEPARTMENT) if way not in done]
    if not missing:
        return
    split = problem(whole, case, TrainingConfig(), work)
    for result in measure(split, share, missing):
        add_result(work / RESULTS, {**about, "unseen": len(split.rest), **result})


def table(results: Sequence[dict]) -> list[str]:
    """A line for each set, number of labels, share and way: means over seeds ± their deviation."""
    lines = ["set labels share way products leaves seeds " + " | ".join(COLUMNS)]
    for each in results:
        each["of"] = 0.0 if each["way"] == LEAVES else each["share"]
    keys = dict.fromkeys((r["set"], r["labels"], r["of"], r["way"]) for r in results)
    for key in sorted(keys, key=lambda key: key[:3]):
        own = [r for r in results if (r["set"], r["labels"], r["of"], r["way"]) == key]
        sizes = [round(np.mean([r[name] for r in own])) for name in ("products", "leaves")]
        cells = ["{:.3f} ± {:.3f}".format(*spread([r[name] for r in own])) for name in COLUMNS]
        lines.append(" ".join(map(str, [*key, *sizes, len(own)])) + " " + " | ".join(cells))
    return lines


def main() -> None:
    parser = arguments_on_sets(__doc__)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.2, 0.5])
    parser.add_argument("--labels", nargs="+", default=[ALL_LABELS], help="a leaf, or all")
    arguments = parser.parse_args()
    for name, folder in (each.split("=", 1) for each in arguments.set):
        whole = read_set(Path(folder), arguments.work / f"{name}.npz")
        for labels in arguments.labels:
            for seed in arguments.seeds:
                for share in arguments.shares:
                    run(whole, Case(name, labels, seed), share, arguments.work)
    if arguments.table:
        print("\n".join(table(read_results(arguments.work / RESULTS))))


if __name__ == "__main__":
    main()
