"""Labels of products as categories of a tree, out of data in any form."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shelfsort.core.errors import InputError
from shelfsort.labeling.consolidation import consolidate
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.tables.lines import all_product_lines
from shelfsort.products.tables.rows import Reading
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel


@dataclass(frozen=True)
class Labelled:
    """The label of one line.

    Attributes:
        id: of the product, "" where the line has none.
        category: id of the leaf; None where there is no label.
        answers: ids of the leaves that workers answered; an answer that names none is left out.
        reason: why there is no label, "" where there is one; as a run names it.
    """

    id: str
    category: str | None
    answers: tuple[str, ...] = ()
    reason: str = ""


@dataclass
class Counts:
    """Labels by category.

    Attributes:
        of: number of products by id of the leaf.
        left_out: number of lines without a label, by reason.
    """

    of: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def products(self) -> int:
        """Number of labelled products."""
        return self.of.total()

    def add(self, labelled: Iterable[Labelled]) -> "Counts":
        """Counts lines; returns itself."""
        for each in labelled:
            if each.category is None:
                self.left_out[each.reason] += 1
            else:
                self.of[each.category] += 1
        return self


def labelled_lines(data: str, tree: Taxonomy, attribute: str = "") -> Iterator[Labelled]:
    """The label of each line as a run reads it: the workers' majority, else the job's result.

    Args:
        data: file, folder or pattern of products in any form.
        tree: that the labels are from.
        attribute: that holds the label, "" for the only one there is.

    Raises:
        InputError: the data cannot be read, or has no label attribute or several.
    """
    files: Sequence[str] = find_manifest_files(data)
    how = Reading(label_attribute=attribute)
    name = attribute or _only_attribute(files, how)
    resolver = LeafResolver(tree)
    for line in all_product_lines(files, how):
        record = read_record(line)
        try:
            entry = parse_record(record, name)
        except RejectedLine as why:
            yield Labelled("", None, reason=why.reason)
            continue
        if entry.annotations is None:
            yield Labelled(entry.product.id, None, reason="missing_label")
            continue
        answers = tuple(_leaves((each.label for each in entry.annotations.answers), resolver))
        try:
            category = consolidate(entry.annotations, resolver, 0.0).category
            yield Labelled(entry.product.id, category, answers)
        except RejectedLine as why:
            yield Labelled(entry.product.id, None, answers, why.reason)


def _only_attribute(files: Sequence[str], how: Reading) -> str:
    try:
        return find_label_attribute(files, how)
    except InputError as error:
        # The remedy that the message names is a run's.
        remedy = str(error).replace("--set data.label_attribute=NAME", "--label-attribute NAME")
        raise InputError(remedy) from error


def _leaves(labels: Iterable[str], resolver: LeafResolver) -> Iterator[str]:
    for label in labels:
        try:
            yield resolver.leaf(label)
        except UnknownLabel:
            continue
