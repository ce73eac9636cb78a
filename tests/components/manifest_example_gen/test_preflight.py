import json
import re
import sys
from pathlib import Path

import pytest
from fsspec.registry import _registry

from components.manifest_example_gen.preflight import Preflight, check
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.parsing import read_record
from tests.fixtures.golden import refusal

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
    assert found == Preflight("shelf", {good.manifest: 4}, found.digest, found.categories, 0)
    assert sorted(found.categories.values()) == [1, 1, 2]
    assert len(found.digest) == 96


def test_labels_with_inner_categories_are_counted_apart_where_they_teach(good, make_line):
    for label in ("Clothes", "clothes", "Main"):
        good.add(make_line([label], id=label, title=label))
    found = checked(good, inner_labels="train")
    assert (found.inner, sum(found.categories.values()), found.rejected) == ({"clothes": 2}, 4, 1)
    assert checked(good, max_reject_share=0.5).rejected == 3


def test_a_manifest_of_inner_categories_alone_is_refused(catalogue, make_line):
    catalogue.add(make_line(["Clothes"], id="1", title="t"))
    with pytest.raises(InputError, match=r"all 1 labels are inner categories.*leaves"):
        checked(catalogue, inner_labels="train")


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


@pytest.mark.parametrize(("most", "noticed"), [(22_000_000, True), (1000, False)])
def test_a_picture_counts_with_its_content_up_to_the_size_that_is_read(good, most, noticed):
    large = good.folder / good.picture("2.jpg", bytes(21_000_000))
    before = checked(good, max_image_bytes=most).digest
    with large.open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"1")
    assert (checked(good, max_image_bytes=most).digest != before) is noticed


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
    path = str(good.folder / "none.manifest")
    assert refusal(InputError, check, path, good.taxonomy, DataConfig()).startswith(f"{path}: ")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf\n"])
def test_an_empty_manifest_is_refused(catalogue, content):
    Path(catalogue.manifest).write_bytes(content)
    with pytest.raises(InputError, match="^" + re.escape(catalogue.manifest) + ": .*empty"):
        check(catalogue.manifest, catalogue.taxonomy, DataConfig())


def test_a_manifest_that_is_not_json_is_refused_with_its_first_line(catalogue):
    catalogue.add(b"")
    catalogue.add(b"id,title")
    with pytest.raises(InputError, match=r"labelled\.manifest:2: not_json: .* column 1"):
        checked(catalogue)


def test_a_manifest_without_labels_is_refused(catalogue):
    catalogue.add({"id": "a", "title": "t"})
    with pytest.raises(InputError, match=r"'id', 'title'.*--columns category=NAME"):
        checked(catalogue)


def test_several_label_attributes_are_named_with_the_remedy(good, make_line):
    line = make_line(["shoes"], id="x", title="x")
    line["other-metadata"] = {"type": "groundtruth/image-classification", "class-name": "Shoes"}
    good.add({**line, "other": 1})
    with pytest.raises(InputError, match=r"'other', 'shelf'.*--set data.label_attribute=NAME"):
        checked(good)
    assert checked(good, label_attribute="shelf").lines == 5


def test_a_wrong_label_attribute_is_answered_with_those_there_are(good):
    with pytest.raises(InputError, match=r"'colour' \(found: 'shelf'\)"):
        checked(good, label_attribute="colour")


def test_one_category_is_too_few(catalogue, make_line):
    catalogue.add(make_line(["shoes"], id="a", title="t"))
    with pytest.raises(InputError, match="'shoes'"):
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
    with pytest.raises(InputError, match=r"taxonomy\.json: .*two leaves"):
        checked(good)


def test_a_manifest_for_another_tree_is_refused_with_the_first_line(catalogue, make_line):
    for n in range(3):
        catalogue.add(make_line(["hats"], id=str(n), title="t"))
    with pytest.raises(InputError, match=r":1: .*\(unknown_label 3 from line 1\)"):
        checked(catalogue)


def test_too_many_rejects_stop_the_run_before_it_starts(good, make_line):
    good.add(make_line(["hats"], id="h", title="t"))
    with pytest.raises(InputError, match=r":5: 20\.0% .* 5 .* 10\.0% .*max_reject_share"):
        checked(good, max_reject_share=0.1)
    assert checked(good, max_reject_share=0.2).rejected == 1


def test_an_impossible_reduction_is_refused_by_the_reductions_name(good):
    path = good.folder / "reduction.csv"
    path.write_text("from,to\nshirts,clothes\n")
    with pytest.raises(InputError, match=r"reduction\.csv: .*'clothes'.*'trousers'"):
        checked(good, reduction=str(path))


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the shared development data")
def test_a_real_catalogue_passes():
    folder = DATA / "grocery"
    found = check(str(folder / "labelled.manifest"), str(folder / "taxonomy.json"), DataConfig())
    assert (found.label_attribute, found.lines) == ("product-category", 972)
    assert len(found.categories) == 81


