from hypothesis import given
from hypothesis import strategies as st

from components.manifest_example_gen.sharding import by_id, shard_count, shard_of
from shelfsort.products.product import Label, LabelledProduct, Product

LABEL = Label("a", 1.0, 1.0, ("w",))


def product(line, id_, file=""):
    return LabelledProduct(Product(id_, "t"), LABEL, file, line)


def products(*pairs):
    return [product(line, id_) for line, id_ in pairs]


def test_shards_grow_with_the_manifest():
    assert [shard_count(lines) for lines in (0, 1, 2000, 2001, 8264)] == [1, 1, 1, 2, 5]


def test_the_lines_of_an_id_come_in_their_order():
    lines, _, repeated = by_id(products((9, "a"), (2, "b"), (4, "a")))
    assert sorted([each.line for each in of_id] for of_id in lines) == [[2], [4, 9]]
    assert repeated == []


def test_a_later_file_supersedes_an_earlier_one_whatever_the_order_and_the_lines():
    rows = [("2", 1, "a"), ("1", 9, "a"), ("3", 5, "b"), ("2", 7, "a"), ("1", 2, "c")]
    given_ = [product(line, id_, file) for file, line, id_ in rows]
    lines, superseded, repeated = by_id([*given_, product(11, "a", "1")])
    kept = [[(each.file, each.line) for each in of_id] for of_id in lines]
    assert sorted(kept) == [[("1", 2)], [("2", 1), ("2", 7)], [("3", 5)]]
    assert [(each.file, each.line) for each in superseded] == [("1", 9)]
    assert [(each.file, each.line, each.workers) for each in repeated] == [("1", 11, ("w",))]


@given(st.lists(st.tuples(st.integers(1, 99), st.text(max_size=3)), unique_by=lambda x: x[0]))
def test_every_line_stands_under_its_id_and_the_order_is_stable(pairs):
    lines, _, _ = by_id(products(*pairs))
    assert sorted(each.line for of_id in lines for each in of_id) == sorted(n for n, _ in pairs)
    assert len({of_id[0].product.id for of_id in lines}) == len(lines)
    assert by_id(products(*pairs[::-1]))[0] == lines


@given(st.text(), st.integers(1, 50))
def test_an_id_stays_in_its_shard(id_, shards):
    assert 0 <= shard_of(id_, shards) < shards
    assert shard_of(id_, shards) == shard_of(id_, shards)
