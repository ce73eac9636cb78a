"""Which categories' shares of the products have changed by more than a factor, beyond chance."""

from collections.abc import Collection, Mapping

from components.drift_check.artifact import CategoryChanges, ShareChange
from shelfsort.stats.binomial import holm, proof_p_value


def category_changes(
    before: Mapping[str, int],
    now: Mapping[str, int],
    leaves: Collection[str],
    *,
    max_ratio: float | None,
    confidence: float,
) -> CategoryChanges:
    """Compares the shares of the categories that could have had products both times.

    A category without a product before is new: that it has some now is expected. One that the
    taxonomy has no more is removed. Both are left out. One that the taxonomy still has, and that
    lost its products, is compared.

    Args:
        before, now: products by category.
        leaves: today's categories.
        max_ratio: factor by which a share may grow or shrink; None: by any.
        confidence: with which chance is ruled out for all categories together (Holm).
    """
    compared = sorted(set(before).intersection(leaves))
    totals = tuple(sum(counts.get(each, 0) for each in compared) for counts in (before, now))
    p_values = [
        1.0
        if max_ratio is None
        else ratio_p_value((before[each], now.get(each, 0)), totals, max_ratio)
        for each in compared
    ]
    drifted = holm(p_values, 1 - confidence) if compared else []
    changes = [
        ShareChange(
            category=each,
            before=before[each],
            now=now.get(each, 0),
            share_before=before[each] / totals[0],
            share_now=now.get(each, 0) / totals[1] if totals[1] else 0.0,
            p_value=p_value,
            drifted=bool(falls),
        )
        for each, p_value, falls in zip(compared, p_values, drifted, strict=True)
    ]
    return CategoryChanges(
        max_ratio=max_ratio,
        compared=sorted(changes, key=lambda each: -abs(each.share_now - each.share_before)),
        new=sorted(set(now).difference(before)),
        removed=sorted(set(before).difference(leaves)),
    )


def ratio_p_value(counts: tuple[int, int], totals: tuple[int, int], max_ratio: float) -> float:
    """Chance of so large a change of a rate if it had changed by `max_ratio` and no more.

    The exact conditional test of two Poisson rates (Przyborowski and Wilenski 1940): given the
    sum, the later count is binomial.

    Args:
        counts: before and now.
        totals: what they are shares of, before and now; both above 0.
        max_ratio: above 1; a rate may grow by it or shrink to its reciprocal.
    """
    (before, now), (total_before, total_now) = counts, totals
    if now * total_before < before * total_now:
        before, now, total_before, total_now = now, before, total_now, total_before
    if now == 0:
        return 1.0
    expected = max_ratio * total_now / (max_ratio * total_now + total_before)
    return proof_p_value(now, before + now, expected)
