"""A comparison as lines of at most 100 columns: one table a matter, and what it says."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from components.evaluator.figures import accepted_accuracy, coverage, parent_coverage
from pipeline.experiments.comparison import RunComparison
from pipeline.experiments.data import DataDifference
from pipeline.experiments.results import LEVEL, QUESTIONS, SHOWN, Difference, Results
from shelfsort.contract.targets import TARGETS

FIGURES = {
    "accuracy": "right",
    "parent_accuracy": "parent right",
    **{
        figure: words
        for target in TARGETS
        for figure, words in (
            (coverage(target), f"decided at {100 * target:g} %"),
            (accepted_accuracy(target), "  of those right"),
        )
    },
    **{parent_coverage(target): f"parent decided at {100 * target:g} %" for target in TARGETS},
    "macro_f1": "macro F1",
    "ece": "calibration error",
}
WIDTH = 100
_CATEGORIES_SHOWN = 8
_RELABELLED_SHOWN = 5
_LONGEST_VALUE = 40


def lines_of(comparison: RunComparison) -> Iterator[str]:
    """The whole comparison for a screen."""
    for letter, run in (("A", comparison.a), ("B", comparison.b)):
        yield f"{letter}  {run.id}  {run.outcome}"
    yield from ("", "Data")
    yield from _data(comparison.data)
    yield from ("", "Settings and code")
    yield from _settings(comparison.settings)
    yield from ("", f"{'Figures on eval':<24}" + "".join(f"{mode:>22}" for mode in SHOWN))
    yield from _figures(comparison.a.metrics, comparison.b.metrics)
    yield ""
    if comparison.results is None:
        yield "No test: a run broke off before its evaluation, or its files are gone."
    else:
        yield from _results(comparison.results)


def _data(data: DataDifference) -> Iterator[str]:
    if data.same:
        yield "  The same products, labels, categories and splits."
        return
    for letter, lines in zip("AB", data.lines, strict=True):
        if lines:
            yield f"  {letter}: {lines[0]:,} products accepted, {lines[1]:,} lines rejected"
    if products := data.products:
        yield (
            f"  Held-out products: {products.shared:,} in both, {products.only_a:,} only in A, "
            f"{products.only_b:,} only in B; {products.moved:,} changed their split, "
            f"{len(products.relabelled):,} their label"
        )
        for product, one, other in products.relabelled[:_RELABELLED_SHOWN]:
            yield _cut(f"    {product}: {one} → {other}")
    for path in data.categories_added:
        yield _cut(f"  New category: {path}")
    for path in data.categories_removed:
        yield _cut(f"  Category gone: {path}")
    for name, one, other in data.moved_most:
        yield _cut(f"    {one:>7,} → {other:>7,}  {name}")


def _settings(settings: list[tuple[str, Any, Any]]) -> Iterator[str]:
    for name, one, other in settings:
        # Of a digest nobody reads more than that it is another one.
        digests = name.startswith("code.") or name.endswith("_digest")
        values = "changed" if digests else f"{_value(one)} → {_value(other)}"
        yield _cut(f"  {name:<36} {values}")
    if not settings:
        yield "  The same."


def _figures(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    figures = {
        (run, mode): (metrics.get(mode) or {}).get("eval") or {}
        for run, metrics in (("A", a), ("B", b))
        for mode in SHOWN
    }
    yield f"{'':<24}" + "".join(f"{run:>11}" for _ in SHOWN for run in "AB")
    counts = [figures[run, mode].get("n") or 0 for mode in SHOWN for run in "AB"]
    yield f"  {'products':<22}" + "".join(f"{count:>11,}" for count in counts)
    for key, name in FIGURES.items():
        values = [figures[run, mode].get(key) for mode in SHOWN for run in "AB"]
        yield f"  {name:<22}" + "".join(f"{_share(value):>11}" for value in values)


def _results(results: Results) -> Iterator[str]:
    if not results.overall:
        yield "No test: there is no eval product that both models could answer."
        return
    pairs = results.overall[0].paired
    yield from _paired_head(results) if pairs else _unpaired_head(results)
    for difference in results.overall:
        yield _row(f"{difference.name:<10}{QUESTIONS[difference.question]:<18}", difference)
    yield ""
    told = [each for each in results.overall if each.beyond_chance or each.redrawn]
    for difference in told:
        sentence = f"{difference.sentence()}."
        yield from textwrap.wrap(
            sentence, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )
    if not any(difference.beyond_chance for difference in told):
        yield "  Nothing in this table is more than chance."
    yield (
        f"  * stands Holm's correction for {len(results.overall)} questions at {100 * LEVEL:g} %. "
        "This is about the two models as they are:"
    )
    yield "  trained again, each would differ a little by itself."
    if pairs:
        yield from _categories(results)


def _paired_head(results: Results) -> Iterator[str]:
    titles = max(difference.groups or 0 for difference in results.overall)
    yield (
        f"The same {results.shared:,} eval products, {titles:,} titles "
        f"(A scored {results.eval_a:,}, B {results.eval_b:,})"
    )
    if results.relabelled:
        yield (
            f"{results.relabelled:,} of them have another label in the later run: both models are "
            "judged by that one."
        )
    if results.left_out:
        yield f"{results.left_out:,} belong to categories that one run does not know: left out."
    yield "p takes the variants of one title for one witness, McNemar's test each for one."
    yield (
        f"{'':<28}{'A':>7}{'B':>8}{'B - A':>9}{'only A':>8}{'only B':>8}{'p':>10}{'McNemar':>10}"
    )


def _unpaired_head(results: Results) -> Iterator[str]:
    yield (
        f"Only {results.shared:,} eval products are the same (A scored {results.eval_a:,}, "
        f"B {results.eval_b:,}): too few to compare on."
    )
    yield "Fisher's exact test of the two eval splits, which finds less than a paired test would:"
    yield f"{'':<28}{'A':>7}{'B':>8}{'B - A':>9}{'':>16}{'p':>10}"


def _row(name: str, difference: Difference) -> str:
    only = [difference.only_a, difference.only_b]
    counts = "".join(f"{'' if count is None else f'{count:,}':>8}" for count in only)
    by_product = "" if difference.p_products is None else f"{difference.p_products:>10.2g}"
    mark = "  *" if difference.beyond_chance else ""
    return (
        f"{name:<28}{difference.share_a:>7.3f}{difference.share_b:>8.3f}{difference.change:>+9.3f}"
        f"{counts}{difference.p:>10.2g}{by_product}{mark}"
    )


def _categories(results: Results) -> Iterator[str]:
    differing = [each for each in results.categories if each.only_a or each.only_b]
    told = sum(each.beyond_chance for each in results.categories)
    yield ""
    yield (
        f"Categories, right by words and picture: {len(differing):,} of "
        f"{len(results.categories):,} differ, {told:,} by more than chance"
    )
    shown = sorted(differing, key=lambda each: not each.beyond_chance)[:_CATEGORIES_SHOWN]
    if shown:
        yield f"{'':<46}{'n':>6}{'A':>8}{'B':>8}{'only A':>8}{'only B':>8}{'p':>10}"
    for each in shown:
        yield (
            f"  {_cut(each.name, 44, end=True):<44}{each.n_a:>6,}{each.share_a:>8.3f}"
            f"{each.share_b:>8.3f}{each.only_a:>8,}{each.only_b:>8,}{each.p:>10.2g}"
            f"{'  *' if each.beyond_chance else ''}"
        )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _value(value: Any) -> str:
    return _cut("not set" if value is None else str(value), _LONGEST_VALUE)


def _cut(text: str, width: int = WIDTH, *, end: bool = False) -> str:
    """At most `width` characters: of a path the end says more than the beginning."""
    if len(text) <= width:
        return text
    return "…" + text[1 - width :] if end else text[: width - 1] + "…"
