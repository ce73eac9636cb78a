"""The crosswalk from the categories of sources to the leaves of the tree."""

import pytest

from shelfsort.catalog.crosswalk import Crosswalk
from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy
from tests.fixtures.catalogue import TREE


def crosswalk(tmp_path, *lines):
    file = tmp_path / "crosswalk.csv"
    file.write_text("".join(f"{line}\n" for line in lines))
    return Crosswalk.load(str(file), Taxonomy.from_nodes(TREE))


def test_categories_are_merged_by_the_file(tmp_path):
    found = crosswalk(
        tmp_path, "from,to", "Tees,shirts", "blouses ,Clothes > Shirts", "Boots,Shoes"
    )
    assert found.leaf("any", ("  TEES",)) == "shirts"
    assert found.leaf("any", ("Blouses",)) == "shirts"
    assert found.leaf("any", ("Sale", "boots", "Tees")) == "shoes"
    assert found.leaf("any", ("Sale",)) is None
    assert found.leaf("any", ()) is None


def test_a_category_that_names_a_leaf_needs_no_line(tmp_path):
    found = crosswalk(tmp_path, "from,to", "Shoes,")
    assert found.leaf("any", ("Clothes > Trousers",)) == "trousers"
    # The file says that this one means none.
    assert found.leaf("any", ("Shoes",)) is None


def test_a_line_of_the_source_counts_before_that_of_all(tmp_path):
    found = crosswalk(tmp_path, "source,from,to", "outlet,Basics,trousers", ",Basics,shirts")
    assert found.leaf("outlet", ("Basics",)) == "trousers"
    assert found.leaf("other", ("Basics",)) == "shirts"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a,b"], "no column 'from'"),
        (["from,to", ",shirts"], "crosswalk.csv:2: from is empty"),
        (["from,to", "Tees,hats"], "crosswalk.csv:2: "),
        (["from,to", "Tees,Clothes"], "crosswalk.csv:2: "),
        (["from,to", "Tees,shirts", "tees,shoes"], "crosswalk.csv:3: 'tees' is mapped to two"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, lines, said):
    with pytest.raises(InputError, match=said):
        crosswalk(tmp_path, *lines)


def test_a_misspelt_source_is_refused_with_its_line(tmp_path):
    file = tmp_path / "crosswalk.csv"
    file.write_text("source,from,to\nshop,Cups,shirts\nshopp,Cups,shirts\n")
    tree = Taxonomy.from_nodes(TREE)
    with pytest.raises(InputError, match=r"crosswalk\.csv:3: no source 'shopp'"):
        Crosswalk.load(str(file), tree, ["shop", "other"])
