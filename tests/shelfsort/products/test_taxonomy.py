import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import (
    AmbiguousLabel,
    InvalidTaxonomy,
    NotALeaf,
    Taxonomy,
    UnknownLabel,
)
from shelfsort.products.taxonomy_forms import MAX_LEVELS, nodes_of_paths
from tests.fixtures.golden import refusal


def node(id_, *children, parent=None, name=None):
    result = {"id": id_, "name": name or id_, "subcategories": list(children)}
    return {**result, "parent": parent} if parent else result


TREE = [
    node("main", "clothes", "shoes", name="Main"),
    node("clothes", "shirts", "trousers", parent="main", name="Clothes"),
    node("shirts", parent="clothes", name="Shirts"),
    node("trousers", "jeans", "chinos", parent="clothes", name="Trousers"),
    node("jeans", parent="trousers", name="Jeans"),
    node("chinos", parent="trousers", name="Chinos"),
    node("shoes", parent="main", name="Shoes"),
]


@pytest.fixture
def tree():
    return Taxonomy.from_nodes(TREE)


def test_leaves_keep_the_order_of_the_file(tree):
    assert tree.leaves == ["shirts", "jeans", "chinos", "shoes"]
    assert tree.root == "main"


def test_path_and_ancestors_leave_out_the_root(tree):
    assert tree.path("jeans") == "Clothes > Trousers > Jeans"
    assert tree.path("main") == ""
    assert tree.ancestors("jeans") == ["clothes", "trousers"]
    assert tree.ancestors("shoes") == []
    assert [tree.depth(id_) for id_ in ("main", "shoes", "shirts", "jeans")] == [0, 1, 2, 3]


def test_a_leaf_at_the_top_is_its_own_parent(tree):
    assert tree.parent_or_self("jeans") == "trousers"
    assert tree.parent_or_self("shoes") == "shoes"


def test_asking_about_an_unknown_id_is_a_key_error(tree):
    for question in (tree.ancestors, tree.path, tree.depth, tree.name):
        with pytest.raises(KeyError):
            question("hats")


@pytest.mark.parametrize(
    "label", ["jeans", "Clothes > Trousers > Jeans", "Jeans", " Clothes>Trousers >Jeans "]
)
def test_a_label_may_be_an_id_a_path_or_a_leaf_name(tree, label):
    assert tree.resolve(label) == "jeans"


@pytest.mark.parametrize("label", ["trousers", "Clothes > Trousers", "Trousers", "main", "Main"])
def test_an_inner_category_is_not_a_leaf(tree, label):
    with pytest.raises(NotALeaf, match=repr(label)):
        tree.resolve(label)


def test_the_nearest_names_are_found_in_any_case(tree):
    assert "Jeans" in tree.nearest("JEANS")


def test_an_unknown_label_is_answered_with_the_nearest_names(tree):
    with pytest.raises(UnknownLabel, match=r"'Jeanz'.*'Jeans'"):
        tree.resolve("Jeanz")


def test_suggestions_stop_after_many_unknown_labels_so_that_bad_manifests_stay_fast(tree):
    for n in range(100):
        tree.nearest(f"Jeanz{n}")
    assert tree.nearest("Jeanz") == []


def test_a_leaf_name_that_occurs_twice_is_refused_with_its_candidates():
    twice = Taxonomy.from_nodes(
        [
            node("main", "men", "women"),
            node("men", "m-hats", parent="main"),
            node("women", "w-hats", parent="main"),
            node("m-hats", parent="men", name="Hats"),
            node("w-hats", parent="women", name="Hats"),
        ]
    )
    with pytest.raises(UnknownLabel, match=r"'Hats'.* 2 .*'m-hats' .*'w-hats'"):
        twice.resolve("Hats")
    assert twice.resolve("women > Hats") == "w-hats"


def below(*nodes):
    """A tree of one level, or two: (id, name, parent)."""
    children = [(id_, parent or "r") for id_, _, parent in nodes]
    tree = [node("r", *(id_ for id_, parent in children if parent == "r"), name="R")]
    for id_, name, parent in nodes:
        own = [child for child, above in children if above == id_]
        tree.append(node(id_, *own, parent=parent or "r", name=name))
    return Taxonomy.from_nodes(tree)


