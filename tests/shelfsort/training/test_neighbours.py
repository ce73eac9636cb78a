"""The index of training products: what is near, and what the file keeps."""

import dataclasses

import numpy as np
import pytest

from shelfsort.core.errors import InputError
from shelfsort.training.neighbours import TrainingIndex, directions
from shelfsort.training.spaces import Space

N, IMAGE, TEXT = 60, 12, 8


def features(seed: int = 0) -> dict[str, np.ndarray]:
    """Every fifth product has no image, every seventh no words."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(N, IMAGE)).astype(np.float32)
    text = np.abs(rng.normal(size=(N, TEXT))).astype(np.float32)
    image[::5], text[::7] = 0, 0
    return {"image": image, "text": text}


@pytest.fixture
def index() -> TrainingIndex:
    seen = features()
    spaces = {part: Space.of(values[values.any(axis=1)]) for part, values in seen.items()}
    vectors = {
        part: directions(spaces[part], values).astype(np.float16) for part, values in seen.items()
    }
    return TrainingIndex(
        categories=["boots", "hats"],
        product_ids=[f"p{i}" for i in range(N)],
        labels=(np.arange(N) % 2).astype(np.int32),
        groups=np.arange(N) // 2 * 2,
        spaces=spaces,
        vectors=vectors,
    )


def test_the_nearest_product_to_a_copy_is_its_original(index):
    seen = features()
    for row in (row for row in range(N) if row % 35):  # the others have neither image nor words
        first, *_ = index.nearest({part: values[row] for part, values in seen.items()}, 3)
        assert (first.product_id, first.label) == (f"p{row}", ["boots", "hats"][row % 2])
        assert first.similarity == pytest.approx(1.0, abs=2e-3)


def test_neighbours_come_nearest_first_and_one_of_a_group(index):
    seen = {part: values[11] for part, values in features().items()}
    near = index.nearest(seen, 10)
    groups = [int(each.product_id[1:]) // 2 for each in near]
    assert len(set(groups)) == len(groups) == 10
    similarities = [each.similarity for each in near]
    assert similarities == sorted(similarities, reverse=True)
    assert len(index.nearest(seen, 1000)) == N // 2


def test_image_and_words_count_alike(index):
    seen = features()
    image, text = seen["image"][11], seen["text"][12]
    alone = {
        part: {n.product_id: n.similarity for n in index.nearest({part: values}, N)}
        for part, values in (("image", image), ("text", text))
    }
    both = index.nearest({"image": image, "text": text}, N)[0]
    halves = [alone[part].get(both.product_id) for part in ("image", "text")]
    if None not in halves:
        assert both.similarity == pytest.approx(sum(halves) / 2, abs=1e-5)


def test_nothing_is_near_to_a_product_without_image_and_words(index):
    nothing = {"image": np.zeros(IMAGE, np.float32), "text": np.zeros(TEXT, np.float32)}
    assert index.nearest(nothing, 3) == []


def test_an_indexed_product_has_neighbours_of_other_groups_only(index):
    near = index.nearest_of("p11", N)
    assert {"p10", "p11"}.isdisjoint(each.product_id for each in near)
    assert len(near) == N // 2 - 1
    assert index.nearest_of("elsewhere", 3) == []


def test_what_is_written_is_read_again(index):
    again = TrainingIndex.from_bytes(index.to_bytes(), "index.npz")
    seen = {part: values[3] for part, values in features().items()}
    assert again.nearest(seen, 5) == index.nearest(seen, 5)
    assert again.nearest_of("p3", 5) == index.nearest_of("p3", 5)


def test_a_file_of_another_form_is_refused_with_its_name(index, monkeypatch):
    with pytest.raises(InputError, match=r"there\.npz.*Train the model again"):
        TrainingIndex.from_bytes(b"PK\x03\x04 no archive", "there.npz")
    monkeypatch.setattr("shelfsort.training.neighbours._VERSION", 2)
    newer = index.to_bytes()
    monkeypatch.undo()
    with pytest.raises(InputError, match="version 2"):
        TrainingIndex.from_bytes(newer, "there.npz")


def test_an_empty_index_has_no_neighbours(index):
    empty = dataclasses.replace(
        index,
        product_ids=[],
        labels=index.labels[:0],
        groups=index.groups[:0],
        vectors={part: each[:0] for part, each in index.vectors.items()},
    )
    seen = {part: values[3] for part, values in features().items()}
    assert empty.nearest(seen, 3) == []
    assert TrainingIndex.from_bytes(empty.to_bytes(), "x").nearest(seen, 3) == []
