"""What the categories of sources mean: leaves of our tree, or paths where there is none yet."""

from shelfsort.catalog.crosswalk import Crosswalk
from shelfsort.catalog.output.selection import Label
from shelfsort.catalog.settings import CatalogSettings
from shelfsort.core.errors import InputError
from shelfsort.products.leaves import AnyPath
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel


def settings_label(settings: CatalogSettings) -> Label | None:
    """What the tree and the crosswalk of the settings make of categories; None without a tree.

    Raises:
        InputError: either cannot be read, or there is a crosswalk and no tree.
    """
    if not settings.taxonomy:
        if settings.crosswalk:
            raise InputError(f"{settings.file}: crosswalk needs a taxonomy. Add it.")
        return None
    tree = Taxonomy.load(settings.taxonomy)
    crosswalk = None
    if settings.crosswalk:
        crosswalk = Crosswalk.load(settings.crosswalk, tree, settings.sources)
    return tree_label(tree, crosswalk)


def tree_label(tree: Taxonomy, crosswalk: Crosswalk | None = None) -> Label:
    """Takes the path of the first leaf that a product's categories mean.

    Args:
        tree: whose leaves categories may name by id, path or unique name.
        crosswalk: what else they mean.
    """
    found = crosswalk or Crosswalk({}, tree)

    def label(source: str, categories: tuple[str, ...]) -> str | None:
        leaf = found.leaf(source, categories)
        return None if leaf is None else tree.path(leaf)

    return label


def path_label(_source: str, categories: tuple[str, ...]) -> str | None:
    """Takes the first category for the path of a leaf: before there is a tree."""
    for category in categories:
        try:
            return AnyPath().leaf(category)
        except UnknownLabel:
            continue
    return None
