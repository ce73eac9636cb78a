"""A comparison of two runs as lines for a screen: one table for each subject, and its summary."""

import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from components.evaluator.artifact import Metrics
from components.serving_check.artifact import ServingCost
from pipeline.experiments.comparison import RunComparison
from pipeline.experiments.data import DataDifference
from pipeline.experiments.results import LEVEL, SHOWN, Difference, Results
from shelfsort.cli.tables import Column, table_lines
from shelfsort.contract.figures import accepted_accuracy, coverage, labels, parent_coverage

WIDTH = 100
_CATEGORIES_SHOWN = 8
_RELABELLED_SHOWN = 5
_LONGEST_VALUE = 40
_BESIDE_A_NAME = 54
"""Characters that the columns beside a category's name take."""

_COSTS: dict[str, Callable[[ServingCost], str]] = {
    "ms a product, alone": lambda cost: f"{cost.milliseconds_alone:.1f}",
    "ms of CPU a product, alone": lambda cost: f"{cost.cpu_milliseconds_alone:.1f}",
    "ms a product, in a batch": lambda cost: f"{cost.milliseconds_in_batch:.1f}",
    "ms of CPU a product, in a batch": lambda cost: f"{cost.cpu_milliseconds_in_batch:.1f}",
    "bytes a product on the wire": lambda cost: f"{cost.wire_bytes:,}",
    "MB of the model on disk": lambda cost: f"{cost.model_mb:,.1f}",
    "MB of memory at most": lambda cost: f"{cost.peak_memory_mb:,}",
}


def lines_of(comparison: RunComparison, width: int | None = None) -> Iterator[str]:
    """The whole comparison.

    Args:
        comparison: two runs.
        width: of the terminal, if there is one; lines have at most `WIDTH` characters in any case.
    """
    width = min(width or WIDTH, WIDTH)
    for letter, run in (("A", comparison.a), ("B", comparison.b)):
        yield f"{letter}  {run.id}  {run.outcome}"
    yield from ("", "Data")
    yield from _data(comparison.data, width)
    yield from ("", "Settings and code")
    yield from _settings(comparison.settings, width)
    yield ""
    yield from _figures(comparison.a.metrics, comparison.b.metrics, width)
    yield ""
    if comparison.a.cost or comparison.b.cost:
        yield from _costs(comparison.a.cost, comparison.b.cost, width)
        yield ""
    if comparison.results is None:
        yield "No test: a run ended before its evaluation, or its files are missing."
    else:
        yield from _results(comparison.results, width)


def _data(data: DataDifference, width: int) -> Iterator[str]:
    if data.same:
        yield "  The same products, labels, categories and splits."
        return
    for letter, lines in zip("AB", data.lines, strict=True):
        if lines:
            rejected = f"{lines[1]:,} {'line' if lines[1] == 1 else 'lines'} rejected"
            yield f"  {letter}: {lines[0]:,} products accepted, {rejected}"
    if products := data.products:
        yield from _wrapped(
            f"Held-out products: {products.shared:,} in both, {products.only_a:,} only in A, "
            f"{products.only_b:,} only in B; {products.moved:,} in another split, "
            f"{len(products.relabelled):,} with another label",
            width,
        )
        for product, one, other in products.relabelled[:_RELABELLED_SHOWN]:
            yield _cut(f"    {product}: {one} → {other}", width)
    for path in data.categories_added:
        yield _cut(f"  New category: {path}", width)
    for path in data.categories_removed:
        yield _cut(f"  Removed category: {path}", width)
    for name, one, other in data.moved_most:
        yield _cut(f"    {one:>7,} → {other:>7,}  {name}", width)


def _settings(settings: list[tuple[str, Any, Any]], width: int) -> Iterator[str]:
    for name, one, other in settings:
        # The value of a digest says nothing to a reader, only that it changed.
        digests = name.startswith("code.") or name.endswith("_digest")
        values = "changed" if digests else f"{_value(one)} → {_value(other)}"
        yield _cut(f"  {name:<36} {values}", width)
    if not settings:
        yield "  The same."


def _figures(a: Metrics, b: Metrics, width: int) -> Iterator[str]:
    figures = [metrics.figures(mode) for mode in SHOWN for metrics in (a, b)]
    targets = tuple(sorted({*a.targets, *b.targets}))
    label = labels(targets)
    names = (
        "accuracy",
        "parent_accuracy",
        *(name for target in targets for name in (coverage(target), accepted_accuracy(target))),
        *map(parent_coverage, targets),
        "macro_f1",
        "ece",
    )
    heads = [f"{mode} {letter}" for mode in SHOWN for letter in "AB"]
    rows = [
        ["  products", *(f"{each.get('n') or 0:,}" for each in figures)],
        *([f"  {label[name]}", *(_share(each.get(name)) for each in figures)] for name in names),
    ]
    columns = [Column("Figures on eval"), *(Column(head, number=True) for head in heads)]
    yield from table_lines(columns, rows, width)