def test_pictures_only_in_a_store_whose_package_is_missing_stop_the_run_at_once(good, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3", raising=False)
    line = json.loads(good.lines[0]) | {"id": "far", "source-ref": "s3://bucket/picture.jpg"}
    good.lines = []
    good.add(line)
    good.add(line | {"id": "farther", "shelf": {"workers": [{"label": "shoes"}]}})
    message = refusal(InputError, checked, good)
    assert message.startswith("s3://bucket/picture.jpg: ") and "shelfsort[aws]" in message


@pytest.mark.parametrize("at", [0, 7])
def test_a_stray_label_attribute_rejects_its_line_only(good, make_line, at):
    for number in range(10):
        good.add(make_line(["shoes"], id=f"more{number}", title="more"))
    stray = {"id": "s", "title": "t", "x": 1, "x-metadata": {"type": "groundtruth/custom"}}
    good.lines.insert(at, json.dumps(stray).encode())
    found = checked(good)
    assert (found.label_attribute, found.lines, found.rejected) == ("shelf", 15, 1)


def test_a_picture_in_such_a_store_does_not_stop_a_run_on_others(good, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3", raising=False)
    good.add(json.loads(good.lines[0]) | {"id": "far", "source-ref": "s3://bucket/picture.jpg"})
    assert checked(good).lines == 5


def test_every_line_is_read_once(good, monkeypatch):
    good.write()
    read = []

    def counted(line):
        read.append(line.number)
        return read_record(line)

    monkeypatch.setattr("components.manifest_example_gen.preflight.read_record", counted)
    assert check(good.manifest, good.taxonomy, DataConfig()).lines == 4
    assert read == [1, 2, 3, 4]


@pytest.fixture
def write_file(catalogue, make_line):
    """Writes one file: {id: label}."""

    def write(name, **labels):
        for id_, label in labels.items():
            catalogue.add(make_line([label], id=id_, title=f"thing {id_}"))
        catalogue.manifest = str(catalogue.folder / name)
        catalogue.write()
        catalogue.lines = []
        return str(catalogue.folder)

    return write


def test_a_later_answer_is_no_reject_and_a_repetition_within_a_file_is(
    write_file, catalogue, make_line
):
    write_file("1.manifest", a="shoes", b="shirts")
    catalogue.add(make_line(["shoes"], id="b", title="thing b"))
    folder = write_file("2.manifest", b="trousers")
    found = check(folder, catalogue.taxonomy, DataConfig(max_reject_share=0.5))
    assert [Path(file).name for file in found.files] == ["1.manifest", "2.manifest"]
    assert list(found.files.values()) == [2, 2]
    assert (found.lines, found.rejected) == (4, 1)


def test_the_digest_goes_by_every_file_and_their_order(write_file, catalogue):
    write_file("1.manifest", a="shoes", b="shirts")
    folder = write_file("2.manifest", b="shoes", c="shirts")
    both = check(folder, catalogue.taxonomy, DataConfig()).digest
    (catalogue.folder / "1.manifest").rename(catalogue.folder / "3.manifest")
    assert check(folder, catalogue.taxonomy, DataConfig()).digest != both
    first = check(f"{folder}/2.manifest", catalogue.taxonomy, DataConfig()).digest
    assert first not in (both, check(folder, catalogue.taxonomy, DataConfig()).digest)


def test_pictures_are_relative_to_their_own_files_folder(catalogue, make_line, make_picture):
    for day, colour in (("mon", (1, 1, 1)), ("tue", (2, 2, 2))):
        (catalogue.folder / day).mkdir()
        (catalogue.folder / day / "p.jpg").write_bytes(make_picture(colour=colour))
        for label in ("shoes", "shirts"):
            catalogue.add(make_line([label], id=day + label, **{"source-ref": "p.jpg"}))
        catalogue.manifest = str(catalogue.folder / day / "l.manifest")
        catalogue.write()
        catalogue.lines = []
    pattern = f"{catalogue.folder}/*/l.manifest"
    before = check(pattern, catalogue.taxonomy, DataConfig()).digest
    (catalogue.folder / "tue" / "p.jpg").write_bytes(make_picture(colour=(3, 3, 3)))
    assert check(pattern, catalogue.taxonomy, DataConfig()).digest != before


def test_an_empty_or_vanished_file_is_named_with_the_remedy(write_file, catalogue):
    folder = write_file("1.manifest", a="shoes", b="shirts")
    (catalogue.folder / "2.manifest").write_text("\n")
    with pytest.raises(InputError, match=r"2\.manifest: .*empty"):
        check(folder, catalogue.taxonomy, DataConfig())
    gone = catalogue.folder / "1.manifest"
    gone.unlink()
    with pytest.raises(InputError, match=r"1\.manifest: .*\(No such file"):
        check(str(gone), catalogue.taxonomy, DataConfig())


def test_a_reject_names_its_file(write_file, catalogue, make_line):
    write_file("1.manifest", a="shoes", b="shirts")
    folder = write_file("2.manifest", c="hats", d="hats")
    with pytest.raises(InputError, match=r"2\.manifest:1: 50\.0% .* 4 .*\(unknown_label 2 "):
        check(folder, catalogue.taxonomy, DataConfig())


def test_golden_preflight_errors(good, make_line, golden):
    """A manifest that is missing, empty, not JSON, without a label attribute or with several."""
    gone = str(good.folder / "none.manifest")
    lines = [refusal(InputError, check, gone, good.taxonomy, DataConfig())]
    lines.append(refusal(InputError, check, f"{good.folder}/*.none", good.taxonomy, DataConfig()))
    good.write()
    lines.append(
        refusal(InputError, check, good.manifest, good.taxonomy, DataConfig(label_attribute="x"))
    )
    other = {"other": 1, "other-metadata": {"type": "groundtruth/image-classification"}}
    for content in ([], [b"id,title"], [{"id": "a", "title": "t"}], [make_line(["shoes"]) | other]):
        good.lines = []
        for each in content:
            good.add(each)
        lines.append(refusal(InputError, checked, good))
    one_leaf = [
        {"id": "main", "name": "Main", "subcategories": ["shoes"]},
        {"id": "shoes", "name": "Shoes", "subcategories": [], "parent": "main"},
    ]
    Path(good.taxonomy).write_text(json.dumps(one_leaf))
    lines.append(refusal(InputError, checked, good))
    golden("preflight_errors.txt", [line.replace(f"{good.folder}/", "") for line in lines])
