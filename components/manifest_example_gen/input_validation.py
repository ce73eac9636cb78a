"""Checks that enough of a manifest is left to train on."""

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shelfsort.core.errors import InputError
from shelfsort.products.manifest.rejects import (
    DELIBERATE,
    IMAGE_REASONS,
    NO_FAULT,
    UNLABELLED,
    Reject,
)

_REASONS_SHOWN = 4
_AGAINST_THE_TREE = ("unknown_label", "ambiguous_label", "not_a_leaf", "inner_label")


@dataclass
class RejectTally:
    """Counts rejects, and keeps the first line and detail of each reason.

    Attributes:
      lines: of the manifest, accepted and rejected.
      by_reason: rejects for each reason.
      first: the first reject, by file and line, for each reason.
    """

    lines: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)
    first: dict[str, Reject] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """How many lines are left out, by the settings' choice or not."""
        return sum(self.by_reason.values())

    @property
    def chosen(self) -> int:
        """How many lines have a label, and are of the categories that the settings choose."""
        return self.lines - sum(self.by_reason[reason] for reason in NO_FAULT)

    @property
    def faults(self) -> Counter[str]:
        """Rejects for each reason that is a fault of the data."""
        return Counter({each: n for each, n in self.by_reason.items() if each not in NO_FAULT})

    @property
    def faulty(self) -> int:
        """How many of these are left out."""
        return self.chosen - (self.lines - self.rejected)

    def add(self, reject: Reject) -> None:
        """Counts one reject; `lines` is the caller's to keep."""
        self.by_reason[reject.reason] += 1
        known = self.first.get(reject.reason)
        if known is None or reject.place < known.place:
            self.first[reject.reason] = reject


def refuse_unusable(
    manifest: str,
    tally: RejectTally,
    categories: Sequence[str],
    max_reject_share: float,
    inner: int = 0,
) -> None:
    """Stops a run whose input is not worth training on.

    Args:
      manifest: as it was named.
      categories: leaves that have at least one accepted product.
      max_reject_share: largest share of rejected lines that is accepted, in [0, 1].
      inner: products that are labelled with an inner category.

    Raises:
      InputError: every line is rejected, more than the share is, or fewer than two categories
        are left.
    """
    faults = {reason: each for reason, each in tally.first.items() if reason not in NO_FAULT}
    if tally.rejected and tally.rejected == tally.lines:
        first = min((faults or tally.first).values(), key=lambda reject: reject.place)
        reasons = _reasons(tally, tally.by_reason)
        raise InputError(
            f"{first.file}:{first.line}: every line is rejected ({reasons}). "
            f"First detail: {first.detail}. {_remedy(tally)}"
        )
    share = tally.faulty / tally.chosen if tally.chosen else 0.0
    if share > max_reject_share:
        first = min(faults.values(), key=lambda reject: reject.place)
        unlabelled = tally.by_reason[UNLABELLED]
        labelled = "lines with a label" if unlabelled else "lines"
        raise InputError(
            f"{first.file}:{first.line}: {share:.1%} of {tally.chosen:,} {labelled} are rejected, "
            f"more than {max_reject_share:.1%} ({_reasons(tally, tally.faults)}). Fix the lines, "
            "or increase data.max_reject_share."
        )
    if len(categories) < 2:
        if inner and not categories:
            raise InputError(
                f"{manifest}: all {inner:,} labels are inner categories, which can only help to "
                "train. Label products with leaves, in two categories at least."
            )
        only = f"only {categories[0]!r} has" if categories else "no category has"
        raise InputError(
            f"{manifest}: {only} products, but training needs two categories. Add labelled "
            "products."
        )


def _remedy(tally: RejectTally) -> str:
    """What helps against the most frequent reason; labels, where no line has one."""
    labelled = [reason for reason, _ in tally.by_reason.most_common() if reason != UNLABELLED]
    if not labelled:
        return (
            "Label products first, with shelfsort label, or name the column or attribute that "
            "holds the labels: --columns category=NAME or --set data.label_attribute=NAME."
        )
    reason = labelled[0]
    if reason in _AGAINST_THE_TREE:
        return "Give the taxonomy that the lines were labelled with, or correct the labels."
    if reason in DELIBERATE:
        return "Choose other categories, or a smaller minimum of products."
    if reason in IMAGE_REASONS:
        return "Correct the images' paths or formats. docs/data.md lists what is read."
    return "Correct the lines. docs/data.md has an example of each form."


def _reasons(tally: RejectTally, counts: Counter[str]) -> str:
    """The most frequent of the reasons in `counts`, each with its count and its first line."""
    ranked = counts.most_common()
    several = len({reject.file for reject in tally.first.values()}) > 1
    parts = [
        f"{reason} {n:,} from {_place(tally.first[reason], several)}"
        for reason, n in ranked[:_REASONS_SHOWN]
    ]
    rest = sum(n for _, n in ranked[_REASONS_SHOWN:])
    return ", ".join([*parts, *([f"other {rest:,}"] if rest else [])])


def _place(reject: Reject, several_files: bool) -> str:
    of_file = f" of {posixpath.basename(reject.file)}" if several_files else ""
    return f"line {reject.line}{of_file}"


def refuse_empty_splits(manifest: str, names: Sequence[str], products: Mapping[str, int]) -> None:
    """Stops a run with a split that has no product. Raises InputError."""
    empty = [name for name in names if not products.get(name)]
    if empty:
        raise InputError(
            f"{manifest}: none of {sum(products.values()):,} products is in the split "
            f"{empty[0]!r}. Add products, or increase its share in data.splits."
        )


def refuse_lost_images(manifest: str, lost: int, products: int, max_share: float) -> None:
    """Stops a run in which too many products kept their words but lost their image.

    Args:
      manifest: as it was named.
      lost: products whose image could not be used.
      products: all that were accepted.
      max_share: largest share of lost images that is accepted, in [0, 1].

    Raises:
      InputError: the share is larger, as with a wrong folder.
    """
    if lost > max_share * products:
        raise InputError(
            f"{manifest}: the images of {lost:,} of {products:,} products cannot be used, more "
            f"than {max_share:.1%}. `shelfsort check` shows the first. Fix the images, or increase "
            "data.max_reject_share."
        )
