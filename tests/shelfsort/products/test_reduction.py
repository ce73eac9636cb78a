import json

import pytest

from shelfsort.core.errors import InputError
from shelfsort.products.reduction import load_reduction
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths
from tests.fixtures.golden import refusal

NODES = [
    {"id": "main", "name": "Main", "subcategories": ["top", "hats"]},
    {"id": "top", "name": "Top", "subcategories": ["a", "b"], "parent": "main"},
    {"id": "a", "name": "Alpha", "subcategories": [], "parent": "top"},
    {"id": "b", "name": "Beta", "subcategories": [], "parent": "top"},
    {"id": "hats", "name": "Hats", "subcategories": [], "parent": "main"},
]


@pytest.fixture
def load(tmp_path):
    def from_text(text):
        path = tmp_path / "reduction"
        path.write_text(text)
        return load_reduction(str(path), Taxonomy.from_nodes(NODES))

    return from_text


def test_a_table_names_categories_by_id_path_or_name(load):
    assert load("from,to\na,top\nTop > Beta,top\n") == {"a": "top", "b": "top"}


def test_a_json_list_means_the_same(load):
    assert load(json.dumps([{"from": "Alpha", "to": "b"}])) == {"a": "b"}


def test_a_leaf_mapped_onto_itself_says_nothing(load):
    assert load("from,to\na,a\nb,a\n") == {"b": "a"}


def test_a_full_path_means_its_category_where_a_leaf_elsewhere_has_that_name(tmp_path):
    path = tmp_path / "rules.csv"
    path.write_text("from,to\nActivewear > Skirts,Skirts\n")
    tree = Taxonomy.from_nodes(nodes_of_paths(["Activewear > Skirts", "Activewear > T", "Skirts"]))
    assert load_reduction(str(path), tree) == {"Activewear > Skirts": "Skirts"}


NO_REDUCTIONS = [
    ("", ": .*empty"),
    ("from,to\na,nothing\n", ":2: .*'nothing'"),
    ("from,to\na,b\na,hats\n", ":3: 'a'"),
    ("from,to\na,\n", ":2: from or to"),
    ("x,y\na,b\n", ":2: from or to"),
    ('[{"from": "a"', ":1: .*JSON"),
    ("[3]", r" \(entry 1\): from or to"),
]


@pytest.mark.parametrize(("text", "named"), NO_REDUCTIONS)
def test_what_is_no_reduction_is_refused_with_its_line(load, text, named):
    with pytest.raises(InputError, match=f"/reduction{named}"):
        load(text)


@pytest.mark.parametrize("text", ["from,to\n" + "a" * 140_000 + ",b\n", "a" * 140_000 + "\n"])
def test_a_cell_that_is_too_long_is_refused_with_its_line(load, text):
    with pytest.raises(InputError, match=r"/reduction:\d: field larger than field limit"):
        load(text)


def test_golden_reduction_errors(load, tmp_path, golden):
    lines = [refusal(InputError, load, text) for text, _ in NO_REDUCTIONS]
    golden("reduction_errors.txt", [line.replace(f"{tmp_path}/", "") for line in lines])
