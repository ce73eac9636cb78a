"""What the answers say of each worker: skill, disagreement, speed, and who hardly tries.

Skill is the expected share of right answers, judged by everything but the worker's own answer. A
worker is suspected where even the upper end of the skill's interval lies nearer to chance than to
the crowd's median. Chance is the share of the most frequent label: what a worker gets who always
names it.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from shelfsort.labeling.answers import Answer, Answers
from shelfsort.labeling.methods.fit import Fit
from shelfsort.stats.binomial import interval

_LEAST_ANSWERS = 10
"""Answers below which nobody is suspected."""


@dataclass(frozen=True)
class Worker:
    """A worker in the report.

    Attributes:
        name: id, "" for answers without one.
        answers: number of all answers, "cannot tell" included.
        unsure: number of "cannot tell" answers.
        skill: expected share of right answers by the others' evidence; None where nobody else
            answered the worker's tasks.
        low, high: 95 % interval of the skill (Clopper-Pearson).
        disagreement: share of answers that differ from the consensus, None without answers.
        gold_right, gold: number of right answers to gold tasks, and of all.
        seconds: median time for an answer, None where not known.
        suspected: whether the worker answers hardly better than chance.
    """

    name: str
    answers: int
    unsure: int
    skill: float | None
    low: float
    high: float
    disagreement: float | None
    gold_right: int
    gold: int
    seconds: float | None
    suspected: bool


def worker_report(
    answers: Answers, fit: Fit, gold: Mapping[str, str], given: Iterable[Answer]
) -> tuple[Worker, ...]:
    """Every worker, the most active first, then by name.

    Args:
        answers: that were consolidated.
        fit: what came of them.
        gold: true labels by task.
        given: all answers, with those that say "cannot tell".
    """
    total: Counter[str] = Counter()
    times: dict[str, list[float]] = defaultdict(list)
    for each in given:
        total[each.worker] += 1
        if each.seconds is not None:
            times[each.worker].append(each.seconds)
    judged = np.isfinite(fit.others)
    n = answers.by_worker(judged.astype(float))
    right = np.minimum(answers.by_worker(np.where(judged, fit.others, 0.0)), n)
    low, high = interval(right, n)
    winners = fit.posteriors.argmax(axis=1)
    differs = answers.by_worker((winners[answers.task] != answers.label).astype(float))
    count = answers.by_worker(np.ones(len(answers)))
    gold_right, gold_n = _gold_counts(answers, gold)
    limit = _limit(fit, right, n)
    row = {name: place for place, name in enumerate(answers.workers)}
    report = []
    for name, all_answers in total.items():
        at = row.get(name)
        seconds = statistics.median(times[name]) if name in times else None
        if at is None:
            report.append(
                Worker(name, all_answers, all_answers, None, 0.0, 1.0, None, 0, 0, seconds, False)
            )
            continue
        report.append(
            Worker(
                name=name,
                answers=all_answers,
                unsure=all_answers - int(count[at]),
                skill=float(right[at] / n[at]) if n[at] else None,
                low=float(np.asarray(low)[at]),
                high=float(np.asarray(high)[at]),
                disagreement=float(differs[at] / count[at]),
                gold_right=gold_right[name],
                gold=gold_n[name],
                seconds=seconds,
                suspected=bool(n[at] >= _LEAST_ANSWERS and np.asarray(high)[at] < limit),
            )
        )
    return tuple(sorted(report, key=lambda worker: (-worker.answers, worker.name)))


def _limit(fit: Fit, right: np.ndarray, n: np.ndarray) -> float:
    """The skill halfway between chance and the median of the workers with enough answers."""
    chance = float(fit.posteriors.mean(axis=0).max())
    active = n >= _LEAST_ANSWERS
    if not active.any():
        return 0.0
    return (chance + float(np.median(right[active] / n[active]))) / 2


def _gold_counts(answers: Answers, gold: Mapping[str, str]) -> tuple[Counter[str], Counter[str]]:
    right: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for task, worker, label in zip(answers.task, answers.worker, answers.label, strict=True):
        truth = gold.get(answers.tasks[task])
        if truth is not None:
            name = answers.workers[worker]
            count[name] += 1
            right[name] += answers.labels[label] == truth
    return right, count
