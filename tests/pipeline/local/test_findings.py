"""What data holds, and what to expect of a run on it."""

from pathlib import Path

import pytest

from components.manifest_example_gen.settings import DataConfig
from pipeline.cli.check import readable
from pipeline.local.findings import expectations, find, warnings
from shelfsort.core.errors import InputError

SPLITS = {"train": 80, "calibration": 10, "eval": 10}


@pytest.fixture
def table(tmp_path, make_picture):
    (tmp_path / "1.jpg").write_bytes(make_picture())
    rows = ["1,mug,1.jpg,Kitchen > Mugs,9", "2,bowl,2.jpg,Kitchen > Bowls,8", "3,boot,,Shoes,7"]
    path = tmp_path / "products.csv"
    path.write_text("\n".join(["sku,name,image,category,stock", *rows, "4,sock,,,6"]) + "\n")
    return str(path)


def test_columns_rows_categories_and_images_are_found(table):
    found = find(table, "", DataConfig(max_reject_share=0.4))
    (file,) = found.files
    assert (file.form, file.rows, file.unused) == ("CSV", 4, ("stock",))
    assert file.columns == {"id": "sku", "title": "name", "image": "image", "category": "category"}
    assert (found.rows, found.products, found.unusable) == (4, 3, "")
    assert found.categories == {"Kitchen > Bowls": 1, "Kitchen > Mugs": 1, "Shoes": 1}
    assert found.images.startswith("2 named; of 2 opened, 1 can be used (1 JPEG)")
    ((_, n, first),) = found.rejects
    assert (n, first) == (1, f"{table}:5: no category")
    assert f"  1 product is not labelled yet; the first: {first}" in readable(found, 80)
    found.refuse_unusable()


def test_labels_with_inner_categories_are_left_out_or_counted_apart(table):
    with Path(table).open("a") as stream:
        stream.write("5,cup,,Kitchen,5\n6,pan,,Kitchen,5\n")
    rejected = find(table, "", DataConfig(max_reject_share=1.0))
    assert rejected.rejects[0][1] == 2
    assert any("data.inner_labels=train" in line for line in readable(rejected, 80))
    found = find(table, "", DataConfig(max_reject_share=0.4, inner_labels="train"))
    assert (found.products, found.inner, found.unusable) == (5, {"Kitchen": 2}, "")
    assert sum(found.categories.values()) == 3
    said = "  2 only train: their labels are inner categories (1, most often 'Kitchen', 2 times)"
    assert said in readable(found, 80)
    assert not any("data.inner_labels=train" in line for line in readable(found, 80))


def test_data_that_a_run_would_refuse_is_described_and_refused(table):
    with Path(table).open("a") as stream:
        stream.write("1,mug again,,Shoes,5\n")
    found = find(table, "", DataConfig())
    assert found.products == 3
    assert any(line.startswith("Products: 3 of 5 rows") for line in readable(found, 80))
    with pytest.raises(
        InputError, match=r"25\.0% of 4 lines with a label .*\(repeated_id 1 from line 6\)"
    ):
        found.refuse_unusable()


def test_products_without_words_and_without_a_usable_image_cannot_be_used(tmp_path, make_picture):
    (tmp_path / "1.jpg").write_bytes(make_picture())
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    rows = ["1,mug,gone.jpg,Mugs", "2,,1.jpg,Mugs", "3,,gone.jpg,Mugs", "4,,broken.jpg,Bowls"]
    rows += ["5, ,gone.jpg,Bowls", "6,bowl,,Bowls"]
    path = tmp_path / "products.csv"
    path.write_text("\n".join(["id,title,image,category", *rows]) + "\n")
    found = find(str(path), "", DataConfig(max_reject_share=0.6))
    assert (found.rows, found.products, found.unusable) == (6, 3, "")
    assert found.categories == {"Mugs": 2, "Bowls": 1}
    assert [(n, first) for _, n, first in found.rejects] == [
        (2, f"{path}:4: No such file or directory"),
        (1, f"{path}:5: {found.rejects[1][2].split(': ', 1)[1]}"),
    ]
    strict = find(str(path), "", DataConfig(max_reject_share=0.4))
    assert "50.0% of 6 lines are rejected" in strict.unusable