AMBIGUOUS = [
    # The name of a leaf and of an inner category elsewhere.
    ([("1", "Hats", ""), ("2", "Caps", "1"), ("3", "Sport", ""), ("4", "Hats", "3")], "Hats"),
    # The id of one and the name of another.
    ([("36", "37", ""), ("37", "38", "")], "37"),
    # A leaf at the top and one of its name below.
    ([("1", "Gifts", ""), ("2", "Toys", ""), ("3", "Gifts", "2")], "Gifts"),
]


@pytest.mark.parametrize(("nodes", "label"), AMBIGUOUS)
def test_a_label_that_could_mean_two_categories_is_refused_with_both(nodes, label):
    tree = below(*nodes)
    two = tree.candidates(label)
    assert len(two) == 2
    with pytest.raises(AmbiguousLabel) as caught:
        tree.resolve(label)
    assert all(repr(each) in str(caught.value) for each in two)


def test_what_labels_are_settles_an_ambiguous_one():
    tree = below(("36", "37", ""), ("37", "38", ""))
    assert [tree.resolve("37", by) for by in ("id", "name", "path")] == ["37", "36", "36"]


@pytest.mark.parametrize("name", ["Mugs ", "Mugs\r", " Mugs>Cups", "a\nb", "Mugs > Cups"])
def test_a_name_comes_back_from_its_path_as_it_went_in(name):
    tree = below(("k", "Kitchen", ""), ("m", name, "k"), ("x", "Other", "k"))
    for label in (tree.path("m"), tree.path("m").strip(), name, name.strip()):
        assert tree.resolve(label) == "m"


def test_of_two_paths_the_one_as_written_is_meant():
    tree = below(("k", "K", ""), ("a", "Mugs>Cups", "k"), ("b", "Mugs", "k"), ("c", "Cups", "b"))
    assert tree.resolve("K > Mugs>Cups") == "a"
    assert tree.resolve("K > Mugs > Cups") == "c"


PARENTS = [
    {"id": "a", "name": "A"},
    {"id": 2, "name": "B", "parent": "a"},
    {"id": "c", "name": "C", "parent": 2},
]


def test_subcategories_follow_from_parents_and_parents_from_subcategories():
    tree = Taxonomy.from_nodes(PARENTS)
    assert tree.to_nodes() == [
        node("a", "2", name="A"),
        node("2", "c", parent="a", name="B"),
        node("c", parent="2", name="C"),
    ]
    children = [{k: v for k, v in each.items() if k != "parent"} for each in tree.to_nodes()]
    assert Taxonomy.from_nodes(children).to_nodes() == tree.to_nodes()


