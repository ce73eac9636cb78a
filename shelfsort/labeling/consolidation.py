"""One label for a product: the majority of its workers, or the job's own result."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shelfsort.products.leaves import AnyPath, Leaves
from shelfsort.products.manifest.annotations import Annotations
from shelfsort.products.manifest.outcomes import INNER_LABEL, LABEL
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.product import Label
from shelfsort.products.taxonomy import AmbiguousLabel, NotALeaf, UnknownLabel


@dataclass(frozen=True)
class Consensus:
    """What the workers agree on.

    Attributes:
        label: the most frequent answer, or None where there is no consensus.
        confidence: `max_count / total`, in (0, 1]: the share of answers for the most frequent one.
        answers: how many answers were counted.
    """

    label: str | None
    confidence: float
    answers: int


def majority(answers: Sequence[str], min_confidence: float = 0.0) -> Consensus:
    """The most frequent answer; none on a tie or where fewer than `min_confidence` agree.

    Args:
        answers: one label for each answer, at least one.
        min_confidence: smallest share of equal answers that counts as consensus, in [0, 1].

    Raises:
        ValueError: there is no answer.
    """
    if not answers:
        raise ValueError("no answers to consolidate")
    ranked = Counter(answers).most_common(2)
    label, votes = ranked[0]
    confidence = votes / len(answers)
    tied = len(ranked) == 2 and ranked[1][1] == votes
    agreed = not tied and confidence >= min_confidence
    return Consensus(label if agreed else None, confidence, len(answers))


def consolidate(annotations: Annotations, resolver: Leaves, min_confidence: float) -> Label:
    """The label of one product: what was consolidated, else its workers' majority or the result.

    The label's weight in training is its confidence.

    Args:
        annotations: what the job says.
        resolver: finds the category that a label means.
        min_confidence: smallest confidence that is kept, in [0, 1].

    Raises:
        RejectedLine: the job failed, it names no label, the label is no category that the resolver
            takes, or the workers do not agree or cannot tell.
    """
    if annotations.failure:
        raise RejectedLine("job_failed", annotations.failure)
    if annotations.outcome:
        category, confidence = _consolidated(annotations, resolver, min_confidence)
    elif annotations.answers:
        category, confidence = _voted(annotations, resolver, min_confidence)
    else:
        category, confidence = _result(annotations, resolver, min_confidence)
    workers = tuple(answer.worker for answer in annotations.answers)
    inner = resolver.is_inner(category)
    return Label(category, confidence, confidence, workers, annotations.origin, inner)


def _voted(annotations: Annotations, resolver: Leaves, min_confidence: float) -> tuple[str, float]:
    # Answers are resolved before they are counted, so that two spellings of one leaf agree; one
    # that names no leaf still counts as an answer, and loses or wins as any other.
    votes = [_category_or_label(answer.label, resolver) for answer in annotations.answers]
    consensus = majority(votes, min_confidence)
    if consensus.label is None:
        counts = ", ".join(f"{label!r} {n}" for label, n in Counter(votes).most_common(4))
        raise RejectedLine("no_consensus", f"{len(votes)} answers: {counts}")
    return _category(consensus.label, resolver), consensus.confidence


def _consolidated(
    annotations: Annotations, resolver: Leaves, min_confidence: float
) -> tuple[str, float]:
    """As `_result`; a parent category is a label where the resolver takes it for one.

    That is where a reduction has made it a leaf, or inner categories are labels.
    """
    if annotations.outcome == LABEL:
        return _result(annotations, resolver, min_confidence)
    # A tree that is made of the labels themselves cannot say which of them are leaves.
    if annotations.outcome == INNER_LABEL and not isinstance(resolver, AnyPath):
        with contextlib.suppress(RejectedLine):
            return _result(annotations, resolver, min_confidence)
    found = repr(annotations.result) if annotations.result else "no category"
    raise RejectedLine(annotations.outcome, f"{found}, confidence {annotations.confidence:.2f}")


def _result(annotations: Annotations, resolver: Leaves, min_confidence: float) -> tuple[str, float]:
    if annotations.result is None:
        raise RejectedLine("missing_label", "the job names no class")
    category = _category(annotations.result, resolver)
    if annotations.confidence < min_confidence:
        raise RejectedLine(
            "no_consensus",
            f"confidence {annotations.confidence:.2f} is below {min_confidence:.2f}",
        )
    return category, annotations.confidence


def _category_or_label(label: str, resolver: Leaves) -> str:
    try:
        return resolver.category(label)
    except UnknownLabel:
        return label


def _category(label: str, resolver: Leaves) -> str:
    try:
        return resolver.category(label)
    except NotALeaf as error:
        raise RejectedLine("not_a_leaf", str(error)) from error
    except AmbiguousLabel as error:
        raise RejectedLine("ambiguous_label", str(error)) from error
    except UnknownLabel as error:
        raise RejectedLine("unknown_label", str(error)) from error
