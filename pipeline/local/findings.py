"""What data holds, as far as it shows in seconds, and what to expect of a run on it."""

import collections
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from components.manifest_example_gen.input_validation import (
    refuse_lost_images,
    refuse_unusable,
)
from components.manifest_example_gen.labelling import left_out
from components.manifest_example_gen.preflight import Examined, examine
from components.manifest_example_gen.settings import DataConfig
from pipeline.local.image_findings import look_at
from shelfsort.contract.targets import DEFAULT_TARGETS, percent_of
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.rejects import IGNORED, IMAGE_REASONS, REASONS
from shelfsort.products.misspelt import misspelt
from shelfsort.products.tables.forms import Form, columns_of, form_of
from shelfsort.products.tables.rows import Reading
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.binomial import proof_p_value, smallest_proof

_FEW_PRODUCTS = 10
_LARGEST_SHARE = 40
_ERROR = 0.05
_MISSPELT_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class FileFindings:
    """What a file holds.

    Attributes:
        name: path or address.
        form: for people.
        rows: number of rows, lines or images.
        columns: column of each field; empty where the form has none.
        unused: columns that hold no field.
    """

    name: str
    form: str
    rows: int
    columns: Mapping[str, str]
    unused: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Findings:
    """What data holds.

    Attributes:
        files: in their order.
        tree: where the category tree comes from, and its size.
        rows, products: number of rows, and of those that a run can use. Images in stores and on
            the web are only opened in a sample, those on this machine looked up besides.
        rejects: reason for people, number and first row of what is left out, most first.
        ignored: what was cut, left out or set in products that are used, and how often.
        first_ignored: place of the first of each, with the value of a price or gold.
        images: what opening a sample of them gave.
        categories: products by the path of their category.
        inner: products that only train, by the path of the inner category that is their label.
        expectations: what to expect of a run, and which settings follow; a sentence or two each.
        unusable: why a run would stop, "" where it would not.
    """

    files: Sequence[FileFindings]
    tree: str
    rows: int
    products: int
    rejects: Sequence[tuple[str, int, str]]
    ignored: Mapping[str, int]
    first_ignored: Mapping[str, str]
    images: str
    categories: Mapping[str, int]
    inner: Mapping[str, int]
    expectations: Sequence[str]
    unusable: str = ""

    def refuse_unusable(self) -> None:
        """Raises InputError where a run would stop."""
        if self.unusable:
            raise InputError(self.unusable)


def find(
    data: str, taxonomy: str, config: DataConfig, targets: Sequence[float] = DEFAULT_TARGETS
) -> Findings:
    """Reads every row, looks images up and opens a sample of them.

    Args:
        data, taxonomy: as `pipeline.local.run.run` takes them.
        config: how the data is read.
        targets: accuracies to certify.

    Raises:
        InputError: it cannot be read at all.
    """
    found = examine(data, taxonomy, config)
    tree = found.resolver.taxonomy
    images = look_at(found.images, config.max_image_pixels)
    categories, inner = collections.Counter(found.categories), collections.Counter(found.inner)
    faults = (images.fault(each) for each in found.images)
    lost = sum(why is not None and why.reason in IMAGE_REASONS for why in faults)
    for image, product in found.wordless:
        if why := images.fault(image):
            found.tally.add(left_out(product, why))
            counted = inner if product.label.inner else categories
            counted[product.label.category] -= 1
            lost -= why.reason in IMAGE_REASONS
    categories, inner = +categories, +inner
    products, most = categories.total() + inner.total(), config.max_reject_share
    unusable = ""
    try:
        refuse_unusable(data, found.tally, sorted(categories), most, inner.total())
        refuse_lost_images(data, lost, products, most)
    except InputError as error:
        unusable = str(error)
    by_path = {tree.path(leaf): n for leaf, n in sorted(categories.items())}
    return Findings(
        files=[_file(file, n, config.reading) for file, n in _files(data, found).items()],
        tree=_described(tree, taxonomy),
        rows=found.tally.lines,
        products=products,
        rejects=_rejects(found),
        ignored={IGNORED.get(name, name): n for name, n in sorted(found.ignored.items())},
        first_ignored={IGNORED.get(name, name): at for name, at in found.first_ignored.items()},
        images=images.said(),
        categories=by_path,
        inner={tree.path(node): n for node, n in sorted(inner.items())},
        expectations=[
            *expectations(categories.total(), categories, config.splits, targets),
            *([] if taxonomy else _misspelt(by_path)),
        ],
        unusable=unusable,
    )


