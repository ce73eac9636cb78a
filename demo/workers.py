"""Three simulated workers of differing skill, and the answers they give."""

from collections import Counter
from dataclasses import dataclass
from random import Random

from demo.shelves import BY_ID, SHELVES, Shelf, siblings
from shelfsort.products.manifest.annotations import Annotation


@dataclass(frozen=True, slots=True)
class Worker:
    """One person of the crowd, and the probabilities (0..1) of a right answer.

    Attributes:
        skill: where the words or the picture show what the product is.
        skill_when_hard: where neither does.
    """

    id: str
    skill: float
    skill_when_hard: float


CROWD = (
    Worker("worker-001", 0.99, 0.65),
    Worker("worker-002", 0.98, 0.50),
    Worker("worker-003", 0.94, 0.35),
)
SHARED_MISTAKES = 0.6
"""Share of the mistakes that go to the leaf for which this product is easily taken."""


def _mistake(shelf: Shelf, rng: Random) -> Shelf:
    """The leaf named by mistake: the lookalike in 70 %, any sibling in 15 %, anything in 15 %."""
    kind = rng.random()
    if kind < 0.70:
        return BY_ID[shelf.lookalike]
    if kind < 0.85:
        return rng.choice(siblings(shelf))
    return rng.choice([other for other in SHELVES if other.id != shelf.id])


def answers(shelf: Shelf, rng: Random, *, hard: bool) -> list[Annotation]:
    """Asks every worker of the crowd once about a product of this shelf: paths of leaves.

    A product misleads people in its own way: those who err mostly name the same wrong leaf, which
    is why a majority can be wrong. Wrong labels are not spread evenly: most lie, as in life, where
    there is little to go by, and where a model is unsure too.
    """
    tempting = _mistake(shelf, rng)
    given = []
    for worker in CROWD:
        named = shelf
        if rng.random() >= (worker.skill_when_hard if hard else worker.skill):
            named = tempting if rng.random() < SHARED_MISTAKES else _mistake(shelf, rng)
        given.append(Annotation(worker.id, named.path))
    return given


def majority(given: list[Annotation]) -> tuple[str, float]:
    """Returns the most frequent label and its share of the answers.

    Where several are equally frequent it is the one first given, as a job without a tie rule
    would store it; the share tells that there is no consensus.

    Raises:
        ValueError: if there is no answer.
    """
    if not given:
        raise ValueError("no answers: at least one is needed for a majority")
    label, count = Counter(answer.label for answer in given).most_common(1)[0]
    return label, count / len(given)
