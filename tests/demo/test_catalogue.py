"""The catalogue on disk: what it holds, that it repeats itself, and that it is hard enough."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo import whole_folder
from demo.catalogue import Catalogue, make_catalogue
from demo.manifest import LABEL_ATTRIBUTE
from demo.shelves import SHELVES
from shelfsort.core.errors import InputError


def parsed_lines(catalogue: Catalogue) -> list[dict]:
    """The lines that are JSON; one of the broken ones is not."""
    lines = []
    for text in catalogue.manifest.read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            assert catalogue.rejects["not_json"] == 1
    return lines


def sound_lines(catalogue: Catalogue) -> list[dict]:
    """The lines without a fault, found by looking at them as an ingest would."""
    shelves = {shelf.path for shelf in SHELVES}
    seen: set[str] = set()
    sound = []
    for fields in parsed_lines(catalogue):
        label = fields.get(LABEL_ATTRIBUTE)
        if label is None or label["confidence"] < 0.5:
            continue
        if label["result"][LABEL_ATTRIBUTE] not in shelves or fields["id"] in seen:
            continue
        if not is_usable(catalogue.directory, fields):
            continue
        seen.add(fields["id"])
        sound.append(fields)
    return sound


def is_usable(directory: Path, fields: dict) -> bool:
    source = fields.get("source-ref")
    if source is None:
        return "title" in fields
    picture = (directory / source).resolve()
    if directory.resolve() not in picture.parents or not picture.exists():
        return False
    try:
        with Image.open(picture) as image:
            image.load()
    except (OSError, Image.DecompressionBombError):
        return False
    return True


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(tmp_path):
    first = make_catalogue(tmp_path / "a", products=24, seed=3)
    again = make_catalogue(tmp_path / "b", products=24, seed=3)
    other = make_catalogue(tmp_path / "c", products=24, seed=4)
    assert contents(first.directory) == contents(again.directory)
    assert contents(first.directory) != contents(other.directory)


def test_counts_agree_with_what_the_files_hold(catalogue):
    sound = sound_lines(catalogue)
    text = catalogue.manifest.read_text("utf-8")
    assert len(text.splitlines()) == catalogue.lines
    assert len(sound) == catalogue.products
    assert catalogue.products + sum(catalogue.rejects.values()) == catalogue.lines
    assert sum("source-ref" not in fields for fields in sound) == catalogue.without_picture > 0
    assert sum("title" not in fields for fields in sound) == catalogue.without_words > 0
    wrong = sum(
        fields[LABEL_ATTRIBUTE]["result"][LABEL_ATTRIBUTE] != fields["gold"] for fields in sound
    )
    assert wrong == catalogue.wrong_labels


def test_every_way_to_be_broken_occurs(catalogue):
    assert set(catalogue.rejects) == {
        "not_json",
        "missing_label",
        "job_failed",
        "unknown_label",
        "no_consensus",
        "missing_image",
        "unreadable_image",
        "image_too_large",
        "path_outside_folder",
        "repeated_id",
        "no_content",
    }


def test_every_shelf_is_filled_and_every_gold_label_is_one(catalogue):
    gold = Counter(fields["gold"] for fields in sound_lines(catalogue))
    assert set(gold) == {shelf.path for shelf in SHELVES}
    assert min(gold.values()) >= 8


def test_some_products_share_their_title_and_have_pictures_of_their_own(catalogue):
    titled: dict[str, list[dict]] = {}
    for fields in sound_lines(catalogue):
        if "title" in fields:
            titled.setdefault(fields["title"], []).append(fields)
    families = [family for family in titled.values() if len(family) > 1]
    assert sum(map(len, families)) == catalogue.variants > 0
    for family in families:
        assert len({fields["gold"] for fields in family}) == 1
        assert len({fields["source-ref"] for fields in family}) == len(family)


def test_result_and_confidence_follow_from_the_workers_answers(catalogue):
    for fields in parsed_lines(catalogue):
        if LABEL_ATTRIBUTE not in fields:
            continue
        label = fields[LABEL_ATTRIBUTE]
        counts = Counter(answer["label"] for answer in label["workers"])
        best = max(counts.values())
        assert counts[label["result"][LABEL_ATTRIBUTE]] == best
        assert label["confidence"] == pytest.approx(best / len(label["workers"]), abs=1e-4)


def test_the_held_out_product_is_in_no_line(catalogue):
    question = catalogue.held_out
    assert Image.open(question.image).format == "JPEG"
    assert question.title not in {fields.get("title") for fields in parsed_lines(catalogue)}
    assert question.path in {shelf.path for shelf in SHELVES}


def test_a_former_catalogue_is_replaced_whole(tmp_path):
    make_catalogue(tmp_path / "shop", products=36, seed=1)
    smaller = make_catalogue(tmp_path / "shop", products=12, seed=1)
    alone = make_catalogue(tmp_path / "alone", products=12, seed=1)
    assert contents(smaller.directory) == contents(alone.directory)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "shop"]


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt.*Name a new folder"):
        make_catalogue(tmp_path, products=12)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_failure_on_the_way_leaves_the_former_folder_and_nothing_else(tmp_path, monkeypatch):
    former = make_catalogue(tmp_path / "shop", products=12, seed=1)
    before = contents(former.directory)

    def full_disk(folder: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(whole_folder, "_to_disk", full_disk)
    with pytest.raises(OSError, match="No space"):
        make_catalogue(tmp_path / "shop", products=24, seed=1)
    assert contents(former.directory) == before
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_fewer_products_than_shelves_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 12"):
        make_catalogue(tmp_path / "shop", products=11)


@pytest.mark.slow
def test_words_are_good_evidence_but_not_perfect(tmp_path):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    sound = [f for f in sound_lines(make_catalogue(tmp_path / "shop")) if "title" in f]
    texts = [f"{fields['title']} . {fields['description']}" for fields in sound]
    labels = [fields[LABEL_ATTRIBUTE]["result"][LABEL_ATTRIBUTE] for fields in sound]
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=30)
    )
    groups = [fields["title"] for fields in sound]
    predicted = cross_val_predict(model, texts, labels, groups=groups, cv=GroupKFold(5))
    accuracy = np.mean([p == fields["gold"] for p, fields in zip(predicted, sound, strict=True)])
    assert 0.82 < accuracy < 0.94
