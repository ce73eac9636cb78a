"""Leaves that are suggested for the categories of sources."""

from shelfsort.catalog.category_counts import Sorted
from shelfsort.catalog.crosswalk import Crosswalk, lines
from shelfsort.catalog.suggestions import NameSimilarity, suggestions, write_suggestions
from shelfsort.products.taxonomy import Taxonomy

TREE = Taxonomy.from_nodes(
    [
        {"id": "root", "name": "All", "subcategories": ["clothes", "shoes"]},
        {
            "id": "clothes",
            "name": "Clothes",
            "subcategories": ["shirts", "dresses"],
            "parent": "root",
        },
        {"id": "shirts", "name": "Shirts", "subcategories": [], "parent": "clothes"},
        {"id": "dresses", "name": "Summer dresses", "subcategories": [], "parent": "clothes"},
        {"id": "shoes", "name": "Shoes", "subcategories": ["boots"], "parent": "root"},
        {"id": "boots", "name": "Rain boots", "subcategories": [], "parent": "shoes"},
    ]
)


def suggested(products, given=(), leaves=None):
    found = suggestions(products, given, Crosswalk(leaves or {}, TREE), TREE)
    return {(line.source, line.category): line for line in found}


def test_names_are_compared_by_their_words_whatever_their_number_and_order():
    nearest = NameSimilarity(TREE).nearest("CLOTHES > Dress, summer", 2)
    assert nearest[0] == ("dresses", 1.0)
    assert nearest[1][0] == "shirts"
    assert NameSimilarity(TREE).nearest("Toys", 2) == []


def test_a_category_that_names_a_leaf_a_similar_one_and_one_that_is_neither():
    found = suggested(
        [
            Sorted("a", ("Shirts",), 3),
            Sorted("a", ("Shoes > Boots for rain",), 2),
            Sorted("a", ("Sale",), 9),
        ]
    )
    assert list(found) == [("a", "Sale"), ("a", "Shirts"), ("a", "Shoes > Boots for rain")]
    by = {name: (line.to, line.by, line.products) for (_, name), line in found.items()}
    assert by == {
        "Sale": ("", "", 9),
        "Shirts": ("Clothes > Shirts", "tree", 3),
        "Shoes > Boots for rain": ("Shoes > Rain boots", "name", 2),
    }


def test_products_with_a_known_leaf_tell_what_their_other_category_means():
    found = suggested(
        [
            Sorted("a", ("Tops", "Shirts"), 12),
            Sorted("a", ("Tops", "Boots"), 1),
            Sorted("a", ("New", "Shirts"), 9),
        ]
    )
    assert (found["a", "Tops"].to, found["a", "Tops"].by) == ("Clothes > Shirts", "products")
    assert (found["a", "New"].to, found["a", "New"].others) == ("", ("Clothes > Shirts",))


def test_lines_of_the_present_crosswalk_stay_and_the_file_is_a_crosswalk(tmp_path):
    given = [("", "Tees", "shirts"), ("a", "Gifts", "ignore")]
    leaves = {("", "tees"): "shirts", ("a", "gifts"): "ignore"}
    products = [Sorted("a", ("tees",), 4), Sorted("a", ("Gifts",), 2), Sorted("a", ("Hats",), 1)]
    found = suggested(products, given, leaves)
    assert [(line.category, line.products, line.by) for line in found.values()] == [
        ("Tees", 4, "given"),
        ("Gifts", 2, "given"),
        ("Hats", 1, ""),
    ]
    file = str(tmp_path / "crosswalk.csv")
    write_suggestions(file, found.values())
    assert lines(file) == [*given, ("a", "Hats", "")]
    read = Crosswalk.load(file, TREE)
    assert read.leaf("a", ("TEES",)) == "shirts"
    assert read.of("a", "gifts") == "ignore"
    assert read.leaf("a", ("Gifts", "Shirts")) == "shirts"
