"""Suspected label errors: flipped labels are found, and a label that is believed never is one."""

import json

import numpy as np
import pytest
from cleanlab.filter import find_label_issues
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shelfsort.labeling.label_issues import (
    Suspect,
    find_suspects,
    relabelling_lines,
    suspect_lines,
    try_changed_labels,
)
from shelfsort.products.taxonomy import Taxonomy

CATEGORIES = ["boots", "clogs", "hats", "mugs"]
TREE = Taxonomy.from_nodes(
    [
        {"id": "main", "name": "Main", "subcategories": ["wear", "mugs"]},
        {"id": "wear", "name": "Wear", "subcategories": CATEGORIES[:3], "parent": "main"},
        *(
            {"id": leaf, "name": leaf.title(), "subcategories": [], "parent": "wear"}
            for leaf in CATEGORIES[:3]
        ),
        {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "main"},
    ]
)


def _noisy(n: int, flipped: float, seed: int = 0):
    """Labels of which a share is flipped, the flipped rows, and probabilities about the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(CATEGORIES), n)
    wrong = np.flatnonzero(rng.random(n) < flipped)
    labels = truth.copy()
    labels[wrong] = (truth[wrong] + rng.integers(1, len(CATEGORIES), len(wrong))) % len(CATEGORIES)
    logits = rng.normal(0, 1, (n, len(CATEGORIES)))
    logits[np.arange(n), truth] += 5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, wrong, truth, probabilities.astype(np.float32)


def test_flipped_labels_are_found_with_the_category_they_belong_to():
    labels, wrong, truth, probabilities = _noisy(2000, 0.05)
    ids = [f"p{row}" for row in range(2000)]
    suspects = find_suspects(ids, labels, probabilities, CATEGORIES)
    found = {suspect.product_id for suspect in suspects}
    really = {f"p{row}" for row in wrong}
    assert len(found & really) > 0.8 * len(really)
    assert len(found & really) > 0.95 * len(found)
    likely = {suspect.product_id: suspect.likely for suspect in suspects}
    right = [likely[f"p{row}"] == CATEGORIES[truth[row]] for row in wrong if f"p{row}" in likely]
    assert np.mean(right) > 0.95


def test_suspects_carry_their_label_and_its_probability_and_come_worst_first():
    labels, _, _, probabilities = _noisy(500, 0.1, seed=1)
    suspects = find_suspects(range(500), labels, probabilities, CATEGORIES)
    scores = [suspect.label_score for suspect in suspects]
    assert scores == sorted(scores)
    assert suspects
    for suspect in suspects:
        row = int(suspect.product_id)
        assert suspect.label == CATEGORIES[labels[row]]
        assert suspect.label_score == pytest.approx(probabilities[row, labels[row]])


@pytest.mark.parametrize("seed", range(8))
def test_suspects_are_those_of_cleanlab(seed):
    labels, _, _, probabilities = _noisy(9000, 0.02 * seed, seed=seed)
    probabilities = probabilities.astype(np.float64)
    probabilities[:, 3] *= 0.2  # one category that the model is seldom sure of
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    issues = find_label_issues(labels, probabilities, filter_by="low_self_confidence", n_jobs=1)
    issues &= probabilities[np.arange(9000), labels] < probabilities.max(axis=1)
    suspects = find_suspects(range(9000), labels, probabilities, CATEGORIES)
    assert sorted(int(s.product_id) for s in suspects) == np.flatnonzero(issues).tolist()


def test_probabilities_may_be_read_in_pieces():
    labels, _, _, probabilities = _noisy(9000, 0.05)
    asked = []

    def rows(start: int, stop: int) -> np.ndarray:
        asked.append(stop - start)
        return probabilities[start:stop]

    whole = find_suspects(range(9000), labels, probabilities, CATEGORIES)
    assert find_suspects(range(9000), labels, rows, CATEGORIES) == whole
    assert max(asked) < 5000 and sum(asked) == 2 * 9000


def test_labels_that_are_all_right_give_hardly_a_suspect():
    labels, _, _, probabilities = _noisy(2000, 0.0, seed=2)
    assert len(find_suspects(range(2000), labels, probabilities, CATEGORIES)) < 0.01 * 2000


def test_scores_that_say_nothing_accuse_nobody():
    labels = np.arange(40) % 4
    assert find_suspects(range(40), labels, np.full((40, 4), 0.25), CATEGORIES) == []


def test_a_category_without_products_is_no_obstacle():
    labels, _, _, probabilities = _noisy(800, 0.05, seed=3)
    spread = np.concatenate([probabilities, np.zeros((800, 1))], axis=1)
    with_a_spare = find_suspects(range(800), labels, spread, [*CATEGORIES, "vases"])
    assert with_a_spare == find_suspects(range(800), labels, probabilities, CATEGORIES)


def test_one_category_or_no_product_has_no_suspects():
    assert find_suspects([], [], np.zeros((0, 4)), CATEGORIES) == []
    probabilities = np.tile([0.1, 0.9, 0.0, 0.0], (5, 1))
    assert find_suspects(range(5), [0] * 5, probabilities, CATEGORIES) == []


@given(
    logits=arrays(np.float64, (12, 3), elements=st.floats(-30, 30)),
    labels=arrays(np.int64, 12, elements=st.integers(0, 2)),
)
def test_no_suspect_has_the_label_that_the_model_believes_most(logits, labels):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    for suspect in find_suspects(range(12), labels, probabilities, CATEGORIES[:3]):
        assert suspect.likely != suspect.label
        assert suspect.label_score < probabilities[int(suspect.product_id)].max()


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 1], [[0.5, 0.5]], "2 labels"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "row 1: label 2"),
        ([0, -1], [[0.5, 0.5], [0.5, 0.5]], "row 1: label -1"),
        ([0, 1], [[0.5, 0.5], [0.9, 0.9]], "row 1 holds no probabilities"),
        ([0, 1], [[0.5, 0.5], [-0.5, 1.5]], "row 1 holds no probabilities"),
        ([0, 1], [[0.5, np.nan], [0.5, 0.5]], "row 0 holds no probabilities"),
    ],
)
def test_what_is_no_sample_is_refused_with_its_row(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        find_suspects(["a", "b"], labels, probabilities, ["x", "y"])


def test_labels_changed_on_purpose_are_found_by_a_sure_model_and_not_by_a_weak_one():
    labels, _, _, sure = _noisy(2000, 0.0, seed=5)
    trial = try_changed_labels(labels, lambda start, stop: sure[start:stop], CATEGORIES)
    assert trial.changed == 100
    assert trial.precision > 0.9 and trial.recall > 0.8
    # A model that is right in one of two: most of what it doubts is right.
    weak = np.full((2000, 4), 0.1, np.float32)
    guessed = np.where(np.random.default_rng(6).random(2000) < 0.5, labels, (labels + 1) % 4)
    weak[np.arange(2000), guessed] = 0.7
    trial = try_changed_labels(labels, lambda start, stop: weak[start:stop], CATEGORIES)
    assert trial.precision < 0.2


def test_suspects_are_written_as_json_lines():
    labels, _, _, probabilities = _noisy(300, 0.1, seed=4)
    suspects = find_suspects(range(300), labels, probabilities, CATEGORIES)
    records = [json.loads(line) for line in suspect_lines(suspects)]
    assert [record["product_id"] for record in records] == [s.product_id for s in suspects]
    assert set(records[0]) == {"product_id", "label", "likely", "label_score", "likely_score"}


def test_a_relabelling_manifest_names_paths_that_an_import_understands():
    suspect = Suspect("7", "boots", "mugs", 0.01, title="Teetasse\u2028blau", image="i/7.jpg")
    (line,) = relabelling_lines([suspect], TREE)
    record = json.loads(line)
    assert record == {
        "id": "7",
        "title": "Teetasse\u2028blau",
        "description": "",
        "source-ref": "i/7.jpg",
        "suspected-label": "Wear > Boots",
        "likely-label": "Mugs",
        "label-score": 0.01,
    }
    assert TREE.resolve(record["likely-label"]) == "mugs"
