"""Which consolidation method: by name, or chosen by rule.

The rule of `auto`, fixed before it was scored (`benchmarks/labels.py` measures it):

1. The first choice is partial pooling; with a model's scores, the model-assisted method; and the
   one-coin model where the confusion matrices would not fit into memory.
2. With gold, the method that is right on most gold tasks replaces the first choice where an exact
   sign test on the tasks that the two judge differently gives p < 0.05. The mere best on 50 gold
   tasks would often win by chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.methods.dawid_skene import dawid_skene
from shelfsort.labeling.methods.fit import Fit, Method
from shelfsort.labeling.methods.mace import mace
from shelfsort.labeling.methods.majority import majority
from shelfsort.labeling.methods.model_assisted import ModelAssisted
from shelfsort.labeling.methods.one_coin import one_coin
from shelfsort.labeling.methods.pooled import pooled
from shelfsort.labeling.methods.wawa import wawa
from shelfsort.stats.binomial import proof_p_value

PEOPLE_ONLY: dict[str, Method] = {
    "majority": majority,
    "wawa": wawa,
    "one_coin": one_coin,
    "dawid_skene": dawid_skene,
    "pooled": pooled,
    "mace": mace,
}
AUTO, MODEL_ASSISTED = "auto", "model_assisted"
METHODS = (AUTO, *PEOPLE_ONLY, MODEL_ASSISTED)
_WITH_MATRICES = ("dawid_skene", "pooled")
_MOST_CELLS = 100_000_000
"""Numbers in an array: 0.8 GB."""
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Choice:
    """A method with its result.

    Attributes:
        method: its name.
        reason: why it was chosen, in a sentence.
        fit: what it makes of the answers.
        right: number of gold tasks that each method tried gets right, ties in equal parts.
        gold: number of gold tasks.
    """

    method: str
    reason: str
    fit: Fit
    right: Mapping[str, float] = field(default_factory=dict)
    gold: int = 0


def consolidate_by(
    method: str,
    answers: Answers,
    gold: Mapping[str, str] | None = None,
    scores: np.ndarray | None = None,
) -> Choice:
    """Consolidates answers with a named method, or with the one that `auto` chooses.

    Args:
        method: one of `METHODS`.
        answers: to consolidate.
        gold: the true label of some tasks. It chooses among methods and fits none.
        scores: (T, K) of a model, see `ModelAssisted`.

    Raises:
        ValueError: the method is unknown, has no scores, or needs too much memory.
    """
    known: dict[str, Method] = dict(PEOPLE_ONLY)
    if scores is not None:
        known[MODEL_ASSISTED] = ModelAssisted(scores)
    if method == MODEL_ASSISTED and scores is None:
        raise ValueError("model_assisted needs a model's scores")
    if method != AUTO and method not in known:
        raise ValueError(f"no method {method!r}; use {', '.join(METHODS)}")
    if fault := _too_large(method, answers):
        raise ValueError(fault)
    given = {task: label for task, label in (gold or {}).items() if task in set(answers.tasks)}
    if method != AUTO:
        fit = known[method](answers)
        right = {method: float(correct(answers, fit, given).sum())} if given else {}
        return Choice(method, "you chose it", fit, right, len(given))
    first, reason = _first_choice(answers, MODEL_ASSISTED in known)
    if not given:
        return Choice(first, reason, known[first](answers))
    return _by_gold(answers, known, first, reason, given)


def correct(answers: Answers, fit: Fit, gold: Mapping[str, str]) -> np.ndarray:
    """For each gold task, in the order of the answers' tasks, the share of its best labels that
    is right: 1 or 0 without ties. Gold tasks without answers are left out."""
    row = {task: place for place, task in enumerate(answers.tasks)}
    column = {label: place for place, label in enumerate(answers.labels)}
    shares = []
    for task in sorted(set(gold) & set(row)):
        best = best_labels(fit.posteriors[row[task]])
        place = column.get(gold[task])
        shares.append(best[place] / best.sum() if place is not None else 0.0)
    return np.array(shares, float)


def best_labels(posterior: np.ndarray) -> np.ndarray:
    """(K,) whether each label has the highest posterior, within 1e-9."""
    return posterior >= posterior.max() - 1e-9


def _first_choice(answers: Answers, has_scores: bool) -> tuple[str, str]:
    if has_scores:
        return MODEL_ASSISTED, "a model's held-out scores are given"
    if _too_large("pooled", answers):
        return "one_coin", "confusion matrices of so many workers and labels need too much memory"
    return "pooled", (
        "it learns each worker's confusions, and takes over the crowd's where answers are few"
    )


def _by_gold(
    answers: Answers,
    known: Mapping[str, Method],
    first: str,
    reason: str,
    gold: Mapping[str, str],
) -> Choice:
    fits = {
        name: method(answers) for name, method in known.items() if not _too_large(name, answers)
    }
    judged = {name: correct(answers, fit, gold) for name, fit in fits.items()}
    right = {name: float(each.sum()) for name, each in judged.items()}
    best = max(right, key=lambda name: (right[name], name == first))
    better = int((judged[best] > judged[first]).sum())
    worse = int((judged[best] < judged[first]).sum())
    p = proof_p_value(better, better + worse, 0.5)
    if better > worse and p < _SIGNIFICANT:
        reason = f"right on {right[best]:g} of {len(gold)} gold tasks, {first} on {right[first]:g}"
        return Choice(best, f"{reason} (sign test, p = {p:.2g})", fits[best], right, len(gold))
    reason = f"no method is surely better on the {len(gold)} gold tasks; {reason}"
    if best == first:
        reason = f"right on {right[first]:g} of {len(gold)} gold tasks, and no method on more"
    return Choice(first, reason, fits[first], right, len(gold))


def _too_large(method: str, answers: Answers) -> str:
    """Why a method cannot run on so many answers, "" where it can."""
    tasks, labels = answers.shape
    cells = tasks * labels
    if method in _WITH_MATRICES:
        cells = max(len(answers) * labels, len(answers.workers) * labels * labels)
    if cells <= _MOST_CELLS:
        return ""
    return (
        f"{method} on {tasks:,} tasks and {labels:,} labels needs arrays of {cells:,} numbers; the "
        f"limit is {_MOST_CELLS:,}. Consolidate in parts, such as one department at a time."
    )
