"""What a page shows of a task."""

import json
from collections.abc import Sequence
from typing import Any

from shelfsort.decisions.review.outcomes import stored_fields
from shelfsort.decisions.review.queue import policy as kinds
from shelfsort.decisions.review.queue.taking import Held
from shelfsort.decisions.review.stored_product import product_of
from shelfsort.labeling.path_ids import is_path_id
from shelfsort.products.taxonomy import Taxonomy

_MOST_CHARS = 2_000
_MOST_SUGGESTIONS = 5
_BLIND = "blind"


def shown_task(
    held: Held, tree: Taxonomy, opinions: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """The task as plain values.

    Audits, gold, second opinions and the random sample look alike: without what the model said.

    Args:
        held: the task.
        tree: that names the categories.
        opinions: category and outcome of those who disagree, for a lead.
    """
    product = product_of(held.product, held.shown)
    return {
        "task": held.id,
        "kind": _visible_kind(held),
        "id": "" if is_path_id(product) else product.id,
        "title": product.title[:_MOST_CHARS],
        "description": product.description[:_MOST_CHARS],
        "price": product.price,
        "image": f"/images/{held.id}" if product.image else None,
        "fields": stored_fields(held.fields),
        "note": held.note,
        "suggestions": [] if held.blind else _suggestions(held.top, tree),
        "opinions": [
            {"category": tree.name(category) if category in tree else "", "outcome": outcome}
            for category, outcome in opinions
        ],
    }


def _visible_kind(held: Held) -> str:
    if held.kind == kinds.DISPUTE:
        return held.kind
    if held.kind == kinds.APPEAL or held.note:
        return kinds.APPEAL
    return _BLIND if held.blind else held.kind


def _suggestions(top: str, tree: Taxonomy) -> list[dict[str, Any]]:
    found = [
        {"id": leaf, "path": tree.path(leaf).split(" > "), "score": score}
        for leaf, score in json.loads(top or "[]")
        if leaf in tree and tree.is_leaf(leaf)
    ]
    return found[:_MOST_SUGGESTIONS]