def test_a_price_that_is_none_is_named_with_its_line(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text("title,price,category,stock\na,9.5,M,\nb,gratis,B,1\nc,free,B,\n")
    found = find(str(path), "", DataConfig())
    (said,) = found.ignored
    assert found.ignored[said] == 2
    assert found.first_ignored[said] == f"{path}:3: 'gratis'"
    assert f"  2 x {said}; the first: {path}:3: 'gratis'" in readable(found, 80)


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("title,price,category,stock", "the description or image, name it, as in --columns image="),
        ("title,category,stock", "the description, price or image, name it"),
        ("title,description,price,category,stock", "the image, name it"),
        ("title,description,price,image,category,stock", ""),
    ],
)
def test_unused_columns_come_with_a_hint_where_a_field_has_none(tmp_path, header, hint):
    path = tmp_path / "products.csv"
    rows = [
        ",".join(each if name in ("title", "category") else "" for name in header.split(","))
        for each in "xy"
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    said = readable(find(str(path), "", DataConfig()), 80)
    (line,) = [each for each in said if "not used" in each]
    assert line.startswith("  not used: 'stock'")
    assert hint in line and ("--columns" in line) is bool(hint)


def test_an_image_that_is_not_opened_is_looked_up(tmp_path, make_picture):
    (tmp_path / "1.jpg").write_bytes(make_picture())
    for n in range(2, 211):
        (tmp_path / f"{n}.jpg").hardlink_to(tmp_path / "1.jpg")
    names = {2: "gone"}
    rows = [f"{names.get(n, n)}.jpg,{('Mugs', 'Bowls')[n % 2]}" for n in range(1, 211)]
    path = tmp_path / "products.csv"
    path.write_text("\n".join(["image,category", *rows]) + "\n")
    found = find(str(path), "", DataConfig())
    assert found.products == 209
    assert "of 70 opened, 70 can be used" in found.images
    assert "of the others, 1 cannot; the first that cannot: 'gone.jpg'" in found.images


def test_a_run_that_would_stop_at_lost_images_is_told(tmp_path):
    rows = [f"mug {n},gone-{n}.jpg,{('Mugs', 'Bowls')[n % 2]}" for n in range(10)]
    path = tmp_path / "products.csv"
    path.write_text("\n".join(["title,image,category", *rows]) + "\n")
    found = find(str(path), "", DataConfig())
    assert found.products == 10
    assert "the images of 10 of 10 products cannot be used" in found.unusable


def test_a_category_that_may_be_misspelt_is_named_where_no_tree_is_given(tmp_path):
    names = ["Mugs"] * 20 + ["Bowls"] * 20 + ["Mgus"]
    path = tmp_path / "products.csv"
    lines = [f"item {n},{name}" for n, name in enumerate(names)]
    path.write_text("\n".join(["title,category", *lines]) + "\n")
    *_, last = find(str(path), "", DataConfig()).expectations
    assert "'Mgus' of 'Mugs'" in last and "--taxonomy" in last
    tree = tmp_path / "tree.txt"
    tree.write_text("Mugs\nBowls\nMgus\n")
    assert not any("Mgus" in each for each in find(str(path), str(tree), DataConfig()).expectations)


def test_too_few_products_are_told_how_many_more_or_which_splits():
    at_95, at_98 = expectations(200, {"a": 100, "b": 100}, SPLITS)
    assert "About 20 products" in at_95 and "59 are needed" in at_95
    assert "Label about 390 more" in at_95
    assert "149 are needed" in at_98 and "--set" not in at_98
    (at_95, *_) = expectations(400, {"a": 400}, SPLITS)
    assert "{train: 62, calibration: 23, eval: 15}" in at_95


def test_a_run_warns_of_what_it_will_fall_short_of_and_of_nothing_else():
    assert list(warnings(3_000, {"a": 2_990, "b": 10}, {"train": 90, "eval": 10})) == []
    at_95, at_98, few = warnings(60, {"a": 55, "b": 5}, {"train": 90, "eval": 10})
    assert at_95.startswith("95 %: cannot be certified. About 54 products")
    assert (at_98[:4], few[:4]) == ("98 %", "1 of")


def test_enough_products_are_told_how_many_errors_they_bear():
    # Of 100, one error or less proves 95 %: the chance of it at 5 % errors is .037, of two .118.
    at_95, _ = expectations(1_000, {"a": 500, "b": 500}, SPLITS)
    assert "if at most 1 of these are wrong" in at_95
    # Of 150, two: the chance is .018, and of three .055.
    at_95, at_98 = expectations(1_500, {"a": 500, "b": 500}, SPLITS)
    assert "if at most 2 of these" in at_95 and "half if none of the surest 75" in at_95
    assert "if none of these" in at_98


def test_categories_too_small_to_learn_are_counted():
    *_, few = expectations(3_000, {"a": 9, "b": 10, "c": 2_981}, SPLITS)
    assert few.startswith("1 of 3 categories")
    assert "--min-products 10" in few


def test_without_a_calibration_split_training_products_are_the_evidence():
    at_95, _ = expectations(1_000, {"a": 500, "b": 500}, {"train": 90, "eval": 10})
    assert "About 900 products" in at_95


def test_expectations_go_by_the_targets_of_the_configuration():
    said = list(expectations(200, {"a": 100, "b": 100}, SPLITS, (0.9, 0.975)))
    assert [each.split(" %")[0] for each in said] == ["90", "97.5"]
