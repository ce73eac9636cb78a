"""Each broken line is broken in the way its reason says, and in no other."""

import io
import json

import pytest
from PIL import Image

from demo.breakage import FAULTS, Specimen, break_lines, huge_png
from demo.manifest import LABEL_ATTRIBUTE, Product
from demo.pictures import encode
from demo.shelves import SHELVES
from demo.words import Words
from demo.workers import CROWD
from shelfsort.products.manifest.annotations import Annotation


@pytest.fixture(scope="module")
def broken():
    picture = encode(Image.radial_gradient("L").convert("RGB"), "JPEG")
    agreed = [Annotation(worker.id, SHELVES[0].path) for worker in CROWD]
    specimens = [
        Specimen(
            Product(f"b{n}", Words("Mug", "A mug.", 9.5, True), f"images/b{n}.jpg", agreed, "g"),
            picture,
        )
        for n in range(FAULTS)
    ]
    return break_lines(specimens, first_id="first")


def only(broken, reason):
    (found,) = [fault for fault in broken if fault.reason == reason]
    return found


def test_there_is_one_line_for_each_fault(broken):
    assert len(broken) == FAULTS


def test_the_cut_off_line_is_not_json(broken):
    with pytest.raises(json.JSONDecodeError):
        json.loads(only(broken, "not_json").text)


def test_the_failed_line_says_why_and_has_no_label(broken):
    fields = json.loads(only(broken, "job_failed").text)
    assert "failure-reason" in fields[f"{LABEL_ATTRIBUTE}-metadata"]
    assert LABEL_ATTRIBUTE not in fields


def test_the_unknown_label_is_unanimous_and_in_no_tree(broken):
    label = json.loads(only(broken, "unknown_label").text)[LABEL_ATTRIBUTE]
    assert label["confidence"] == 1.0
    assert label["result"][LABEL_ATTRIBUTE] not in {shelf.path for shelf in SHELVES}


def test_the_line_without_consensus_has_three_answers_of_three_kinds(broken):
    label = json.loads(only(broken, "no_consensus").text)[LABEL_ATTRIBUTE]
    assert len({answer["label"] for answer in label["workers"]}) == 3


def test_the_truncated_picture_opens_and_does_not_load(broken):
    (picture,) = only(broken, "unreadable_image").files.values()
    image = Image.open(io.BytesIO(picture))
    assert image.format == "JPEG"
    with pytest.raises(OSError, match="truncated"):
        image.load()


def test_the_large_picture_is_small_on_disk(broken):
    (picture,) = only(broken, "image_too_large").files.values()
    assert len(picture) < 100_000
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(picture))


def test_one_path_is_absolute_and_one_climbs_out(broken):
    sources = {
        json.loads(fault.text)["source-ref"]
        for fault in broken
        if fault.reason == "path_outside_folder"
    }
    assert sources == {"/etc/passwd", "images/../../neighbour/photo.jpg"}


def test_the_repeated_line_carries_the_other_products_id(broken):
    assert json.loads(only(broken, "repeated_id").text)["id"] == "first"


def test_the_empty_line_has_neither_words_nor_picture(broken):
    fields = json.loads(only(broken, "no_content").text)
    assert not {"title", "description", "source-ref"} & set(fields)


def test_a_specimen_too_few_is_refused():
    with pytest.raises(ValueError):
        break_lines([], first_id="first")


@pytest.mark.parametrize("side", [1, 8, 13])
def test_the_png_writer_writes_valid_white_pictures(side):
    image = Image.open(io.BytesIO(huge_png(side)))
    image.load()
    assert image.size == (side, side)
    assert image.getextrema() == (255, 255)
