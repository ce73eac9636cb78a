"""Counts what came of each line, and sums it up."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from components.manifest_example_gen.artifact import Ingestion, Labels
from shelfsort.products.manifest.digest import DIGEST_BYTES
from shelfsort.products.manifest.rejects import Reject
from shelfsort.products.product import LabelledProduct

Counts = Counter[tuple[str, str]]
# Beam carries integers of 64 bits: 32 for a part of a digest, and 32 for the number of images.
_PART_BITS = 32
_PARTS = 8 * DIGEST_BYTES // _PART_BITS


def count_product(product: LabelledProduct, split: str) -> Counts:
    """The counts of one accepted product."""
    counts: Counts = Counter(
        {
            ("split", split): 1,
            ("inner" if product.label.inner else "category", product.label.category): 1,
            ("file", product.file): 1,
            **_answers(product.label.workers),
        }
    )
    counts.update(("ignored", field) for field in product.ignored)
    return counts


def count_superseded(product: LabelledProduct) -> Counts:
    """The counts of a line that a later file has superseded."""
    return Counter({("superseded", ""): 1, **_answers(product.label.workers)})


def count_image_digests(digests: Iterable[int]) -> Counts:
    """The sums of each part of `local_image_digest`, over the images that a shard read."""
    counts: Counts = Counter()
    for digest in digests:
        for part in range(_PARTS):
            counts[_image_digests(part)] += digest >> part * _PART_BITS & (1 << _PART_BITS) - 1
    return counts


def image_digests(counts: Counts) -> int:
    """The sum of `local_image_digest` over all shards."""
    return sum(counts[_image_digests(part)] << part * _PART_BITS for part in range(_PARTS))


def _image_digests(part: int) -> tuple[str, str]:
    return ("image digests", str(part))


def _count_reject(reject: Reject) -> Counts:
    """The counts of one rejected line; its answers were given and paid for all the same."""
    return Counter({("reason", reject.reason): 1, **_answers(reject.workers)})


def summarise(
    accepted_counts: Counts, rejects: Iterable[Reject], reduction: Mapping[str, str]
) -> Ingestion:
    """What became of all lines.

    Args:
        accepted_counts: of accepted and superseded lines.
        rejects: the other lines, by file and line number.
        reduction: leaves that were taken for others.
    """
    counts = Counter(accepted_counts)
    first_rejects: dict[str, Reject] = {}
    for reject in rejects:
        counts.update(_count_reject(reject))
        first_rejects.setdefault(reject.reason, replace(reject, workers=()))
    by_reason, splits, workers = (_of(counts, kind) for kind in ("reason", "split", "worker"))
    accepted, rejected = sum(splits.values()), sum(by_reason.values())
    superseded = counts[("superseded", "")]
    return Ingestion(
        lines=accepted + superseded + rejected,
        accepted=accepted,
        superseded=superseded,
        rejected=rejected,
        by_reason=dict(sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))),
        reduction=dict(sorted(reduction.items())),
        labels=Labels(
            workers=len([name for name in workers if name]),
            answers=sum(workers.values()),
            products_with_workers=counts[("answered", "")],
        ),
        files=dict(sorted(_of(counts, "file").items())),
        splits=dict(sorted(splits.items())),
        categories=dict(sorted(_of(counts, "category").items())),
        inner=dict(sorted(_of(counts, "inner").items())),
        ignored=dict(sorted(_of(counts, "ignored").items())),
        first_rejects=first_rejects,
    )


def _answers(workers: tuple[str, ...]) -> Counts:
    answers: Counts = Counter(("worker", worker) for worker in workers)
    if workers:
        answers[("answered", "")] = 1
    return answers


def _of(counts: Counts, kind: str) -> dict[str, int]:
    return {name: n for (each, name), n in counts.items() if each == kind}
