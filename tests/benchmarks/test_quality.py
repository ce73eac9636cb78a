"""The benchmark of answers: its figures by hand, its peers, and one run on a tiny manifest."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.catalogue import TREE, Catalogue, encoded, voted

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_macro_f1_weighs_rare_and_common_categories_alike():
    from quality_figures import macro_f1

    truth = np.array(["a", "a", "a", "b"])
    predicted = np.array(["a", "a", "b", "b"])
    # a: 2 of 2 and 2 of 3, F1 0.8; b: 1 of 2 and 1 of 1, F1 2/3.
    assert macro_f1(predicted, truth) == pytest.approx((0.8 + 2 / 3) / 2)


def test_hierarchical_precision_and_recall_count_the_ancestors_in_common():
    from quality_figures import hierarchical

    predicted = [{"shoes"}, {"clothes", "shirts"}]
    truth = [{"clothes", "shirts"}, {"clothes", "trousers"}]
    assert hierarchical(predicted, truth) == (1 / 3, 1 / 4)


def test_calibration_error_is_the_mean_gap_of_the_bins():
    from quality_figures import calibration_error

    scores = np.array([0.95, 0.99, 0.5, 1.0])
    right = np.array([True, False, True, True])
    # The last bin: mean score 0.98 and two of three right; the other: 0.5 and right.
    assert calibration_error(scores, right) == pytest.approx((2.94 - 2 + 0.5) / 4)


def test_a_few_labels_of_each_category_are_the_first_in_the_order_given():
    from quality_problems import a_few_of_each

    labels = np.array(["a", "b", "a", "a", "b", "c"])
    assert a_few_of_each(labels, np.array([5, 3, 4, 2, 1, 0]), 2).tolist() == [1, 2, 3, 4, 5]


def test_a_regression_on_two_blocks_is_scikit_learns_on_both_together():
    from linear import fit_linear
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    words, images = rng.random((60, 4)) * (rng.random((60, 4)) < 0.5), rng.normal(size=(60, 3))
    labels = rng.integers(0, 3, 60)
    ours = fit_linear([csr_matrix(words), images], labels, 3, c=2.0, steps=200)
    theirs = LogisticRegression(C=2.0, max_iter=500, tol=1e-8).fit(
        np.hstack([words, images]), labels
    )
    expected = theirs.decision_function(np.hstack([words, images]))
    found = ours.logits([csr_matrix(words), images])
    assert found - found.mean(axis=1, keepdims=True) == pytest.approx(
        expected - expected.mean(axis=1, keepdims=True), abs=5e-3
    )


def test_trees_know_most_of_twenty_categories_from_five_products_each():
    from peers import IMAGES, PEERS, Parts

    rng = np.random.default_rng(0)
    labels = np.arange(300) % 20
    vectors = rng.normal(size=(20, 24))[labels] + 0.5 * rng.normal(size=(300, 24))
    parts = Parts([], {IMAGES: vectors.astype(np.float32)})
    answers = PEERS["LightGBM"].fit(parts, np.arange(100), labels, 20, 1)
    assert np.exp(answers.logits).sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert (answers.logits[100:].argmax(axis=1) == labels[100:]).mean() > 0.97


def _line(model: str, labels: str, value: float, coverage: float = 0.0, **own: object) -> dict:
    """A line of results whose figures are `value`, and whose coverages are `coverage`."""
    from quality_results import COLUMNS

    figures = {name: coverage if "coverage" in name else value for name in COLUMNS}
    case = {"set": "tiny", "labels": labels, "seed": 1, "products": 40, "unseen": 10}
    return {**case, "model": model, **figures, **own}


def test_a_row_of_a_table_is_the_mean_over_splits_and_their_deviation():
    from quality_results import tables

    lines = [_line("ours", "all", 0.5), _line("ours", "all", 0.7), _line("other", "all", 0.9)]
    title, _, head, _, *rows, _ = tables(lines, ["other", "ours"])
    assert title == "**tiny, all** (40 products, 10 unseen)"
    assert head.startswith("| model (splits) | accuracy | macro F1 |")
    assert [row.split(" | ")[:3] for row in rows] == [
        ["| other (1)", "0.900", "0.900"],
        ["| ours (2)", "0.600 ± 0.141", "0.600"],
    ]


def test_what_was_right_is_of_the_splits_that_accept_any():
    from quality_results import COLUMNS, tables

    lines = [
        _line("ours", "all", 0.9, coverage=0.5),
        _line("ours", "all", 1.0),
        _line("other", "all", 1.0),
    ]
    first, second = (row.split(" | ") for row in tables(lines, [])[4:6])
    place = list(COLUMNS).index("right_0.95") + 1
    assert first[place - 1 : place + 1] == ["0.250 ± 0.354", "0.900"]
    assert second[place - 1 : place + 1] == ["0.000", "-"]


def test_learning_curves_go_from_few_labels_a_leaf_to_all():
    from quality_results import curves

    lines = [
        _line("ours", "all", 0.9, products=200),
        _line("ours", "10", 0.8),
        _line("ours", "10", 0.8, seed=2),
        _line("ours", "5", 0.7, products=1450),
        _line("other", "all", 0.6, products=200),
        _line("ours", "100 drawn", 0.1),
    ]
    title, _, head, _, ours, other, _ = curves(lines, ["ours"])[:7]
    assert title == "**tiny, accuracy**, by labels a leaf (products), 2 splits (or fewer)"
    assert head == "| model | 5 (1,450) | 10 (40) | all (200) |"
    assert ours == "| ours | 0.700 (1) | 0.800 ± 0.000 | 0.900 (1) |"
    assert other == "| other | - | - | 0.600 (1) |"


def test_learning_curves_are_drawn_with_a_column_for_each_set(tmp_path):
    from PIL import Image
    from quality_plot import plot

    lines = [_line(model, labels, 0.8, products=number, set=name)
             for model in ("ours", "other")
             for labels, number in (("5", 50), ("all", 200))
             for name in ("tiny", "small")]  # fmt: skip
    plot(lines, ["ours", "other"], tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (720, 560)


@pytest.fixture
def folder(tmp_path):
    """90 products of three categories, told apart by their words and by their colours."""
    catalogue = Catalogue(tmp_path)
    colours = {"shirts": (200, 30, 30), "trousers": (30, 200, 30), "shoes": (30, 30, 200)}
    rng = np.random.default_rng(0)
    for number in range(90):
        leaf = list(colours)[number % 3]
        colour = tuple(int(c + rng.integers(-20, 20)) for c in colours[leaf])
        image = catalogue.picture(f"{number}.jpg", encoded(colour=colour))
        title = f"{leaf} number {number // 2}"
        catalogue.add(voted([leaf] * 3, **{"source-ref": image, "title": title}))
    catalogue.write()
    return tmp_path


@pytest.mark.slow
def test_every_model_is_measured_once_and_knows_a_tiny_set(folder, tmp_path):
    from labelled_sets import read_set
    from peers import PEERS
    from quality import RESULTS, run
    from quality_answers import MODELS
    from quality_problems import Case
    from quality_results import read_results

    from shelfsort.training.settings import FitConfig, TrainingConfig

    config = TrainingConfig(fit=FitConfig(folds=2, epochs=3))
    work = tmp_path / "work"
    whole = read_set(folder, work / "tiny.npz")
    narrow = dataclasses.replace(whole, embeddings=whole.embeddings[:, :32])
    models = [each for each in MODELS if each != "LightGBM"]
    run(narrow, Case("tiny", "all", 1), models, work, config)
    results = {each["model"]: each for each in read_results(work / RESULTS)}
    assert set(results) == {
        "ours",
        "words alone",
        "images alone",
        "stacking",
        *(set(PEERS) - {"encoder + LR", "LightGBM"}),
    }
    assert results["terms + LR"]["accuracy"] == 1.0
    assert results["ours"]["products"] + results["ours"]["unseen"] == 90
    assert results["ours"]["naive_coverage_0.95"] > 0.5
    # 72 products prove no target of 98 %.
    assert results["ours"]["coverage_0.98"] == 0.0
    with (work / "results.jsonl").open("a") as stream:
        stream.write('{"set": "tiny", "lab')
    run(narrow, Case("tiny", "all", 1), models, work, config)
    assert len(read_results(work / RESULTS)) == len(results)
    run(narrow, Case("tiny", "30 drawn", 1), ["100 units"], work, config)
    assert read_results(work / RESULTS)[-1]["products"] == 30
    assert json.loads((folder / "taxonomy.json").read_text()) == TREE
