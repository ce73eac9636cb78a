import json

import pytest
from PIL import Image

from shelfsort.core.errors import InputError
from shelfsort.labeling.asking.plan import set_aside
from shelfsort.labeling.web.choices import Choices
from shelfsort.labeling.web.products import MAX_SHOWN_CHARS, read_catalogue
from shelfsort.products.tables.rows import Reading
from shelfsort.products.taxonomy import Taxonomy


def ids(catalogue):
    return [each.product.id for each in catalogue.listed]


def test_labels_of_the_data_are_not_looked_at(tmp_path):
    path = tmp_path / "p.manifest"
    lines = [{"id": "a", "title": "A", "shelf": 7, "shelf-metadata": {"type": "x"}, "-metadata": 1}]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert ids(read_catalogue(str(path), Reading())) == ["a"]


def test_a_table_may_call_its_columns_otherwise(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("sku,Name,Photo,Category\n1,Mug,a.jpg,Mugs\n2,,,\n")
    catalogue = read_catalogue(str(path), Reading())
    (mug,) = [each.product for each in catalogue.listed]
    assert (mug.id, mug.title, mug.image) == ("1", "Mug", "a.jpg")
    assert (catalogue.rejects, catalogue.first_reject.split(": ")[1]) == (
        {"no_content": 1},
        "no_content",
    )


@pytest.mark.parametrize("name", ["photos", "photos/", "./photos"])
def test_a_folder_of_images_needs_no_categories(tmp_path, name, monkeypatch):
    folder = tmp_path / "photos"
    (folder / "more" / ".hidden").mkdir(parents=True)
    for path in ("b.jpg", "a.PNG", "more/c.webp", "more/.hidden/d.jpg", "notes.txt"):
        (folder / path).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    catalogue = read_catalogue(name, Reading())
    assert ids(catalogue) == ["a.PNG", "more/c.webp", "b.jpg"]
    assert catalogue.listed[1].product.image == "photos/more/c.webp"


def test_a_later_file_replaces_a_product_and_a_repeated_line_is_left_out(tmp_path):
    for name, titles in (("1.csv", ["old", "again"]), ("2.csv", ["new"])):
        rows = "".join(f"p,{title}\n" for title in titles)
        (tmp_path / name).write_text("id,title\n" + rows + "q,Q\n")
    catalogue = read_catalogue(str(tmp_path), Reading())
    assert [each.product.title for each in catalogue.listed] == ["new", "Q"]
    assert catalogue.rejects == {"repeated_id": 1}


def test_products_come_in_an_order_that_their_ids_alone_decide(tmp_path):
    rows = [f"{shelf}-{number},{shelf}\n" for shelf in ("Bowls", "Mugs") for number in range(200)]
    path = tmp_path / "p.csv"
    path.write_text("id,title\n" + "".join(rows))
    served = ids(read_catalogue(str(path), Reading()))
    assert sorted(served) == sorted(row.split(",")[0] for row in rows)
    assert [served[row] for row in set_aside(served, 1.0)] == served
    assert 35 < sum(id_.startswith("Bowls") for id_ in served[:100]) < 65
    path.write_text("id,title\n" + "".join(rows[::-1][:100]))
    fewer = ids(read_catalogue(str(path), Reading()))
    assert fewer == [id_ for id_ in served if id_ in fewer]


def test_long_words_are_cut(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(f"id,title\n1,{'x' * 9999}\n")
    assert len(read_catalogue(str(path), Reading()).listed[0].product.title) == MAX_SHOWN_CHARS


@pytest.mark.parametrize("content", ["id,title\n1,\n", "{}\n"])
def test_data_without_products_are_refused(tmp_path, content):
    path = tmp_path / "p.csv"
    path.write_text(content)
    with pytest.raises(InputError):
        read_catalogue(str(path), Reading())
    (tmp_path / "empty").mkdir()
    Image.new("RGB", (1, 1)).save(tmp_path / "empty" / ".hidden.png")
    with pytest.raises(InputError, match="no images"):
        read_catalogue(str(tmp_path / "empty"), Reading())


def test_a_label_is_a_path_where_that_means_one_leaf_and_else_an_id():
    nodes = [
        {"id": "root", "name": "All", "subcategories": ["a", "b", "c"]},
        {"id": "a", "name": "Hats", "subcategories": [], "parent": "root"},
        {"id": "b", "name": "Hats", "subcategories": [], "parent": "root"},
        {"id": "c", "name": "Bags", "subcategories": ["d"], "parent": "root"},
        {"id": "d", "name": "Totes", "subcategories": [], "parent": "c"},
    ]
    tree = Taxonomy.from_nodes(nodes)
    assert Choices(tree, "t").labels == {"a": "a", "b": "b", "d": "Bags > Totes"}
    nodes[1]["id"] = nodes[0]["subcategories"][0] = "Totes"
    nodes[2]["name"] = "Caps"
    nodes[1]["name"] = "Totes"
    with pytest.raises(InputError, match="names this leaf alone"):
        nodes[4]["id"] = nodes[3]["subcategories"][0] = "Hats"
        nodes[2]["name"] = nodes[1]["name"] = "Hats"
        nodes[1]["id"] = nodes[0]["subcategories"][0] = "Bags > Totes"
        Choices(Taxonomy.from_nodes(nodes), "t")
