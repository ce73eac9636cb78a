"""What the labels of a job mean: by a taxonomy, or by the labels' own paths."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shelfsort.core.errors import InputError
from shelfsort.labeling.answers import is_unsure
from shelfsort.labeling.consensus import paths_above
from shelfsort.products.leaves import AnyPath, LeafResolver
from shelfsort.products.taxonomy import UnknownLabel

Resolve = Callable[[str], str | None]


@dataclass(frozen=True)
class LabelTree:
    """Finds what labels mean.

    Attributes:
        leaves: of the tree; any path where none is given.
        unsure: the answer that means "cannot tell", which stays as it is.
    """

    leaves: AnyPath | LeafResolver
    unsure: str

    @classmethod
    def load(cls, file: str, unsure: str) -> "LabelTree":
        """Reads a taxonomy, "" for none. Raises InputError where it cannot be read."""
        return cls(LeafResolver.load(file) if file else AnyPath(), unsure)

    def leaf(self, label: str) -> str:
        """The name under which a label counts. Raises UnknownLabel where it is no leaf."""
        return label if is_unsure(label, self.unsure) else self.leaves.leaf(label)

    def resolve(self, label: str) -> str | None:
        """As `leaf`; None where it is no leaf."""
        try:
            return self.leaf(label)
        except UnknownLabel:
            return None

    def why_unknown(self, label: str) -> str:
        """Why a label is no leaf, with the nearest categories; "" where it is one."""
        try:
            self.leaf(label)
        except UnknownLabel as error:
            return str(error)
        return ""

    def gold(self, place: str, label: str) -> str:
        """As `leaf`, of a true label at `place`. Raises InputError where it is no leaf."""
        try:
            return self.leaf(label)
        except UnknownLabel as error:
            raise InputError(f"{place}: gold: {error}. Correct the label.") from error

    def refuse_other(self, tree: str, job: str, answers: Iterable[str]) -> None:
        """Refuses a tree that has none of a job's answers: it must be the tree of another job.

        Args:
            tree, job: their places, for the message.
            answers: all labels that were answered.

        Raises:
            InputError: there are answers, and none of them is a leaf.
        """
        given = (each for each in answers if each and not is_unsure(each, self.unsure))
        first = next(given, None)
        if first is None or not (why := self.why_unknown(first)):
            return
        if all(self.resolve(each) is None for each in given):
            raise InputError(
                f"{tree}: no answer of {job} is a category of this tree ({why}). Give --taxonomy "
                "the tree of the job."
            )

    def above(self, label: str) -> Sequence[str]:
        """The ancestors of a label."""
        if isinstance(self.leaves, AnyPath):
            return paths_above(label)
        tree = self.leaves.taxonomy
        return tree.ancestors(label) if label in tree else []
