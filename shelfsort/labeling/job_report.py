"""What the evaluation of labelling jobs says: quality, workers, money, and an outlook."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.choice import Choice, consolidate_by
from shelfsort.labeling.evaluation import Cost, Quality, Share, job_cost
from shelfsort.labeling.evaluation_job import EvaluatedJob
from shelfsort.labeling.outlook import (
    Difference,
    GoldQuestions,
    Workers,
    difference,
    gold_outlook,
    more_workers,
)
from shelfsort.labeling.pay import Pay, hours_taken, pays, per_hour
from shelfsort.labeling.workers import Worker, worker_report

CONFUSIONS = 12
_MORE_GOLD = (5, 8, 12, 20)


@dataclass(frozen=True)
class Prices:
    """What jobs pay.

    Attributes:
        answers: price of an answer, by job.
        fee: of the service for a product, on top.
        project: number of products to project to.
    """

    answers: Sequence[float]
    fee: float
    project: int


@dataclass(frozen=True)
class Confused:
    """Two labels that workers confuse.

    Attributes:
        truth, named: labels.
        count: answers that name `named` where `truth` holds, of `count.n` where it holds.
        siblings: whether both have the same parent.
    """

    truth: str
    named: str
    count: Share
    siblings: bool


@dataclass(frozen=True)
class JobReport:
    """A job.

    Attributes:
        name: of the job.
        quality: consensus, matches with gold, agreement.
        confused: the most frequent confusions, against gold, else against the job's own labels.
        workers: the most active first.
        price: of an answer, None where none is given, and then `cost` as well.
        cost: of the job.
        pay: times of all workers, and what they earn (nothing without a price).
        per_hour: pay for an hour of all workers; None without a price or times.
        hours: from the first answer to the last; None where no times are known.
        judged_by_gold: products of the outlook whose truth is gold, of all; the others' is the
            crowd's own judgement.
        outlook: consensus and accuracy by number of workers.
        gold_outlook: what gold questions show.
    """

    name: str
    quality: Quality
    confused: Sequence[Confused]
    workers: Sequence[Worker]
    price: float | None
    cost: Cost | None
    pay: Sequence[Pay]
    per_hour: float | None
    hours: float | None
    judged_by_gold: Share
    outlook: Sequence[Workers]
    gold_outlook: Sequence[GoldQuestions]

    @property
    def judge(self) -> str:
        """Who says what is right beside gold; "" where gold says it of every product."""
        known, n = self.judged_by_gold.count, self.judged_by_gold.n
        if known == n:
            return ""
        crowd = "the crowd's own judgement"
        return f"gold for {known:,} of {n:,} products, else {crowd}" if known else crowd


@dataclass(frozen=True)
class PriceEffect:
    """What the dearer of two jobs brought, at the next higher price.

    Attributes:
        cheap, dear: names of the jobs.
        price: how much more an answer cost.
        consensus, right: by how much the shares rose; None without gold.
        hours: by how many hours the job took less; None where times are not known.
    """

    cheap: str
    dear: str
    price: float
    consensus: Difference | None
    right: Difference | None
    hours: float | None


def report_jobs(jobs: Sequence[EvaluatedJob], prices: Prices | None) -> list[JobReport]:
    """The report of each job.

    Args:
        jobs: evaluated.
        prices: with a price for each job; None where none is given.
    """
    given = prices.answers if prices else [None] * len(jobs)
    return [_report(job, price, prices) for job, price in zip(jobs, given, strict=True)]


def price_effects(reports: Sequence[JobReport]) -> list[PriceEffect]:
    """Each job with a price, compared with the next cheaper one."""
    ordered = sorted((r for r in reports if r.price is not None), key=lambda r: r.price or 0.0)
    return [
        PriceEffect(
            cheap=cheap.name,
            dear=dear.name,
            price=(dear.price or 0.0) - (cheap.price or 0.0),
            consensus=difference(cheap.quality.consensus, dear.quality.consensus),
            right=difference(cheap.quality.right, dear.quality.right),
            hours=None if cheap.hours is None or dear.hours is None else cheap.hours - dear.hours,
        )
        for cheap, dear in pairwise(ordered)
        if dear.price != cheap.price
    ]


def _report(job: EvaluatedJob, price: float | None, prices: Prices | None) -> JobReport:
    workers: Sequence[Worker] = ()
    outlook: Sequence[Workers] = ()
    gold: Sequence[GoldQuestions] = ()
    judged = Share(0, 0)
    if job.answers:
        answers = Answers.of((each.task, each.worker, each.label) for each in job.answers)
        choice = consolidate_by("auto", answers, job.gold)
        workers = worker_report(answers, choice.fit, job.gold, job.answers)
        labels = set(answers.labels)
        known = {task: job.gold[task] for task in answers.tasks if job.gold.get(task) in labels}
        judged = Share(len(known), len(answers.tasks))
        outlook = more_workers(answers, _truth(answers, choice, known))
        gold = _gold_outlook(choice, workers)
    pay = pays(job.times, price or 0.0)
    return JobReport(
        name=job.name,
        quality=job.quality,
        confused=_confused(job),
        workers=workers,
        price=price,
        cost=job_cost(job.quality, price, prices.fee, prices.project)
        if prices and price is not None
        else None,
        pay=pay,
        per_hour=per_hour(pay) if price is not None else None,
        hours=hours_taken(job.times),
        judged_by_gold=judged,
        outlook=outlook,
        gold_outlook=gold,
    )


def _truth(answers: Answers, choice: Choice, gold: Mapping[str, str]) -> np.ndarray:
    """(T, K) posteriors; certain where gold is known, which somebody has to have named."""
    posteriors = choice.fit.posteriors.copy()
    column = {name: place for place, name in enumerate(answers.labels)}
    for row, task in enumerate(answers.tasks):
        if task in gold:
            posteriors[row] = 0
            posteriors[row, column[gold[task]]] = 1
    return posteriors


def _gold_outlook(choice: Choice, workers: Sequence[Worker]) -> list[GoldQuestions]:
    skills = sorted(each.skill for each in workers if each.skill is not None)
    if not skills:
        return []
    chance = float(choice.fit.posteriors.mean(axis=0).max())
    now = max((each.gold for each in workers), default=0)
    questions = sorted({*_MORE_GOLD, *([now, now + 1] if 0 < now < 100 else [])})
    return gold_outlook(questions, skills[len(skills) // 2], chance)


def _confused(job: EvaluatedJob) -> list[Confused]:
    truth = {**job.quality.labels, **job.gold}
    total: Counter[str] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    for each in job.answers:
        known = truth.get(each.task)
        if known is None:
            continue
        total[known] += 1
        if each.label != known:
            wrong[known, each.label] += 1
    ranked = sorted(wrong.items(), key=lambda each: (-each[1], each[0]))[:CONFUSIONS]
    return [
        Confused(known, named, Share(count, total[known]), _siblings(job, known, named))
        for (known, named), count in ranked
    ]


def _siblings(job: EvaluatedJob, one: str, other: str) -> bool:
    above = list(job.above(one))
    return bool(above) and above == list(job.above(other))
