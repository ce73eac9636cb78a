from pathlib import Path

import pytest

from shelfsort.core.errors import InputError
from shelfsort.products.manifest.label_attributes import (
    find_label_attribute,
    first_label_attribute,
)

DATA = Path(__file__).parents[4] / "../shared/data"


def test_the_first_attribute_is_found_without_reading_on(catalogue, make_line):
    catalogue.add(b"no JSON")
    catalogue.add(make_line(["shoes"], id="a"))
    other = {"other": 1, "other-metadata": {"type": "groundtruth/image-classification"}}
    catalogue.add(other)
    files = [catalogue.write(), "/nowhere/2.manifest"]
    assert first_label_attribute(files) == "shelf"


def test_the_only_attribute_is_found_only_after_all_lines(catalogue, make_line):
    catalogue.add(make_line(["shoes"], id="a"))
    files = [catalogue.write()]
    assert find_label_attribute(files) == "shelf"
    catalogue.add({"other": 1, "other-metadata": {"type": "groundtruth/image-classification"}})
    with pytest.raises(InputError, match=r": 2 .*\('other', 'shelf'\).*data\.label_attribute"):
        find_label_attribute([catalogue.write()])


def test_a_stray_attribute_on_one_line_does_not_stop_the_others(catalogue, make_line):
    stray = {"x": 1, "x-metadata": {"type": "groundtruth/custom"}}
    for number in range(10):
        catalogue.add(make_line(["shoes"], id=str(number)) | (stray if number == 3 else {}))
    assert find_label_attribute([catalogue.write()]) == "shelf"
    catalogue.add(stray)
    with pytest.raises(InputError, match=r": 2 .*\('shelf', 'x'\)"):
        find_label_attribute([catalogue.write()])


def test_an_error_lists_a_few_attributes_of_many(catalogue):
    for number in range(1000):
        catalogue.add({f"a{number}": 1, f"a{number}-metadata": {"type": "groundtruth/custom"}})
    with pytest.raises(InputError, match="1000 label attributes") as caught:
        find_label_attribute([catalogue.write()])
    assert len(str(caught.value)) < 1000


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
