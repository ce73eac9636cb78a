"""Tests whether two models differ by more than sampling error on the products that both scored.

The tests are about these two models and about products like these. Coverage also depends on the
calibration products, so a coverage difference counts only if it persists when they are bootstrapped
(`shelfsort.stats.bootstrap`). A model that is trained again with another seed differs a little, so
the effect of a setting takes several runs of each value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from components.evaluator.artifact import HELD_OUT_SPLIT
from shelfsort.contract.calibration import CALIBRATION_SPLIT, Calibration
from shelfsort.contract.modalities import ALONE, COMBINED
from shelfsort.contract.targets import accepted, percent_of, target_key
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.binomial import holm
from shelfsort.stats.bootstrap import Answers, coverage_change, eligible_scores
from shelfsort.stats.paired import Paired

SHOWN = (*ALONE, COMBINED)
"""Modalities in the order of the tables."""
LEVEL = 0.05
# With fewer shared products a paired test would describe neither split.
MIN_SHARED = 100
ACCURACY = {"accuracy": "accuracy", "parent_accuracy": "parent accuracy"}
"""Questions about answers, in words; the others are about coverage at a target."""


@dataclass(frozen=True)
class Difference:
    """One yes-or-no question about two models.

    Attributes:
        name: a mode, or the path of a category.
        question: `accuracy`, `parent_accuracy`, or `coverage_…` at a target.
        paired: whether both were asked about the same products; else `only_*`, `groups` and
            `p_products` are None and `p` is Fisher's exact test of the two eval splits.
        n_a, n_b: products behind `share_a` and `share_b`.
        share_a, share_b: shares of yes.
        only_a, only_b: products with a yes of one model only.
        groups: different titles (else pictures) among the products.
        p: chance of a difference this large in either direction if the two were equally good;
            exact; variants of one product count as one unit.
        p_products: the same with every product counted by itself (exact McNemar test).
        redrawn: of what is decided, where the test says no chance: the middle 95 % of the change
            with thresholds from redrawn calibration products. None elsewhere.
        target: of a question about coverage; None for others.
        beyond_chance: whether `p` stands Holm's correction for all questions of its table, and
            `redrawn` leaves out 0.
    """

    name: str
    question: str
    paired: bool
    n_a: int
    n_b: int
    share_a: float
    share_b: float
    only_a: int | None
    only_b: int | None
    groups: int | None
    p: float
    p_products: float | None
    redrawn: tuple[float, float] | None = None
    beyond_chance: bool = False
    target: float | None = None

    @property
    def change(self) -> float:
        return self.share_b - self.share_a

    @property
    def asked(self) -> str:
        """The question in words."""
        if self.target is None:
            return ACCURACY[self.question]
        return f"coverage at {percent_of(self.target)} %"

    def sentence(self) -> str:
        """The shares, and whether their difference is significant."""
        shares = f"A {100 * self.share_a:.1f} %, B {100 * self.share_b:.1f} %"
        verdict = "significant" if self.beyond_chance else "may be sampling error"
        found = f"p = {self.p:.2g}"
        if self.redrawn:
            low, high = (100 * each for each in self.redrawn)
            found = f"{low:+.1f} to {high:+.1f} points if the calibration set is bootstrapped"
        return f"{self.name}, {self.asked}: {shares}; {verdict} ({found})"


@dataclass(frozen=True)
class Results:
    """The answers.

    Attributes:
        shared: eval products that both runs scored.
        eval_a, eval_b: eval products of each.
        relabelled: shared ones with another label in the later run; its label counts for both.
        left_out: shared ones of categories that only one of the runs knows.
        overall: by mode and question; one Holm family.
        categories: accuracy of mode combined by label, largest change first; one Holm family;
            none where the products are not the same.
    """

    shared: int
    eval_a: int
    eval_b: int
    relabelled: int
    left_out: int
    overall: list[Difference]
    categories: list[Difference]


def results_of(
    scored_a: pd.DataFrame,
    scored_b: pd.DataFrame,
    taxonomy_a: Taxonomy,
    taxonomy_b: Taxonomy,
    calibration_a: Calibration,
    calibration_b: Calibration,
    *,
    targets: Sequence[float],
    a_is_later: bool,
) -> Results:
    """Compares the answers of two runs on `eval`.

    Args:
        scored_a, scored_b: from `scored.read_scored`.
        taxonomy_a, taxonomy_b: the trees of the runs.
        calibration_a, calibration_b: of the models.
        targets: that both models have, rising; may be none.
        a_is_later: whose labels count where they disagree.
    """
    a, b = (_eval_rows(scored) for scored in (scored_a, scored_b))
    both = a.join(b, how="inner", lsuffix="_a", rsuffix="_b")
    label = both.category_a if a_is_later else both.category_b
    known = label.isin(set(taxonomy_a.leaves) & set(taxonomy_b.leaves))
    eval_a, eval_b, shared = (_products(rows) for rows in (a, b, both))
    overall: list[Difference] = []
    categories: list[Difference] = []
    if shared and shared >= min(MIN_SHARED, eval_a, eval_b):
        judged = both[known].assign(label=label[known])
        yes_a = _yes(judged, "_a", judged.label, taxonomy_a, targets)
        yes_b = _yes(judged, "_b", judged.label, taxonomy_b, targets)
        overall = list(_paired_by_mode(judged, yes_a, yes_b))
        categories = list(_paired_by_category(judged, yes_a, yes_b, taxonomy_b))
    else:
        yes_a = _yes(a, "", a.category, taxonomy_a, targets)
        yes_b = _yes(b, "", b.category, taxonomy_b, targets)
        overall = list(_unpaired_by_mode(yes_a, yes_b))
    return Results(
        shared=shared,
        eval_a=eval_a,
        eval_b=eval_b,
        relabelled=_products(both[both.category_a != both.category_b]),
        left_out=_products(both[~known]),
        overall=[
            _outlasting(each, (scored_a, calibration_a), (scored_b, calibration_b))
            for each in _with_targets(_corrected(overall), targets)
        ],
        categories=sorted(_corrected(categories), key=_largest_change_first),
    )


def paired(
    name: str, question: str, yes_a: ArrayLike, yes_b: ArrayLike, groups: ArrayLike
) -> Difference:
    """Tests bool arrays of shape (N,), N > 0, of the same products in the same order.

    Products with the same number in `groups` are variants of one title, or copies of one picture.
    """
    pair = Paired.of(yes_a, yes_b, groups)
    return Difference(
        name=name,
        question=question,
        paired=True,
        n_a=pair.n,
        n_b=pair.n,
        share_a=pair.yes_a / pair.n,
        share_b=pair.yes_b / pair.n,
        only_a=pair.only_a,
        only_b=pair.only_b,
        groups=len(pair.by_group),
        p=pair.p,
        p_products=pair.p_products,
    )


def unpaired(name: str, question: str, yes_a: ArrayLike, yes_b: ArrayLike) -> Difference:
    """Tests bool arrays of different products, each with at least one.

    Fisher's exact test takes products for independent: variants of one title make it see a little
    more than there is, products that both runs share a little less.
    """
    from scipy.stats import fisher_exact  # half a second, and seldom needed

    table = [[int(yes.sum()), int((~yes).sum())] for yes in map(np.asarray, (yes_a, yes_b))]
    return Difference(
        name=name,
        question=question,
        paired=False,
        n_a=len(yes_a),
        n_b=len(yes_b),
        share_a=float(np.mean(yes_a)),
        share_b=float(np.mean(yes_b)),
        only_a=None,
        only_b=None,
        groups=None,
        p=float(fisher_exact(table).pvalue),
        p_products=None,
    )


def _eval_rows(scored: pd.DataFrame) -> pd.DataFrame:
    return scored[scored.split == "eval"].set_index(["mode", "product_id"])


def _products(rows: pd.DataFrame) -> int:
    return int((rows.index.get_level_values("mode") == "combined").sum())


def _yes(
    rows: pd.DataFrame,
    suffix: str,
    label: pd.Series,
    tree: Taxonomy,
    targets: Sequence[float],
) -> pd.DataFrame:
    """Bool columns, one a question: whether the run's model earned a yes."""
    parent = label.map({leaf: tree.parent_or_self(leaf) for leaf in tree.leaves})
    return pd.DataFrame(
        {
            "accuracy": rows[f"predicted{suffix}"] == label,
            "parent_accuracy": rows[f"predicted_parent{suffix}"] == parent,
            **{
                f"coverage_{target_key(target)}": rows[f"{accepted(target)}{suffix}"].astype(bool)
                for target in targets
            },
        }
    )


