"""Counts what came of each line, and states it as `summary.json`."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from shelfsort.products.manifest.parsing import Product
from shelfsort.products.manifest.rejects import Reject

Counts = Counter[tuple[str, str]]


def count_product(product: Product, split: str) -> Counts:
    """The counts of one accepted product."""
    counts: Counts = Counter(
        {
            ("split", split): 1,
            ("category", product.category): 1,
            ("file", product.file): 1,
            **_answers(product.workers),
        }
    )
    counts.update(("ignored", field) for field in product.ignored)
    return counts


def count_superseded(product: Product) -> Counts:
    """The counts of a line that a later file has superseded."""
    return Counter({("superseded", ""): 1, **_answers(product.workers)})


def count_reject(reject: Reject) -> Counts:
    """The counts of one rejected line; its answers were given and paid for all the same."""
    return Counter({("reason", reject.reason): 1, **_answers(reject.workers)})


def summarise(counts: Counts, reduction: Mapping[str, str]) -> dict[str, Any]:
    """`summary.json`: lines, accepted, superseded, rejected, reasons, what the labelling took.

    `files` counts the accepted products by the file that they stand in; `ignored` counts fields
    that were cut or left out of products that were accepted.
    """
    by_reason, splits, workers = (_of(counts, kind) for kind in ("reason", "split", "worker"))
    accepted, rejected = sum(splits.values()), sum(by_reason.values())
    superseded = counts[("superseded", "")]
    return {
        "lines": accepted + superseded + rejected,
        "accepted": accepted,
        "superseded": superseded,
        "rejected": rejected,
        "by_reason": dict(sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))),
        "reduction": dict(sorted(reduction.items())),
        "labels": {
            "workers": len([name for name in workers if name]),
            "answers": sum(workers.values()),
            "products_with_workers": counts[("answered", "")],
        },
        "files": dict(sorted(_of(counts, "file").items())),
        "splits": dict(sorted(splits.items())),
        "categories": dict(sorted(_of(counts, "category").items())),
        "ignored": dict(sorted(_of(counts, "ignored").items())),
    }


def _answers(workers: tuple[str, ...]) -> Counts:
    answers: Counts = Counter(("worker", worker) for worker in workers)
    if workers:
        answers[("answered", "")] = 1
    return answers


def _of(counts: Counts, kind: str) -> dict[str, int]:
    return {name: n for (each, name), n in counts.items() if each == kind}
