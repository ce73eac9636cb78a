import json

import pytest

from shelfsort.core.errors import InputError
from shelfsort.products import taxonomy_files
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_files import read_tree_file

GOOGLE = """# Google_Product_Taxonomy_Version: 2021-09-21
1 - Animals & Pet Supplies
3237 - Animals & Pet Supplies > Live Animals
2 - Animals & Pet Supplies > Pet Supplies
"""
SHOPIFY = """# Shopify Product Taxonomy - Categories: 2024-07
gid://shopify/TaxonomyCategory/ap     : Animals
gid://shopify/TaxonomyCategory/ap-1   : Animals > Live Animals
gid://shopify/TaxonomyCategory/ap-2   : Animals > Pet Supplies
"""
TABS = "ap\tAnimals\nap-1\tAnimals > Live Animals\nap-2\tAnimals > Pet Supplies\n"


@pytest.fixture
def written(tmp_path):
    def write(text, name="tree.txt"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("text", "form", "leaves"),
    [
        (GOOGLE, "Google's list with ids", ["3237", "2"]),
        (
            SHOPIFY,
            "Shopify's list",
            ["gid://shopify/TaxonomyCategory/ap-1", "gid://shopify/TaxonomyCategory/ap-2"],
        ),
        (TABS, "ids and paths with a tab between them", ["ap-1", "ap-2"]),
        ("1 - a > b\n> c\nd\n", "a path on each line", ["1 - a > b", "c", "d"]),
    ],
)
def test_a_list_is_read_with_its_ids_in_its_order(written, text, form, leaves):
    read = read_tree_file(written(text))
    tree = Taxonomy.of_file(read)
    assert (read.form, tree.leaves) == (form, leaves)
    assert tree.name(tree.root) == "All products"


def test_the_topmost_category_of_a_list_belongs_to_every_path(written):
    tree = Taxonomy.load(written(GOOGLE))
    assert tree.path("3237") == "Animals & Pet Supplies > Live Animals"
    assert tree.find("Animals & Pet Supplies > Pet Supplies") == "2"


def test_a_category_that_only_paths_name_is_added(written):
    tree = Taxonomy.load(written("7 - A > B > C\n8 - D\n"))
    assert tree.ancestors("7") == ["A", "A > B"]


def test_shopifys_json_keeps_its_ids(written):
    categories = [
        {"id": "gid://x/ap", "name": "Animals", "parent_id": None, "level": 0},
        {"id": "gid://x/ap-1", "name": "Dogs", "parent_id": "gid://x/ap", "children": []},
    ]
    content = {"version": "2024-07", "verticals": [{"name": "Animals", "categories": categories}]}
    text = json.dumps(content, indent=1)
    read = read_tree_file(written(text, "categories.json"))
    tree = Taxonomy.of_file(read)
    assert tree.path("gid://x/ap-1") == "Animals > Dogs"
    assert text.splitlines()[read.line_of("gid://x/ap-1") - 1].strip() == '"id": "gid://x/ap-1",'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("1 - A\n2 - B\nC\n", r"txt:3: .*this one is not"),
        ("1 - A\n2 - B\n3 - A\n", r"txt:3: 'A' stands on line 1"),
        ("1 - A\n1 - B\n", r"txt:2: the id '1' occurs twice"),
        ("a\tA\nb\t >\n", r"txt:2: the path has no name"),
    ],
)
def test_a_faulty_list_is_refused_with_its_line(written, text, named):
    with pytest.raises(InputError, match=named):
        Taxonomy.load(written(text))


@pytest.mark.parametrize(
    "content",
    [
        {"verticals": [3]},
        {"verticals": [{"categories": ["x"]}]},
        {"verticals": [{"categories": [{"id": ["a"], "name": {}}]}]},
        {"verticals": []},
    ],
)
def test_hostile_json_of_shopifys_form_is_refused(written, content):
    with pytest.raises(InputError):
        Taxonomy.load(written(json.dumps(content), "categories.json"))


def test_hostile_lists_end_in_one_line(written):
    deep = "1 - " + " > ".join(["n"] * 10_000) + "\n2 - B\n"
    with pytest.raises(InputError, match="more than 100 levels"):
        Taxonomy.load(written(deep))
    with pytest.raises(InputError, match="1,000,000 lines; the limit is 200,000"):
        Taxonomy.load(written("".join(f"{n}\n" for n in range(1_000_000))))


def test_a_category_of_a_list_of_paths_is_found_on_its_first_line(written):
    read = read_tree_file(written("# none\nA > B > C\nA > D\n"))
    lines = [read.line_of(each) for each in ("A", "A > B > C", "A > D", "E")]
    assert lines == [2, 2, 3, None]


def test_a_table_is_read_up_to_the_limit_only(written, monkeypatch):
    monkeypatch.setattr(taxonomy_files, "MAX_CATEGORIES", 3)
    assert len(Taxonomy.load(written("path\na\nb\nc\n", "tree.csv")).leaves) == 3
    with pytest.raises(InputError, match="more than 3 rows"):
        Taxonomy.load(written("path\na\nb\nc\nd\n", "tree.csv"))
