from xml.etree import ElementTree

import pytest

from shelfsort.core.errors import InputError
from shelfsort.labeling.pages.label_studio_config import label_studio_config
from shelfsort.labeling.pages.tree import Guide, picker_nodes
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths

HOSTILE = "\"Q\" <b>& 'x' 🙂 {{y}}"


@pytest.fixture
def nodes():
    tree = Taxonomy.from_nodes(nodes_of_paths(["Bags > Totes", f"Odd > {HOSTILE}"]))
    return picker_nodes(tree, Guide({"Bags > Totes": HOSTILE}))


def paths(element, above=()):
    for choice in element.findall("Choice"):
        names = (*above, choice.get("value"))
        if choice.findall("Choice"):
            yield from paths(choice, names)
        else:
            yield names


def test_the_tree_and_cannot_tell_are_the_choices(nodes):
    view = ElementTree.fromstring(label_studio_config(nodes, ["image", "title"], HOSTILE))
    taxonomy = view.find("Taxonomy")
    assert set(paths(taxonomy)) == {("cannot tell",), ("Odd", HOSTILE), ("Bags", "Totes")}
    assert taxonomy.get("leafsOnly") == taxonomy.get("required") == "true"
    assert view.find(".//Choice[@value='Totes']").get("hint") == HOSTILE
    assert view.find("Header").get("value") == HOSTILE
    names = {each.get("name") for each in view} - {None}
    assert {each.get("toName") for each in view} - {None} <= names
    assert [each.get("value") for each in view if each.get("name") in ("image", "text")] == [
        "$image",
        "$title",
    ]


def test_without_words_the_answer_is_about_the_image(nodes):
    view = ElementTree.fromstring(label_studio_config(nodes, ["image"]))
    assert view.find("Taxonomy").get("toName") == "image"
    assert view.find("Text") is None


def test_without_images_nothing_is_asked_about_them(nodes):
    view = ElementTree.fromstring(label_studio_config(nodes, ["description", "price"]))
    assert view.find("Image") is None
    assert view.find("Choices") is None
    assert [(each.get("name"), each.get("value")) for each in view.findall("Text")] == [
        ("text", "$description"),
        ("price", "$price"),
    ]


def test_a_path_that_means_two_categories_is_refused():
    with pytest.raises(InputError, match="shares its path"):
        label_studio_config([{"id": "1", "name": "Hats", "label": "1"}], ["title"])
