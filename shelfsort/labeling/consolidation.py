"""Majority vote over the answers that several people gave about one product."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


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