def _paired_by_mode(
    judged: pd.DataFrame, yes_a: pd.DataFrame, yes_b: pd.DataFrame
) -> Iterator[Difference]:
    for mode in SHOWN:
        rows = judged.index.get_level_values("mode") == mode
        for question in yes_a.columns if rows.any() else ():
            groups = judged.group_b[rows]
            yield paired(mode, question, yes_a[question][rows], yes_b[question][rows], groups)


def _paired_by_category(
    judged: pd.DataFrame, yes_a: pd.DataFrame, yes_b: pd.DataFrame, tree: Taxonomy
) -> Iterator[Difference]:
    combined = judged[judged.index.get_level_values("mode") == "combined"]
    for label, rows in combined.groupby("label").groups.items():
        answers = (yes.accuracy.loc[rows] for yes in (yes_a, yes_b))
        yield paired(tree.path(label), "accuracy", *answers, combined.group_b.loc[rows])


def _unpaired_by_mode(yes_a: pd.DataFrame, yes_b: pd.DataFrame) -> Iterator[Difference]:
    for mode in SHOWN:
        a, b = (yes[yes.index.get_level_values("mode") == mode] for yes in (yes_a, yes_b))
        for question in a.columns if len(a) and len(b) else ():
            yield unpaired(mode, question, a[question], b[question])


