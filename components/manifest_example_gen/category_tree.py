"""The category tree of a run: as given, or built from the labels; and the part that is learnt."""

from collections import Counter
from collections.abc import Iterator, Sequence

from components.manifest_example_gen.crowd import crowd_verdicts
from components.manifest_example_gen.labelling import labelled_product
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.core.progress import progress
from shelfsort.products.leaves import AnyPath, LeafResolver, Leaves
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.product import LabelledProduct
from shelfsort.products.tables.lines import all_product_lines
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel
from shelfsort.products.taxonomy_forms import nodes_of_paths


def load_resolver(files: Sequence[str], taxonomy: str, data: DataConfig) -> LeafResolver:
    """The leaves that labels may mean, after the reduction and the choice of categories.

    Reads every line once more where the tree is built from the labels, and once more where
    categories with few products are left out; twice, where all workers are consolidated together.

    Args:
        files: with the products.
        taxonomy: path of the tree, "" to build one from the labels, which are then paths.
        data: settings, with the label attribute in them.

    Raises:
        InputError: the tree or the reduction cannot be read, a chosen category is not in it, or
            fewer than two leaves are left.
    """
    tree = Taxonomy.load(taxonomy) if taxonomy else _tree_of_labels(files, data)
    by = data.label_form if taxonomy else "path"
    resolver = LeafResolver.reduced(
        tree, taxonomy or files[0], data.reduction, by, data.inner_labels == "train"
    )
    if data.categories:
        resolver = _chosen(resolver, data.categories)
    if data.min_products > 1:
        resolver = _frequent(resolver, files, data)
    return resolver


def _tree_of_labels(files: Sequence[str], data: DataConfig) -> Taxonomy:
    paths = {found.label.category for found in _labelled(files, data, AnyPath())}
    if len(paths) < 2:
        raise InputError(
            f"{files[0]}: a tree built from {len(paths)} label cannot have two leaves. Give more "
            "labels, or the tree with --taxonomy."
        )
    return Taxonomy.from_nodes(nodes_of_paths(paths))


def _chosen(resolver: LeafResolver, categories: Sequence[str]) -> LeafResolver:
    tree = resolver.taxonomy
    kept: set[str] = set()
    for category in categories:
        try:
            kept.update(tree.leaves_beneath(tree.find_any(category)))
        except UnknownLabel as error:
            raise InputError(f"--categories: {error}. Use ids, paths or names.") from error
    dropped = {leaf: "not_selected" for leaf in tree.leaves if leaf not in kept}
    if len(kept) < 2:
        raise InputError("--categories: fewer than two leaves. Choose more categories.")
    return resolver.without(dropped)


def _frequent(resolver: LeafResolver, files: Sequence[str], data: DataConfig) -> LeafResolver:
    counts = Counter(found.label.category for found in _labelled(files, data, resolver))
    leaves = resolver.taxonomy.leaves
    dropped = {leaf: "rare_category" for leaf in leaves if counts[leaf] < data.min_products}
    if len(leaves) - len(dropped) < 2:
        raise InputError(
            f"{files[0]}: {len(leaves) - len(dropped)} categories have {data.min_products:,} "
            "products or more, but training needs two. Decrease data.min_products."
        )
    return resolver.without(dropped)


def _labelled(
    files: Sequence[str], data: DataConfig, resolver: Leaves
) -> Iterator[LabelledProduct]:
    verdicts = crowd_verdicts(files, data, resolver)
    for number, line in enumerate(all_product_lines(files, data.reading), start=1):
        progress(number, None, "labels read")
        outcome = labelled_product(read_record(line), data, resolver, verdicts)
        if isinstance(outcome, LabelledProduct):
            yield outcome
