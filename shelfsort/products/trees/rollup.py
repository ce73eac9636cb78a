"""Labels of a deep tree as labels of its upper levels."""

from collections.abc import Iterable, Mapping

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel


class RollUp:
    """Maps each category to its ancestor on a level, or to the nearest of named ancestors."""

    def __init__(self, tree: Taxonomy, depth: int | None = None, to: Iterable[str] = ()):
        """Exactly one of `depth` and `to` is given.

        Args:
            tree: of the categories.
            depth: levels below the root that are kept, at least 1. A category above stays.
            to: ids, paths or names of categories.

        Raises:
            InputError: both or neither is given, or a category is unknown.
        """
        named = list(to)
        if (depth is None) == (not named):
            raise InputError("give a depth, or categories to roll up to: one of the two.")
        self._tree = tree
        self._depth = depth
        self._targets = {_named(tree, each) for each in named}

    def of(self, category: str) -> str | None:
        """The category that `category`, an id of the tree, becomes; None where it is below none."""
        above = [*self._tree.ancestors(category), category]
        if self._depth is not None:
            return above[min(self._depth, len(above)) - 1]
        return next((each for each in reversed(above) if each in self._targets), None)

    def counts(self, counts: Mapping[str, int]) -> tuple[dict[str, int], int]:
        """Counts by category as counts by what they become, in the tree's order.

        Args:
            counts: by id.

        Returns:
            The sums, without categories of which nothing was counted; and what was below none.
        """
        sums: dict[str, int] = {}
        left_out = 0
        for category, count in counts.items():
            into = self.of(category)
            if into is None:
                left_out += count
            else:
                sums[into] = sums.get(into, 0) + count
        order = {id_: place for place, id_ in enumerate(self._tree.descending())}
        return dict(sorted(sums.items(), key=lambda item: order[item[0]])), left_out


def _named(tree: Taxonomy, category: str) -> str:
    try:
        found = tree.named(category)
    except UnknownLabel as error:
        raise InputError(f"{error}. Use a category of the taxonomy.") from error
    if found == tree.root:
        raise InputError(f"{category!r} is the root, above every category. Choose one below it.")
    return found