def _corrected(differences: list[Difference]) -> list[Difference]:
    stands = holm([each.p for each in differences], LEVEL)
    return [
        replace(each, beyond_chance=beyond)
        for each, beyond in zip(differences, stands, strict=True)
    ]


def _with_targets(differences: list[Difference], targets: Sequence[float]) -> Iterator[Difference]:
    by_question = {f"coverage_{target_key(target)}": target for target in targets}
    for each in differences:
        yield replace(each, target=by_question.get(each.question))


def _outlasting(
    difference: Difference, a: tuple[pd.DataFrame, Calibration], b: tuple[pd.DataFrame, Calibration]
) -> Difference:
    """A difference of what is decided, judged by redrawn calibration products as well."""
    target = difference.target
    if not difference.beyond_chance or target is None:
        return difference
    answers = (_answers(*run, difference.name, target) for run in (a, b))
    low, high = coverage_change(*answers, target)
    return replace(difference, redrawn=(low, high), beyond_chance=low > 0 or high < 0)


def _answers(scored: pd.DataFrame, calibration: Calibration, mode: str, target: float) -> Answers:
    fitted = calibration.of(mode).at(target)
    rows = scored[scored["mode"] == mode]
    scores = eligible_scores(rows.score.to_numpy(), rows.predicted.to_numpy(), fitted.floors)
    # The cross-fitted answers, or in runs that had a split for it, those of `calibration`.
    held_out = rows.split == HELD_OUT_SPLIT
    fitted_on = held_out if held_out.any() else rows.split == CALIBRATION_SPLIT
    judged = rows.split == "eval"
    return Answers(
        scores=scores[fitted_on],
        correct=(rows.predicted == rows.category)[fitted_on].to_numpy(),
        groups=rows.group[fitted_on].to_numpy(),
        eval_scores=scores[judged],
        correlation=fitted.correlation,
    )


def _largest_change_first(difference: Difference) -> tuple[float, str]:
    return -abs(difference.change * difference.n_b), difference.name
