"""What the categories of a trusted source mean in our tree."""

from shelfsort.catalog.output.selection import Label
from shelfsort.catalog.settings import CatalogSettings
from shelfsort.products.leaves import AnyPath
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel


def tree_label(taxonomy: str) -> Label:
    """Takes the first category of a product that names a leaf.

    Args:
        taxonomy: file of the tree, whose leaves may be named by id, path or unique name. "" takes
            each category for the path of a leaf, as before there is a tree.

    Raises:
        InputError: the tree cannot be read.
    """
    tree = Taxonomy.load(taxonomy) if taxonomy else None

    def label(_source: str, categories: tuple[str, ...]) -> str | None:
        for category in categories:
            found = _path(tree, category)
            if found:
                return found
        return None

    return label


def _path(tree: Taxonomy | None, category: str) -> str | None:
    try:
        return AnyPath().leaf(category) if tree is None else tree.path(tree.resolve(category))
    except UnknownLabel:
        return None


def settings_label(settings: CatalogSettings) -> Label | None:
    """What the settings say that categories mean; None where they name no tree.

    Raises:
        InputError: the tree cannot be read.
    """
    return tree_label(settings.taxonomy) if settings.taxonomy else None
