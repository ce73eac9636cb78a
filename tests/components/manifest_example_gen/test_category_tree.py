"""The tree of a run, as given or built from the labels, and the part of it that is learnt."""

import dataclasses
import json
import pickle

import pytest

from components.manifest_example_gen.category_tree import load_resolver
from components.manifest_example_gen.labelling import labelled_product
from components.manifest_example_gen.preflight import check
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.lines import product_lines

LABELS = ["Kitchen > Mugs"] * 3 + ["Kitchen>Bowls"] * 2 + ["Shoes"] * 2 + ["Gifts > Mugs"]


@pytest.fixture
def table(tmp_path):
    rows = "".join(f"p{n},title {n},{label}\n" for n, label in enumerate(LABELS))
    path = tmp_path / "products.csv"
    path.write_text(f"id,title,category\n{rows}")
    return str(path)


@pytest.fixture
def tree(tmp_path):
    nodes = [
        {"id": "k", "name": "Kitchen"},
        {"id": "m", "name": "Mugs", "parent": "k"},
        {"id": "b", "name": "Bowls", "parent": "k"},
        {"id": "s", "name": "Shoes"},
        {"id": "g", "name": "Gifts"},
        {"id": "gm", "name": "Mugs", "parent": "g"},
    ]
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(nodes))
    return str(path)


def settings(**given):
    return DataConfig(label_attribute="category", **given)


def outcomes(table, taxonomy, data):
    resolver = load_resolver([table], taxonomy, data)
    return [
        labelled_product(read_record(line), data, resolver)
        for line in product_lines(table, data.reading)
    ]


def labels(table, taxonomy, data):
    """The leaf of each row, or the reason why it is left out."""
    found = outcomes(table, taxonomy, data)
    return [each.label.category if hasattr(each, "label") else each.reason for each in found]


def test_inner_categories_with_a_part_that_is_not_learnt_are_left_out(table, tree):
    rows = "p90,cup,Kitchen\np91,gift,Gifts\n"
    with open(table, "a") as stream:  # noqa: PTH123 - a str path
        stream.write(rows)
    teaching = settings(inner_labels="train")
    assert labels(table, tree, teaching)[-2:] == ["k", "g"]
    assert labels(table, "", teaching)[-2:] == ["Kitchen", "Gifts"]
    chosen = dataclasses.replace(teaching, categories=("m", "s", "g"))
    assert labels(table, tree, chosen)[-2:] == ["not_selected", "g"]
    frequent = dataclasses.replace(teaching, min_products=2)
    assert labels(table, tree, frequent)[-2:] == ["k", "rare_category"]


def test_without_a_tree_it_is_built_from_the_labels_paths(table):
    resolver = load_resolver([table], "", settings())
    assert resolver.taxonomy.leaves == [
        "Gifts > Mugs",
        "Kitchen > Bowls",
        "Kitchen > Mugs",
        "Shoes",
    ]
    assert labels(table, "", settings())[3:] == ["Kitchen > Bowls"] * 2 + ["Shoes"] * 2 + [
        "Gifts > Mugs"
    ]


def test_a_product_of_a_table_counts_fully_and_names_no_worker(table):
    label = outcomes(table, "", settings())[0].label
    assert (label.confidence, label.weight, label.workers) == (1.0, 1.0, ())


@pytest.mark.parametrize("label", ["m", "Kitchen > Mugs"])
def test_labels_are_ids_or_paths_of_a_given_tree(tmp_path, tree, label):
    path = tmp_path / "p.csv"
    path.write_text(f"title,category\nx,{label}\ny,Bowls\nz,Mugs\n")
    assert labels(str(path), tree, settings()) == ["m", "b", "ambiguous_label"]


def test_an_ambiguous_label_is_refused_with_its_candidates(tmp_path, tree):
    path = tmp_path / "p.csv"
    path.write_text("title,category\nz,Mugs\n")
    (reject,) = outcomes(str(path), tree, settings())
    assert "'m' (Kitchen > Mugs)" in reject.detail
    assert "'gm' (Gifts > Mugs)" in reject.detail


@pytest.mark.parametrize("chosen", ["k", "Kitchen"])
def test_a_department_is_learnt_alone(table, tree, chosen):
    data = settings(categories=(chosen,))
    assert load_resolver([table], tree, data).taxonomy.leaves == ["m", "b"]
    assert labels(table, tree, data) == ["m"] * 3 + ["b"] * 2 + ["not_selected"] * 3


def test_categories_are_chosen_from_a_tree_that_is_built(table):
    data = settings(categories=("Shoes", "Kitchen > Mugs"))
    assert load_resolver([table], "", data).taxonomy.leaves == ["Kitchen > Mugs", "Shoes"]


@pytest.mark.parametrize(
    ("chosen", "named"), [("Mugs", "'m' .*'gm'"), ("Hats", "'Hats'"), ("s", "fewer")]
)
def test_a_choice_that_is_unclear_or_too_small_is_refused(table, tree, chosen, named):
    with pytest.raises(InputError, match=f"--categories.*{named}"):
        load_resolver([table], tree, settings(categories=(chosen,)))


def test_categories_with_few_products_are_left_out(table, tree):
    data = settings(min_products=2)
    assert load_resolver([table], tree, data).taxonomy.leaves == ["m", "b", "s"]
    assert labels(table, tree, data)[-1] == "rare_category"
    with pytest.raises(InputError, match=r"1 categories have 3 products.*data\.min_products"):
        load_resolver([table], tree, settings(min_products=3))


def test_what_the_settings_leave_out_is_no_fault_of_the_data(table, tree):
    found = check(table, tree, DataConfig(categories=("Gifts", "s"), max_reject_share=0.0))
    assert (found.lines, found.rejected, len(found.categories)) == (8, 5, 2)


def test_a_table_without_labels_is_refused_before_anything_else(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("title,kind\nx,a\n")
    with pytest.raises(InputError, match=r"'title', 'kind'.*--columns category=NAME"):
        check(str(path), "", DataConfig())


def test_workers_go_on_with_the_same_leaves(table, tree):
    resolver = load_resolver([table], tree, settings(categories=("k",), label_form="path"))
    again = pickle.loads(pickle.dumps(resolver))
    assert again.taxonomy.leaves == resolver.taxonomy.leaves
    assert (again.by, again.dropped) == ("path", resolver.dropped)


def test_a_folder_of_images_needs_no_other_file(tmp_path, make_picture):
    for name in ("Mugs/1.jpg", "Bowls/2.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(make_picture())
    found = check(str(tmp_path / "photos"), "", DataConfig())
    assert (found.lines, found.rejected, len(found.categories)) == (2, 0, 2)
