"""Replays of a labelling project: who reaches an accuracy of all labels with how many answers?

Every product has three recorded answers in an order that the seed draws. A strategy buys them one
by one and trains on what it has bought. Gold only scores.

- `next`: `shelfsort labels next` until it has nothing to ask, as in `shelfsort.labeling.asking`.
- `thresholds`: batches of products drawn at random with three answers each and their majority; the
  same model labels what is above the threshold whose own labels reach the target with 95 %
  confidence.
- `margin`: the same, but a batch holds the products whose two best labels are nearest.
- `thresholds, gold`, `margin, gold`: the same, but the threshold is found with gold, which no real
  project has: the majority of three is itself too often wrong to prove 98 %.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.asking.belief import refit
from shelfsort.labeling.asking.pac import threshold_cut
from shelfsort.labeling.asking.plan import (
    OPEN,
    Labelling,
    Rules,
    first_batch,
    labels_so_far,
    next_batch,
    set_aside,
)
from shelfsort.labeling.asking.text_model import CrossFittedRidge
from shelfsort.labeling.methods.fit import normalised
from shelfsort.products.product import MACHINE

FIRST_ANSWERS, BATCH_ANSWERS = 1_500, 600
BATCH_PRODUCTS = 500


@dataclass(frozen=True)
class Store:
    """Recorded answers for sale.

    Attributes:
        ids: of N products.
        workers, labels: names.
        worker, label: (N, k) of the recorded answers.
        gold: (N,) place of the true label.
        ridge: the model.
    """

    ids: Sequence[str]
    workers: tuple[str, ...]
    labels: tuple[str, ...]
    worker: np.ndarray
    label: np.ndarray
    gold: np.ndarray
    ridge: CrossFittedRidge

    def shuffled(self, seed: int) -> "Store":
        """The same answers in another order for each product, and other names of the products."""
        rng = np.random.default_rng(seed)
        order = np.argsort(rng.random(self.worker.shape), axis=1)
        worker, label = (np.take_along_axis(a, order, 1) for a in (self.worker, self.label))
        ids = [f"{seed}:{id_}" for id_ in self.ids]
        return Store(ids, self.workers, self.labels, worker, label, self.gold, self.ridge)

    def bought(self, count: np.ndarray) -> Answers:
        """The first `count` (N,) answers of each product."""
        some = np.arange(self.worker.shape[1]) < count[:, None]
        task = np.nonzero(some)[0]
        names = tuple(f"{row:07d}" for row in range(len(count)))
        return Answers(names, self.workers, self.labels, task, self.worker[some], self.label[some])


@dataclass(frozen=True)
class Replay:
    """How one replay ended.

    Attributes:
        strategy, seed: of the replay.
        target: accuracy aimed at.
        bought: share of all recorded answers.
        accuracy: of all labels, against gold.
        machine: share of the products that the model labelled alone.
        machine_accuracy: of these.
        expected: the accuracy that the strategy itself expects, NaN where it expects none.
        rounds: number of batches.
        seconds: of CPU.
    """

    strategy: str
    seed: int
    target: float
    bought: float
    accuracy: float
    machine: float
    machine_accuracy: float
    expected: float
    rounds: int
    seconds: float


def asking_less(store: Store, seed: int, rules: Rules) -> Replay:
    start, n = time.process_time(), len(store.ids)
    store = store.shuffled(seed)
    order = set_aside(store.ids, rules.reserve)
    count, drawn = np.zeros(n, int), np.zeros(n, bool)
    state = Labelling(store.bought(count), count, drawn, order)
    batch = first_batch(state, rules, FIRST_ANSWERS)
    rounds = 0
    while len(batch.rows):
        drawn[batch.rows[batch.reasons == "random"]] = True
        count = np.minimum(_added(count, batch.rows, batch.answers), store.worker.shape[1])
        rounds += 1
        state = Labelling(store.bought(count), count, drawn, order)
        labels = labels_so_far(state, refit(state.answers, store.ridge), rules)
        batch = next_batch(state, labels, rules, BATCH_ANSWERS)
    machine = labels.source == MACHINE
    if (labels.source == OPEN).any():
        raise RuntimeError("products are open, and nothing is asked")
    return _replay(
        "next",
        seed,
        rules.target,
        store,
        labels.label,
        machine,
        count,
        rounds,
        start,
        labels.accuracy,
    )


def by_thresholds(store: Store, strategy: str, seed: int, rules: Rules) -> Replay:
    truth = store.gold if strategy.endswith("gold") else None
    start, n = time.process_time(), len(store.ids)
    rng = np.random.default_rng(seed)
    label, source = np.zeros(n, int), np.zeros(n, int)
    majority = store.bought(np.full(n, store.worker.shape[1])).votes().argmax(axis=1)
    wanted, rounds = rng.permutation(n)[:BATCH_PRODUCTS], 0
    while True:
        source[wanted], label[wanted], rounds = 1, majority[wanted], rounds + 1
        rows = np.flatnonzero(source == 1)
        targets = np.eye(len(store.labels), dtype=np.float32)[majority[rows]]
        logits = store.ridge.logits(rows, targets)
        best, sure = logits.argmax(axis=1), normalised(logits).max(axis=1)
        cut = threshold_cut(
            sure[rows], best[rows] != (majority if truth is None else truth)[rows], rules.target
        )
        machine = (source == 0) & (sure >= cut.least)
        source[machine], label[machine] = 2, best[machine]
        left = np.flatnonzero(source == 0)
        if not len(left):
            break
        if strategy.startswith("margin"):
            two = np.sort(logits[left], axis=1)[:, -2:]
            wanted = left[np.argsort(two[:, 1] - two[:, 0], kind="stable")][:BATCH_PRODUCTS]
        else:
            wanted = rng.permutation(left)[:BATCH_PRODUCTS]
    count = np.where(source == 1, store.worker.shape[1], 0)
    return _replay(strategy, seed, rules.target, store, label, source == 2, count, rounds, start)


def replay_all(
    store: Store, seeds: range, kept: Path | None, targets: Sequence[float] = (0.98, 0.95)
) -> list[Replay]:
    """Every strategy with every seed; those that `kept` has are read from there."""
    found = _read(kept)
    done = {(each.strategy, each.seed, each.target) for each in found}
    strategies: dict[str, Callable[[int, Rules], Replay]] = {"next": partial(asking_less, store)}
    for name in ("thresholds", "margin", "thresholds, gold", "margin, gold"):
        strategies[name] = partial(by_thresholds, store, name)
    for target, (name, strategy), seed in product(targets, strategies.items(), seeds):
        if (name, seed, target) in done:
            continue
        found.append(strategy(seed, Rules(target=target)))
        if kept:
            with kept.open("a") as file:
                file.write(json.dumps(asdict(found[-1])) + "\n")
    return [each for each in found if each.seed in seeds and each.target in targets]


def replay_table(found: Sequence[Replay]) -> None:
    print(
        "| strategy | target | replays | answers bought, mean (most) | accuracy, mean (least) | "
        "reached | both | machine labels, accuracy | expected | rounds | CPU s |"
    )
    groups: dict[tuple[str, float], list[Replay]] = {}
    for each in found:
        groups.setdefault((each.strategy, each.target), []).append(each)
    for (name, target), some in sorted(groups.items(), key=lambda each: (-each[0][1], each[0][0])):
        bought, accuracy = (
            np.array([getattr(e, key) for e in some]) for key in ("bought", "accuracy")
        )
        mean = {
            key: float(np.mean([getattr(each, key) for each in some]))
            for key in ("machine", "machine_accuracy", "expected", "rounds", "seconds")
        }
        both = int(((accuracy >= target) & (bought <= 0.45)).sum())
        print(
            f"| {name} | {target} | {len(some)} | {bought.mean():.3f} ({bought.max():.3f}) | "
            f"{accuracy.mean():.4f} ({accuracy.min():.4f}) | {int((accuracy >= target).sum())} | "
            f"{both} | {mean['machine']:.2f}, {mean['machine_accuracy']:.4f} | "
            f"{mean['expected']:.4f} | {mean['rounds']:.1f} | {mean['seconds']:.1f} |"
        )


def _added(count: np.ndarray, rows: np.ndarray, answers: np.ndarray) -> np.ndarray:
    more = count.copy()
    more[rows] += answers
    return more


def _replay(
    strategy: str,
    seed: int,
    target: float,
    store: Store,
    label: np.ndarray,
    machine: np.ndarray,
    count: np.ndarray,
    rounds: int,
    start: float,
    expected: float = float("nan"),
) -> Replay:
    right = label == store.gold
    return Replay(
        strategy=strategy,
        seed=seed,
        target=target,
        bought=float(count.sum() / store.worker.size),
        accuracy=float(right.mean()),
        machine=float(machine.mean()),
        machine_accuracy=float(right[machine].mean()) if machine.any() else float("nan"),
        expected=expected,
        rounds=rounds,
        seconds=time.process_time() - start,
    )


def _read(kept: Path | None) -> list[Replay]:
    if kept is None or not kept.exists():
        return []
    return [Replay(**json.loads(line)) for line in kept.read_text().splitlines()]