def _costs(a: ServingCost | None, b: ServingCost | None, width: int) -> Iterator[str]:
    rows = [
        [f"  {name}", *("-" if each is None else figure(each) for each in (a, b))]
        for name, figure in _COSTS.items()
    ]
    columns = [Column("Cost to serve"), Column("A", number=True), Column("B", number=True)]
    yield from table_lines(columns, rows, width)
    yield from _wrapped(
        "Time by the clock depends on the load of the machine that measured it.", width
    )


def _results(results: Results, width: int) -> Iterator[str]:
    if not results.overall:
        yield "No test: there is no eval product that both models could predict."
        return
    pairs = results.overall[0].paired
    yield from _paired_head(results, width) if pairs else _unpaired_head(results, width)
    yield from _differences(results.overall, pairs, width)
    yield ""
    notable = [each for each in results.overall if each.beyond_chance or each.redrawn]
    for difference in notable:
        yield from _wrapped(f"{difference.sentence()}.", width)
    if not any(difference.beyond_chance for difference in notable):
        yield "  No difference in this table is significant."
    yield from _wrapped(
        f"* marks significance at {100 * LEVEL:g} % after Holm's correction for "
        f"{len(results.overall)} questions. The tests compare these two models; each would differ "
        "a little if it were trained again.",
        width,
    )
    if pairs:
        yield from _categories(results, width)


def _paired_head(results: Results, width: int) -> Iterator[str]:
    titles = max(difference.groups or 0 for difference in results.overall)
    yield from _wrapped(
        f"The same {results.shared:,} eval products, {titles:,} titles "
        f"(A scored {results.eval_a:,}, B {results.eval_b:,})",
        width,
        indent="",
    )
    if results.relabelled:
        yield from _wrapped(
            f"{results.relabelled:,} of them have another label in the later run, which counts "
            "for both models.",
            width,
            indent="",
        )
    if results.left_out:
        yield from _wrapped(
            f"{results.left_out:,} products are left out: only one run knows their categories.",
            width,
            indent="",
        )
    yield from _wrapped(
        "p counts all variants of one title as one observation, McNemar's test counts each "
        "product.",
        width,
        indent="",
    )


def _unpaired_head(results: Results, width: int) -> Iterator[str]:
    yield from _wrapped(
        f"Only {results.shared:,} eval products are in both runs (A scored {results.eval_a:,}, "
        f"B {results.eval_b:,}), too few for a paired test. Fisher's exact test compares the two "
        "eval splits instead; it has less power.",
        width,
        indent="",
    )


def _differences(overall: list[Difference], pairs: bool, width: int) -> Iterator[str]:
    names = ["A", "B", "B - A", *(("only A", "only B") if pairs else ()), "p"]
    names += ["McNemar"] if pairs else []
    columns = [Column(""), Column(""), *(Column(name, number=True) for name in names), Column("")]
    rows = []
    for each in overall:
        counts = [_count(each.only_a), _count(each.only_b)] if pairs else []
        by_product = ["" if each.p_products is None else f"{each.p_products:.2g}"] if pairs else []
        rows.append(
            [
                each.name,
                each.asked,
                *(f"{share:.3f}" for share in (each.share_a, each.share_b)),
                f"{each.change:+.3f}",
                *counts,
                f"{each.p:.2g}",
                *by_product,
                "*" if each.beyond_chance else "",
            ]
        )
    yield from table_lines(columns, rows, width)


def _categories(results: Results, width: int) -> Iterator[str]:
    differing = [each for each in results.categories if each.only_a or each.only_b]
    significant = sum(each.beyond_chance for each in results.categories)
    yield ""
    yield from _wrapped(
        f"Category accuracy from text and image: {len(differing):,} of "
        f"{len(results.categories):,} categories differ, {significant:,} significantly",
        width,
        indent="",
    )
    shown = sorted(differing, key=lambda each: not each.beyond_chance)[:_CATEGORIES_SHOWN]
    if not shown:
        return
    names = ("n", "A", "B", "only A", "only B", "p")
    columns = [Column(""), *(Column(name, number=True) for name in names), Column("")]
    rows = [
        [
            f"  {_cut(each.name, width - _BESIDE_A_NAME, end=True)}",
            f"{each.n_a:,}",
            *(f"{share:.3f}" for share in (each.share_a, each.share_b)),
            _count(each.only_a),
            _count(each.only_b),
            f"{each.p:.2g}",
            "*" if each.beyond_chance else "",
        ]
        for each in shown
    ]
    yield from table_lines(columns, rows, width)


def _wrapped(text: str, width: int, *, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=2 * indent,
        break_on_hyphens=False,
    )


def _count(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _value(value: Any) -> str:
    return _cut("not set" if value is None else str(value), _LONGEST_VALUE)


def _cut(text: str, width: int, *, end: bool = False) -> str:
    """At most `width` characters: of a path the end says more than the beginning."""
    if len(text) <= width:
        return text
    return "…" + text[1 - width :] if end else text[: width - 1] + "…"
