"""The crosswalk: what the categories of sources are in our tree, by a file that people keep."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping

from shelfsort.core.errors import InputError
from shelfsort.core.storage import read_input
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel

FROM, TO, SOURCE = "from", "to", "source"
IGNORE = "ignore"
"""In place of a leaf: the category means none, on purpose."""


class Crosswalk:
    """Finds the leaf that a product's categories mean."""

    def __init__(self, leaves: Mapping[tuple[str, str], str], tree: Taxonomy):
        """`leaves` has a leaf id, "" for none or `IGNORE`, by source ("" for all) and category.

        Categories are those of `key`.
        """
        self._leaves = leaves
        self._tree = LeafResolver(tree)

    @classmethod
    def load(cls, file: str, tree: Taxonomy, sources: Collection[str] | None = None) -> "Crosswalk":
        """Reads a CSV file with the columns `from` and `to`, and `source` where sources differ.

        `to` names a leaf by id, path or unique name. An empty `to`, or `ignore`, says that the
        category means no leaf; it takes precedence over what the tree would make of its name.

        Args:
            file: the crosswalk.
            tree: that it leads to.
            sources: names that `source` may have; None for any.

        Raises:
            InputError: unreadable, not of this form, naming no leaf or source, or ambiguous.
        """
        leaves: dict[tuple[str, str], str] = {}
        for place, row in _rows(file):
            category = key(row.get(FROM) or "")
            if not category:
                raise InputError(f"{place}: {FROM} is empty. Name a category or remove the line.")
            leaf = _leaf(place, (row.get(TO) or "").strip(), tree)
            source = (row.get(SOURCE) or "").strip()
            if source and sources is not None and source not in sources:
                known = ", ".join(sources)
                raise InputError(f"{place}: no source {source!r}. Name one of: {known}.")
            at = (source, category)
            if leaves.setdefault(at, leaf) != leaf:
                raise InputError(
                    f"{place}: {row[FROM]!r} is mapped to two leaves. Keep one of these lines."
                )
        return cls(leaves, tree)

    def leaf(self, source: str, categories: tuple[str, ...]) -> str | None:
        """The id of the leaf of the first category that means one; None where none does.

        A line of the file counts first, the source's own before that of all sources, and then a
        category that names a leaf itself.
        """
        for category in categories:
            found = self.of(source, category)
            if found and found != IGNORE:
                return found
        return None

    def of(self, source: str, category: str) -> str:
        """The id of the leaf of one category, `IGNORE` by a line of the file, "" for none."""
        name = key(category)
        for at in ((source, name), ("", name)):
            if at in self._leaves:
                return self._leaves[at]
        try:
            return self._tree.leaf(category)
        except UnknownLabel:
            return ""


def key(category: str) -> str:
    """A category as it is compared: without case, and with single blanks."""
    return " ".join(category.split()).casefold()


def lines(file: str) -> list[tuple[str, str, str]]:
    """Source, category and leaf of each line as they are written. Raises InputError as `load`."""
    found = []
    for _, row in _rows(file):
        source, category, to = ((row.get(name) or "").strip() for name in (SOURCE, FROM, TO))
        found.append((source, category, to))
    return found


def _rows(file: str) -> Iterator[tuple[str, dict[str, str | None]]]:
    """The lines with their places."""
    try:
        text = read_input(file, "crosswalk").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    table = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if missing := [name for name in (FROM, TO) if name not in (table.fieldnames or ())]:
            raise InputError(
                f"{file}: no column {missing[0]!r}. Give a CSV file with {FROM} and {TO}."
            )
        for row in table:
            yield f"{file}:{table.line_num}", row
    except csv.Error as error:
        raise InputError(f"{file}:{table.reader.line_num}: {error}. Save it as CSV.") from error


def _leaf(place: str, name: str, tree: Taxonomy) -> str:
    if not name or name.casefold() == IGNORE:
        return name.casefold()
    try:
        return tree.resolve(name)
    except UnknownLabel as error:
        raise InputError(f"{place}: {error}. Name a leaf of the tree.") from error
