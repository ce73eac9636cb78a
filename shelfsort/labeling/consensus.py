"""What the crowd says of each task: a label, a parent category, "cannot tell", or nothing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shelfsort.labeling.answers import UNSURE, Answer, Answers, is_unsure
from shelfsort.labeling.choice import AUTO, Choice, best_labels, consolidate_by
from shelfsort.labeling.workers import Worker, worker_report
from shelfsort.products.manifest.outcomes import CANNOT_TELL, INNER_LABEL, LABEL, NO_CONSENSUS
from shelfsort.products.taxonomy_forms import PATH_SEPARATOR, path_parts

Ancestors = Callable[[str], Sequence[str]]
"""The categories above a label, from the top down to its parent."""


@dataclass(frozen=True)
class Verdict:
    """What the crowd says of a task.

    Attributes:
        outcome: one of `outcomes.OUTCOMES`.
        label: the label or the parent category; None for the two other outcomes.
        confidence: posterior of the label, or of all labels below the parent; of the best label
            where there is no consensus; the share of "cannot tell" answers where they prevail.
        answers: number of answers that count.
        unsure: number of "cannot tell" answers.
    """

    outcome: str
    label: str | None
    confidence: float
    answers: int = 0
    unsure: int = 0


@dataclass(frozen=True)
class Consolidated:
    """The verdicts of all tasks and how they were reached.

    Attributes:
        verdicts: by task.
        choice: method, reason and fit.
        workers: the most active first.
    """

    verdicts: Mapping[str, Verdict]
    choice: Choice
    workers: tuple[Worker, ...]


def paths_above(label: str) -> list[str]:
    """The ancestors of a label that is a path such as `A > B > C`; none of any other label."""
    parts = path_parts(label) if PATH_SEPARATOR in label else ()
    return [PATH_SEPARATOR.join(parts[:length]) for length in range(1, len(parts))]


def consolidate_answers(
    given: Iterable[Answer],
    method: str = AUTO,
    *,
    min_confidence: float = 0.5,
    unsure: str = UNSURE,
    above: Ancestors = paths_above,
    gold: Mapping[str, str] | None = None,
    scores: Mapping[str, Mapping[str, float]] | None = None,
) -> Consolidated:
    """Consolidates the answers of all workers.

    Args:
        given: answers; the same worker's answers about a task all count.
        method: one of `choice.METHODS`.
        min_confidence: smallest posterior that a label or a parent category needs, in [0, 1].
        unsure: the answer that means "cannot tell".
        above: finds the ancestors of a label.
        gold: true labels by task; they choose the method of `auto`, and judge workers.
        scores: probabilities by task and label, from a model that did not train on the task.

    Raises:
        ValueError: there is no answer besides "cannot tell", or as `consolidate_by` raises.
    """
    given = list(given)
    counted = [each for each in given if not is_unsure(each.label, unsure)]
    labels = {label for row in (scores or {}).values() for label in row}
    triples = [(each.task, each.worker, each.label) for each in counted]
    answers = Answers.of(triples, labels)
    table = None if scores is None else score_table(answers, scores)
    choice = consolidate_by(method, answers, gold, table)
    posteriors = dict(zip(answers.tasks, choice.fit.posteriors, strict=True))
    total = Counter(each.task for each in given)
    sure = Counter(each.task for each in counted)
    verdicts = {}
    for task in sorted(total):
        n, unsure_answers = sure[task], total[task] - sure[task]
        if unsure_answers > n:
            share = unsure_answers / total[task]
            verdicts[task] = Verdict(CANNOT_TELL, None, share, n, unsure_answers)
            continue
        verdict = _verdict(posteriors[task], answers.labels, min_confidence, above)
        verdicts[task] = replace(verdict, answers=n, unsure=unsure_answers)
    return Consolidated(verdicts, choice, worker_report(answers, choice.fit, gold or {}, given))


def score_table(answers: Answers, scores: Mapping[str, Mapping[str, float]]) -> np.ndarray:
    """(T, K) scores of the answers' tasks; a row of NaN for a task without any."""
    table = np.full(answers.shape, np.nan)
    column = {label: place for place, label in enumerate(answers.labels)}
    for row, task in enumerate(answers.tasks):
        if of_task := scores.get(task):
            table[row] = 0.0
            table[row, [column[label] for label in of_task]] = list(of_task.values())
    return table


def _verdict(
    posterior: np.ndarray, labels: Sequence[str], least: float, above: Ancestors
) -> Verdict:
    best = best_labels(posterior)
    top = int(posterior.argmax())
    if best.sum() == 1 and posterior[top] >= least:
        return Verdict(LABEL, labels[top], float(posterior[top]))
    mass: dict[str, float] = defaultdict(float)
    depth: dict[str, int] = {}
    for place in np.flatnonzero(posterior > 0):
        for level, parent in enumerate(above(labels[place])):
            mass[parent] += float(posterior[place])
            depth[parent] = level
    # Two parents of one level may each have half.
    enough = [parent for parent in mass if mass[parent] >= max(least, 0.5 + 1e-9)]
    if enough:
        parent = max(enough, key=lambda each: depth[each])
        return Verdict(INNER_LABEL, parent, min(mass[parent], 1.0))
    return Verdict(NO_CONSENSUS, None, float(posterior[top]))
