import json

import pytest

from shelfsort.core.errors import InputError
from shelfsort.products.reduction import load_reduction
from shelfsort.products.taxonomy import Taxonomy

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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("from,to\na,nothing\n", ":2: no category 'nothing'"),
        ("from,to\na,b\na,hats\n", ":3: 'a' is merged twice"),
        ("from,to\na,\n", ':2: needs a "from" and a "to"'),
        ("x,y\na,b\n", ':2: needs a "from"'),
        ('[{"from": "a"', ":1: not JSON"),
        ("[3]", "entry 1.*needs"),
    ],
)
def test_what_is_no_reduction_is_refused_with_its_line(load, text, message):
    with pytest.raises(InputError, match=message):
        load(text)