def expectations(
    products: int,
    categories: Mapping[str, int],
    splits: Mapping[str, int],
    targets: Sequence[float] = DEFAULT_TARGETS,
) -> Iterator[str]:
    """What so many products can certify, and which settings follow.

    Args:
        products: number of usable products.
        categories: products of each leaf.
        splits: shares, as `data.splits`.
        targets: accuracies to certify.
    """
    yield from (said for _, said in _certifiable(products, splits, targets))
    yield from _few(categories)


def warnings(
    products: int,
    categories: Mapping[str, int],
    splits: Mapping[str, int],
    targets: Sequence[float] = DEFAULT_TARGETS,
) -> Iterator[str]:
    """Those of `expectations` that a run will fall short of: it may decide nothing."""
    for certified, sentence in _certifiable(products, splits, targets):
        if not certified:
            yield sentence
    yield from _few(categories)


def _certifiable(
    products: int, splits: Mapping[str, int], targets: Sequence[float]
) -> Iterator[tuple[bool, str]]:
    """Whether so many products can certify each target, and what it takes."""
    split = "calibration" if "calibration" in splits else "train"
    share = splits[split] / sum(splits.values())
    n = int(products * share)
    for target in targets:
        least = smallest_proof(target)
        goal = f"{percent_of(target)} %"
        if n < least:
            needed = math.ceil(least / share)
            yield (
                False,
                f"{goal}: cannot be certified. About {n:,} products fit the thresholds "
                f"({share:.0%}: {split}), and {least:,} are needed, all of them right."
                + _remedy(products, needed, least, splits),
            )
        else:
            half = f", or half if {_at_most(n // 2, target)} of the surest {n // 2:,} are"
            yield (
                True,
                f"{goal}: can be certified. About {n:,} products fit the thresholds. All products "
                f"can be decided if {_at_most(n, target)} of these are wrong"
                f"{half if n // 2 >= least else ''}.",
            )


def _few(categories: Mapping[str, int]) -> Iterator[str]:
    few = sum(n < _FEW_PRODUCTS for n in categories.values())
    if few:
        yield (
            f"{few:,} of {len(categories):,} categories {'has' if few == 1 else 'have'} fewer than "
            f"{_FEW_PRODUCTS} products, "
            f"too few to learn. Leave them out with --min-products {_FEW_PRODUCTS}, or label more."
        )


def _misspelt(categories: Mapping[str, int]) -> Iterator[str]:
    pairs = misspelt(categories)
    if pairs:
        named = ", ".join(f"{wrong!r} of {right!r}" for wrong, right in pairs[:_MISSPELT_SHOWN])
        more = f" and {len(pairs) - _MISSPELT_SHOWN:,} more" if pairs[_MISSPELT_SHOWN:] else ""
        yield (
            f"Names that may be misspelt: {named}{more}. Correct the labels, or give the tree with "
            "--taxonomy."
        )


def _remedy(products: int, needed: int, least: int, splits: Mapping[str, int]) -> str:
    label = f" Label about {needed - products:,} more"
    share = math.ceil(100 * 1.5 * least / products) if products else 100
    if "calibration" not in splits or share > _LARGEST_SHARE:
        return f"{label}."
    held = (100 - share) // 5
    return (
        f"{label}, or: --set 'data.splits="
        f"{{train: {100 - share - held}, calibration: {share}, eval: {held}}}'."
    )


def _at_most(n: int, target: float) -> str:
    """The most errors in `n` that still certify `target`, in words."""
    wrong = 0
    while wrong < n and proof_p_value(n - wrong - 1, n, target) <= _ERROR:
        wrong += 1
    return f"at most {wrong:,}" if wrong else "none"


def _files(data: str, found: Examined) -> Mapping[str, int]:
    return {file: found.files.get(file, 0) for file in find_manifest_files(data)}


def _file(name: str, rows: int, how: Reading) -> FileFindings:
    form = form_of(name)
    if form in (Form.MANIFEST, Form.IMAGE_FOLDER):
        return FileFindings(name, form.value, rows, {}, ())
    columns = columns_of(name, form, how)
    return FileFindings(name, form.value, rows, columns.of, columns.unused)


def _described(tree: Taxonomy, given: str) -> str:
    inner = len(tree) - len(tree.leaves) - 1
    source = f"from {given}" if given else "built from the labels"
    return f"{len(tree.leaves):,} leaves below {inner:,} other categories, {source}"


def _rejects(found: Examined) -> list[tuple[str, int, str]]:
    tally = found.tally
    return [
        (REASONS.get(reason, reason), n, f"{first.file}:{first.line}: {first.detail}")
        for reason, n in tally.by_reason.most_common()
        for first in [tally.first[reason]]
    ]