def test_several_topmost_categories_get_a_root():
    tree = Taxonomy.from_nodes([*PARENTS, {"id": "root", "name": "D", "parent": None}])
    assert (tree.root, tree.path("c"), tree.leaves) == ("_root", "A > B > C", ["c", "root"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tree.json", '["K > Mugs", "K > Bowls", "Shoes"]'),
        ("tree.txt", "# Google\nK > Mugs\nK>Bowls\n\nShoes\n"),
        ("tree.csv", "path;x\nK > Mugs;1\nK > Bowls;2\nShoes;3\n"),
    ],
)
def test_a_tree_may_be_a_list_of_paths(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    tree = Taxonomy.load(str(tmp_path / name))
    assert tree.leaves == ["K > Bowls", "K > Mugs", "Shoes"]
    assert tree.path("K > Mugs") == "K > Mugs"


def test_a_tree_may_be_a_table_of_parents(tmp_path):
    (tmp_path / "tree.csv").write_text("id,name,parent\n1,K,\n2,Mugs,1\n3,Bowls,1\n")
    assert Taxonomy.load(str(tmp_path / "tree.csv")).path("3") == "Bowls"


def test_only_some_leaves_keep_what_is_above_them(tree):
    part = tree.only({"jeans", "shoes"})
    assert [each["id"] for each in part.to_nodes()] == [
        "main", "clothes", "trousers", "jeans", "shoes",
    ]  # fmt: skip
    assert tree.leaves_beneath("clothes") == ["shirts", "jeans", "chinos"]


def test_nodes_survive_a_round_trip_and_so_does_the_version(tree):
    again = Taxonomy.from_nodes(tree.to_nodes())
    assert again.to_nodes() == TREE
    assert again.version == tree.version
    assert len(tree.version) == 12
    assert int(tree.version, 16) >= 0


def test_a_renamed_category_changes_the_version(tree):
    renamed = tree.to_nodes()
    renamed[-1]["name"] = "Boots"
    assert Taxonomy.from_nodes(renamed).version != tree.version


NO_TREES = [
    ({}, None, "list"),
    ([], None, "list"),
    ([1], None, "category 1 "),
    ([{"name": "a"}], None, 'category 1 .*"id"'),
    ([{"id": "a"}], "a", "'a'.*\"name\""),
    ([{**node("a"), "subcategories": "b"}], "a", "\"subcategories\".*'a'"),
    ([{**node("a"), "parent": [1]}], "a", "\"parent\".*'a'"),
    ([node("a"), node("a")], "a", "id 'a'"),
    ([node("a"), node("b")], "b", r"2 roots \('a', 'b'\)"),
    ([node("a", "b")], "a", "'a'.*'b'"),
    ([node("a"), node("b", parent="z")], "b", "'z'.*'b'"),
    ([node("a", "c"), node("b", parent="a"), node("c", parent="a")], "b", "'b'.*'a'"),
    ([node("a", "b"), node("b"), node("c", parent="a")], "b", "'a'.*'b'.*None"),
    ([{**node("a"), "name": "\ud800"}], "a", "surrogate"),
    ([{**node("a\nb")}], "a\nb", "line break"),
    ([node("a", "b", "b"), node("b", parent="a")], "a", "'a'"),
    ([node("a", "b", parent="b"), node("b", "a", parent="a")], "a", "no root.*'a' > 'b' > 'a'"),
    ([node("r"), node("a", "b", parent="b"), node("b", "a", parent="a")], "a", "'a' > 'b' > 'a'"),
]


@pytest.mark.parametrize(("nodes", "at_fault", "named"), NO_TREES)
def test_what_is_not_one_tree_is_refused(nodes, at_fault, named):
    with pytest.raises(InvalidTaxonomy, match=named) as caught:
        Taxonomy.from_nodes(nodes)
    assert caught.value.node == at_fault


def test_a_bad_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "taxonomy.json"
    path.write_text(json.dumps([node("a"), node("b")], indent=1))
    line = path.read_text().splitlines().index('  "id": "b",') + 1
    with pytest.raises(InputError, match=f"taxonomy.json:{line}: .*'b'"):
        Taxonomy.load(str(path))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", ": .*empty"),
        (b'[\n{"id": ]', ":2: .*JSON.* 8"),
        (b"\xff\xfe[", ": .*UTF-8"),
        (b"[" * 100_000, ": .*JSON"),
    ],
)
def test_a_file_that_is_not_json_is_refused(tmp_path, content, named):
    path = tmp_path / "taxonomy.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"taxonomy\.json{named}"):
        Taxonomy.load(str(path))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match=f"^{path}: "):
            Taxonomy.load(str(path))


def test_a_byte_order_mark_is_no_obstacle(tmp_path):
    path = tmp_path / "taxonomy.json"
    path.write_text(json.dumps(TREE), encoding="utf-8-sig")
    assert len(Taxonomy.load(str(path))) == len(TREE)


def test_reduction_into_a_sibling_removes_the_leaf(tree):
    reduced = tree.reduced({"chinos": "jeans"})
    assert reduced.leaves == ["shirts", "jeans", "shoes"]
    assert reduced.ancestors("jeans") == ["clothes", "trousers"]


def test_reduction_into_the_parent_makes_it_a_leaf(tree):
    reduced = tree.reduced({"chinos": "trousers", "jeans": "trousers"})
    assert reduced.leaves == ["shirts", "trousers", "shoes"]


def test_reduction_removes_inner_categories_left_without_leaves(tree):
    reduced = tree.reduced(dict.fromkeys(("shirts", "jeans", "chinos"), "shoes"))
    assert [each["id"] for each in reduced.to_nodes()] == ["main", "shoes"]


IMPOSSIBLE_REDUCTIONS = [
    ({"trousers": "shirts"}, "trousers", "'trousers'"),
    ({"jeans": "hats"}, None, "'hats'"),
    ({"jeans": "main"}, None, "'main'"),
    ({"jeans": "chinos", "chinos": "shirts"}, "chinos", "'jeans'.*'chinos'"),
    ({"jeans": "trousers"}, "trousers", "'trousers'.*'chinos'"),
]


