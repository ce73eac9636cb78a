from hypothesis import given
from hypothesis import strategies as st

from components.manifest_example_gen.sharding import one_of_each_id, shard_count, shard_of
from shelfsort.products.product import Label, LabelledProduct, Product

LABEL = Label("a", 1.0, 1.0, ("w",))


def product(line, id_, file=""):
    return LabelledProduct(Product(id_, "t"), LABEL, file, line)


def products(*pairs):
    return [product(line, id_) for line, id_ in pairs]


def test_shards_grow_with_the_manifest():
    assert [shard_count(lines) for lines in (0, 1, 2000, 2001, 8264)] == [1, 1, 1, 2, 5]


def test_the_lowest_line_keeps_the_id_whatever_the_order():
    kept, _, repeated = one_of_each_id(products((9, "a"), (2, "b"), (4, "a")))
    assert {(each.line, each.product.id) for each in kept} == {(4, "a"), (2, "b")}
    assert [(each.line, each.reason, each.workers) for each in repeated] == [
        (9, "repeated_id", ("w",))
    ]


def test_a_later_file_supersedes_an_earlier_one_whatever_the_order_and_the_lines():
    rows = [("2", 1, "a"), ("1", 9, "a"), ("3", 5, "b"), ("2", 7, "a"), ("1", 2, "c")]
    given_ = [product(line, id_, file) for file, line, id_ in rows]
    kept, superseded, repeated = one_of_each_id(given_)
    assert {(each.file, each.line) for each in kept} == {("2", 1), ("3", 5), ("1", 2)}
    assert [(each.file, each.line) for each in superseded] == [("1", 9)]
    assert [(each.file, each.line) for each in repeated] == [("2", 7)]


@given(st.lists(st.tuples(st.integers(1, 99), st.text(max_size=3)), unique_by=lambda x: x[0]))
def test_every_line_is_kept_or_repeated_and_the_order_is_stable(pairs):
    kept, _, repeated = one_of_each_id(products(*pairs))
    assert sorted(each.line for each in [*kept, *repeated]) == sorted(line for line, _ in pairs)
    assert len({each.product.id for each in kept}) == len(kept)
    assert one_of_each_id(products(*pairs[::-1]))[0] == kept


@given(st.text(), st.integers(1, 50))
def test_an_id_stays_in_its_shard(id_, shards):
    assert 0 <= shard_of(id_, shards) < shards
    assert shard_of(id_, shards) == shard_of(id_, shards)
