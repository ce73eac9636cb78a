from collections import Counter

from components.manifest_example_gen.artifact import Ingestion, Labels
from components.manifest_example_gen.summary import (
    count_image_digests,
    count_product,
    count_superseded,
    image_digests,
    summarise,
)
from shelfsort.products.manifest.rejects import Reject
from shelfsort.products.product import Label, LabelledProduct, Product


def product(id_, category, workers, file, ignored=()):
    label = Label(category, 1.0, 1.0, workers)
    return LabelledProduct(Product(id_, "t"), label, file, 1, ignored=ignored)


def test_the_summary_adds_up():
    voted = product("p", "a", ("w1", "w2"), "m", ignored=("price",))
    unvoted = product("q", "b", (), "m")
    earlier = product("q", "a", ("w4",), "l")
    reject = Reject(3, "r", "no_consensus", "", "", ("w1", "w3"))
    later = Reject(8, "s", "no_consensus", "", "")
    counts = Counter()
    for each in (
        count_product(voted, "train"),
        count_product(unvoted, "eval"),
        count_superseded(earlier),
    ):
        counts.update(each)
    assert summarise(counts, [reject, later], {"c": "a"}) == Ingestion(
        lines=5,
        accepted=2,
        superseded=1,
        rejected=2,
        by_reason={"no_consensus": 2},
        reduction={"c": "a"},
        labels=Labels(workers=4, answers=5, products_with_workers=3),
        files={"m": 2},
        splits={"eval": 1, "train": 1},
        categories={"a": 1, "b": 1},
        ignored={"price": 1},
        first_rejects={"no_consensus": Reject(3, "r", "no_consensus", "", "")},
    )


def test_products_with_an_inner_category_are_counted_by_it_alone():
    known = product("p", "a", (), "m")
    label = Label("shoes", 1.0, 1.0, inner=True)
    counts = count_product(known, "train") + count_product(
        LabelledProduct(Product("q", "t"), label, "m", 2), "train"
    )
    found = summarise(counts, [], {})
    assert (found.accepted, found.categories, found.inner) == (2, {"a": 1}, {"shoes": 1})


def test_a_worker_who_answered_twice_is_one_worker_and_two_answers():
    reject = Reject(1, "", "missing_image", "", "", ("w", "w"))
    assert summarise(Counter(), [reject], {}).labels == Labels(1, 2, 1)


def test_nothing_counted_is_all_zero():
    assert summarise(Counter(), [], {}).lines == 0


def test_image_digests_are_summed_over_shards_in_integers_of_64_bits():
    shards = [(2**128 - 1, 2**96 + 5), (2**64,), ()]
    counts = Counter()
    for digests in shards:
        counts.update(count_image_digests(digests))
    assert image_digests(counts) == 2**128 + 2**96 + 2**64 + 4
    assert max(counts.values()) < 2**63