@pytest.mark.parametrize(("mapping", "at_fault", "named"), IMPOSSIBLE_REDUCTIONS)
def test_an_impossible_reduction_is_refused(tree, mapping, at_fault, named):
    with pytest.raises(InvalidTaxonomy, match=named) as caught:
        tree.reduced(mapping)
    assert caught.value.node == at_fault


def test_golden_taxonomy_errors(tree, tmp_path, golden):
    """What is no tree, no label, no reduction and no file."""
    lines = [refusal(InvalidTaxonomy, Taxonomy.from_nodes, nodes) for nodes, _, _ in NO_TREES]
    lines += [refusal(UnknownLabel, tree.resolve, label) for label in ("Jeanz", "Trousers", "main")]
    lines += [refusal(InvalidTaxonomy, tree.reduced, each) for each, _, _ in IMPOSSIBLE_REDUCTIONS]
    path = tmp_path / "taxonomy.json"
    lines.append(refusal(InputError, Taxonomy.load, path))
    for content in (b"", b'[\n{"id": ]', b"\xff\xfe[", json.dumps([node("a"), node("b")]).encode()):
        path.write_bytes(content)
        lines.append(refusal(InputError, Taxonomy.load, path))
    golden("taxonomy_errors.txt", [line.replace(f"{tmp_path}/", "") for line in lines])


@st.composite
def trees(draw):
    """Nodes of a random tree: each node after the first hangs below an earlier one."""
    count = draw(st.integers(2, 30))
    parents = [draw(st.integers(0, n - 1)) for n in range(1, count)]
    nodes = [node(f"n{n}", name=f"name {n}") for n in range(count)]
    for child, parent in enumerate(parents, start=1):
        nodes[child]["parent"] = f"n{parent}"
        nodes[parent]["subcategories"].append(f"n{child}")
    return nodes


@given(trees())
def test_every_leaf_is_found_by_its_path_and_lies_below_its_ancestors(nodes):
    tree = Taxonomy.from_nodes(nodes)
    for leaf in tree.leaves:
        assert tree.resolve(tree.path(leaf)) == leaf
        assert tree.depth(leaf) == len(tree.ancestors(leaf)) + 1
        assert all(not tree.is_leaf(above) for above in tree.ancestors(leaf))


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x, max_size=4)))
def test_arbitrary_json_is_refused_and_never_breaks_the_check(value):
    with pytest.raises(InvalidTaxonomy):
        Taxonomy.from_nodes(value)


def chain(length):
    ids = [f"n{i}" for i in range(length)]
    return [
        node(id_, *ids[i + 1 : i + 2], parent=ids[i - 1] if i else None)
        for i, id_ in enumerate(ids)
    ]


def test_a_tree_may_be_as_deep_as_the_limit_and_no_deeper():
    assert Taxonomy.from_nodes(chain(MAX_LEVELS + 1)).depth(f"n{MAX_LEVELS}") == MAX_LEVELS
    with pytest.raises(InvalidTaxonomy, match=f"'n{MAX_LEVELS + 1}' is more than {MAX_LEVELS}"):
        Taxonomy.from_nodes(chain(10_000))


def test_a_path_with_more_names_than_levels_is_refused():
    with pytest.raises(InvalidTaxonomy, match=f"more than {MAX_LEVELS} levels"):
        Taxonomy.from_nodes(nodes_of_paths([" > ".join(["n"] * 100_000), "other"]))


def test_a_tree_of_a_million_leaves_is_refused_by_their_number():
    with pytest.raises(InvalidTaxonomy, match="1,000,001 categories"):
        Taxonomy.from_nodes([{}] * 1_000_001)


def test_a_long_cycle_is_named_in_short():
    nodes = chain(20_000)
    nodes[0]["parent"], nodes[-1]["subcategories"] = "n19999", ["n0"]
    with pytest.raises(InvalidTaxonomy) as caught:
        Taxonomy.from_nodes(nodes)
    assert len(str(caught.value)) < 500 and "'n0'" in str(caught.value)


def test_unknown_labels_are_compared_with_a_bounded_number_of_names():
    leaves = [node(f"l{i}", parent="main", name=f"Leaf number {i}") for i in range(20)]
    tree = Taxonomy.from_nodes([node("main", *(each["id"] for each in leaves)), *leaves])
    tree.__class__ = type("Huge", (Taxonomy,), {"__len__": lambda _: 20_000})
    assert [bool(tree.nearest(f"Leaf number {i}x")) for i in range(11)] == [True] * 10 + [False]
