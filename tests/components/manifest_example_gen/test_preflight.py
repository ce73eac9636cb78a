import json
import sys
from pathlib import Path

import pytest

from components.manifest_example_gen.preflight import Preflight, check, find_label_attribute
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError

DATA = Path(__file__).parents[3] / "../shared/data"


@pytest.fixture
def good(catalogue, make_line):
    for n, label in enumerate(["shirts", "shoes", "trousers", "shoes"]):
        reference = catalogue.picture(f"{n}.jpg")
        catalogue.add(make_line([label], id=str(n), title=f"t{n}", **{"source-ref": reference}))
    return catalogue


def checked(catalogue, **settings):
    catalogue.write()
    return check(catalogue.manifest, catalogue.taxonomy, DataConfig(**settings))


def test_a_good_manifest_is_described(good):
    found = checked(good)
    assert found == Preflight("shelf", (good.manifest,), 4, found.digest, 3, 0)
    assert len(found.digest) == 32


def test_the_digest_is_the_same_wherever_the_catalogue_lies(good, tmp_path):
    before = checked(good).digest
    moved = tmp_path / "moved"
    good.folder.rename(moved)
    assert (
        check(str(moved / "labelled.manifest"), str(moved / "taxonomy.json"), DataConfig()).digest
        == before
    )


@pytest.mark.parametrize("change", ["picture", "manifest", "taxonomy", "reduction"])
def test_the_digest_changes_with_everything_that_is_read(good, change, make_line, make_picture):
    before = checked(good).digest
    options = {}
    if change == "picture":
        good.picture("2.jpg", make_picture(colour=(0, 0, 0)))
    elif change == "manifest":
        good.add(make_line(["shoes"], id="new", title="new"))
    elif change == "taxonomy":
        path = Path(good.taxonomy)
        path.write_text(path.read_text().replace("Shoes", "Boots"))
    else:
        options["reduction"] = str(good.folder / "reduction.csv")
        Path(options["reduction"]).write_text("from,to\nshirts,trousers\n")
    assert checked(good, **options).digest != before


def test_pictures_outside_the_folder_are_not_read_for_the_digest(good, make_line, tmp_path):
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"1")
    good.add(make_line(["shoes"], id="o", **{"source-ref": "../outside.jpg"}))
    before = checked(good).digest
    outside.write_bytes(b"2")
    assert checked(good).digest == before


def test_lines_that_will_be_left_out_are_counted(good, make_line):
    good.add(make_line(["shoes"], id="0", title="repeated"))
    assert checked(good).rejected == 1


def test_a_missing_manifest_is_one_line_with_the_remedy(good):
    with pytest.raises(InputError, match=r"none.manifest: the manifest cannot be read") as caught:
        check(str(good.folder / "none.manifest"), good.taxonomy, DataConfig())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf\n"])
def test_an_empty_manifest_is_refused(catalogue, content):
    Path(catalogue.manifest).write_bytes(content)
    with pytest.raises(InputError, match="the manifest is empty"):
        check(catalogue.manifest, catalogue.taxonomy, DataConfig())


def test_a_manifest_that_is_not_json_is_refused_with_its_first_line(catalogue):
    catalogue.add(b"")
    catalogue.add(b"id,title")
    with pytest.raises(InputError, match=r"labelled.manifest:2: not_json: .*JSON Lines"):
        checked(catalogue)


def test_a_manifest_without_labels_is_refused(catalogue):
    catalogue.add({"id": "a", "title": "t"})
    with pytest.raises(InputError, match="no label attribute"):
        checked(catalogue)


def test_several_label_attributes_are_named_with_the_remedy(good, make_line):
    line = make_line(["shoes"], id="x", title="x")
    line["other-metadata"] = {"type": "groundtruth/image-classification", "class-name": "Shoes"}
    good.add({**line, "other": 1})
    with pytest.raises(InputError, match=r"'other', 'shelf'.*--set data.label_attribute=NAME"):
        checked(good)
    assert checked(good, label_attribute="shelf").lines == 5


def test_a_wrong_label_attribute_is_answered_with_those_there_are(good):
    with pytest.raises(InputError, match=r"attribute 'colour' \(there: 'shelf'\)"):
        checked(good, label_attribute="colour")


def test_one_category_is_too_few(catalogue, make_line):
    catalogue.add(make_line(["shoes"], id="a", title="t"))
    with pytest.raises(InputError, match="only 'shoes' has products"):
        checked(catalogue)


def test_a_tree_with_one_leaf_is_too_small(good):
    Path(good.taxonomy).write_text(
        json.dumps(
            [
                {"id": "main", "name": "Main", "subcategories": ["shoes"]},
                {"id": "shoes", "name": "Shoes", "subcategories": [], "parent": "main"},
            ]
        )
    )
    with pytest.raises(InputError, match="fewer than two categories"):
        checked(good)


def test_a_manifest_for_another_tree_is_refused_with_the_first_line(catalogue, make_line):
    for n in range(3):
        catalogue.add(make_line(["hats"], id=str(n), title="t"))
    with pytest.raises(InputError, match=r":1: every line is rejected \(unknown_label 3 from line"):
        checked(catalogue)


def test_too_many_rejects_stop_the_run_before_it_starts(good, make_line):
    good.add(make_line(["hats"], id="h", title="t"))
    with pytest.raises(InputError, match=r":5: 20.0% of 5 lines .*max_reject_share"):
        checked(good, max_reject_share=0.1)
    assert checked(good, max_reject_share=0.2).rejected == 1


def test_an_impossible_reduction_is_refused_by_the_reductions_name(good):
    path = good.folder / "reduction.csv"
    path.write_text("from,to\nshirts,clothes\n")
    with pytest.raises(InputError, match=r"reduction.csv: .*keeps the subcategory 'trousers'"):
        checked(good, reduction=str(path))


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the shared development data")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("birds_imgclass", "birds-open-images-clone"),
        ("docs_example_image_and_text", "2 label attributes"),
        ("docs_multilabel", "image-classification-multilabel"),
        ("birds_objdet", "object-detection"),
    ],
)
def test_label_attributes_of_real_manifests(name, expected):
    manifest = str(DATA / "manifests" / f"{name}.manifest")
    try:
        found = find_label_attribute([manifest])
    except InputError as error:
        found = str(error)
    assert expected in found


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the shared development data")
def test_a_real_catalogue_passes():
    folder = DATA / "grocery"
    found = check(str(folder / "labelled.manifest"), str(folder / "taxonomy.json"), DataConfig())
    assert (found.label_attribute, found.lines, found.categories) == ("product-category", 972, 81)


def test_pictures_in_a_store_whose_package_is_missing_stop_the_run_at_once(good, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    line = json.loads(good.lines[0]) | {"id": "far", "source-ref": "s3://bucket/picture.jpg"}
    good.add(line)
    with pytest.raises(InputError, match=r"s3://bucket/picture.jpg: .*pip install") as refused:
        checked(good)
    assert "\n" not in str(refused.value)
