from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths
from shelfsort.products.trees.search import search

TREE = Taxonomy.from_nodes(
    nodes_of_paths(
        ["Pets > Dog Food > Dry", "Pets > Dog Food > Wet", "Snacks > Food for dogs", "Dog", "Café"]
    )
)


def paths(words, limit=20):
    return [each.path for each in search(TREE, words, limit)[0]]


def test_an_equal_name_comes_first_then_beginnings_then_words_then_paths():
    assert paths("dog") == [
        "Dog",
        "Pets > Dog Food",
        "Snacks > Food for dogs",
        "Pets > Dog Food > Dry",
        "Pets > Dog Food > Wet",
    ]


def test_every_word_has_to_be_on_the_path_without_case_and_accents():
    assert paths("PETS wet") == ["Pets > Dog Food > Wet"]
    assert paths("cafe") == ["Café"]
    assert paths("pets cafe") == []


def test_a_limit_leaves_the_total_as_it_is():
    found, total = search(TREE, "dog", 1)
    assert ([each.id for each in found], total) == (["Dog"], 5)


def test_a_match_says_how_many_leaves_it_has():
    (food,), _ = search(TREE, "Pets > Dog Food", 1)
    assert (food.leaf, food.leaves) == (False, 2)
