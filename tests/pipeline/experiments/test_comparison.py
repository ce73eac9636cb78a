"""Two runs compared: what went in, what came out, and whether that is more than chance."""

import dataclasses
import json

import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import fisher_exact

from pipeline.cli.runs import runs as command
from pipeline.experiments.comparison import compare
from pipeline.experiments.text import WIDTH, lines_of
from shelfsort.core.errors import InputError
from tests.fixtures.serving_cost import COST
from tests.pipeline.experiments.conftest import TREE, Product


def products(right: list[bool], first: int = 0, title: str = "Bag {}", **more) -> list[Product]:
    """Backpacks, each taken for a clutch where it is not right."""
    return [
        Product(
            id=f"p{number}",
            label="Backpacks",
            predicted="Backpacks" if ok else "Clutches",
            title=title.format(number),
            **more,
        )
        for number, ok in enumerate(right, first)
    ]


def accuracy(comparison):
    return next(each for each in comparison.results.overall if each.question == "accuracy")


def test_a_difference_of_many_products_is_more_than_chance(make_run):
    a = make_run("a", products([True] * 60 + [False] * 40))
    b = make_run("b", products([True] * 58 + [False] * 2 + [True] * 40))
    found = accuracy(compare(a, b))
    assert (found.only_a, found.only_b, found.n_a, found.groups) == (2, 40, 100, 100)
    assert found.beyond_chance
    assert found.p == found.p_products < 1e-9


def test_a_difference_of_a_few_may_be_chance(make_run):
    a = make_run("a", products([True] * 95 + [False] * 5))
    b = make_run("b", products([True] * 98 + [False] * 2))
    found = accuracy(compare(a, b))
    assert found.p_products == pytest.approx(0.25)
    assert not found.beyond_chance


def test_variants_of_one_title_are_one_witness(make_run):
    a = make_run("a", products([False] * 12 + [True] * 90, title="Same bag, RED!"))
    b = make_run("b", products([True] * 102, title="same  bag red"))
    found = accuracy(compare(a, b))
    assert found.p_products < 0.001
    assert (found.groups, found.p, found.beyond_chance) == (1, 1.0, False)


def test_the_later_label_judges_both_models_where_it_was_changed(make_run):
    a = make_run("a", products([True] * 9), hour=8)
    relabelled = [Product(f"p{i}", "Clutches", "Clutches", title=f"Bag {i}") for i in range(9)]
    b = make_run("b", relabelled, hour=9)
    forth, back = compare(a, b), compare(b, a)
    assert forth.results.relabelled == back.results.relabelled == 9
    assert (accuracy(forth).share_a, accuracy(forth).share_b) == (0.0, 1.0)
    assert (accuracy(back).share_a, accuracy(back).share_b) == (1.0, 0.0)
    assert forth.data.products.relabelled[0] == ("p0", "Backpacks", "Clutches")


def test_categories_that_one_run_does_not_know_are_named_and_left_out(make_run):
    more = {**TREE, "Hats": ["Caps", "Fedoras"]}
    a = make_run("a", products([True] * 5))
    b = make_run("b", [*products([True] * 5), Product("hat", "Caps", "Caps")], more)
    comparison = compare(a, b)
    assert comparison.data.categories_added == ["Hats > Caps", "Hats > Fedoras"]
    assert comparison.data.categories_removed == []
    assert comparison.data.products.only_b == 1
    renamed = make_run("c", [Product("p0", "Caps", "Caps")], {"Hats": ["Caps", "Fedoras"]})
    assert compare(a, renamed).results.left_out == 1


def test_few_shared_products_fall_back_to_an_unpaired_test_that_says_so(make_run):
    a = make_run("a", products([True] * 90 + [False] * 60))
    b = make_run("b", products([True] * 140 + [False] * 10, first=140))
    comparison = compare(a, b)
    found = accuracy(comparison)
    assert comparison.results.shared == 10
    assert not found.paired
    assert found.p == pytest.approx(fisher_exact([[90, 60], [140, 10]]).pvalue)
    assert found.p_products is found.only_a is found.groups is None
    assert comparison.results.categories == []


def test_two_small_but_equal_evals_are_compared_in_pairs(make_run):
    a, b = (make_run(name, products([True] * 8)) for name in "ab")
    assert accuracy(compare(a, b)).paired


def test_only_eval_is_tested_and_a_changed_split_is_counted(make_run):
    moved = products([False] * 7, first=10, split="calibration")
    a = make_run("a", [*products([True] * 10), *moved])
    b = make_run("b", products([True] * 17))
    comparison = compare(a, b)
    assert accuracy(comparison).n_a == 10
    assert comparison.data.products.moved == 7


def calibration(right_of_100: int) -> list[Product]:
    rights = [number % 100 < right_of_100 for number in range(300)]
    return products(rights, first=1000, title="Calibration {}", split="calibration")


def coverage(comparison):
    return next(each for each in comparison.results.overall if each.question == "coverage_95")


def test_what_is_decided_differs_where_no_calibration_products_would_undo_it(make_run):
    undecided = products([True] * 200, decided=False)
    a = make_run("a", [*undecided, *calibration(right_of_100=60)])
    b = make_run("b", [*products([True] * 200), *calibration(right_of_100=100)])
    found = coverage(compare(a, b))
    assert (found.only_b, found.redrawn, found.beyond_chance) == (200, (1.0, 1.0), True)


def test_what_is_decided_may_be_chance_where_other_calibration_products_would_undo_it(make_run):
    # 97 of 100 right is what a threshold for 95 % is just about fitted with, or not.
    a = make_run("a", [*products([True] * 200, decided=False), *calibration(right_of_100=97)])
    b = make_run("b", [*products([True] * 200), *calibration(right_of_100=98)])
    comparison = compare(a, b)
    found = coverage(comparison)
    assert found.p < 1e-50
    assert found.redrawn[0] <= 0 < found.redrawn[1]
    assert not found.beyond_chance


def test_one_worse_category_is_found_among_many(make_run):
    def run(name, right_sandals):
        sandals = [
            Product(f"s{i}", "Sandals", "Sandals" if i < right_sandals else "Boots", title=f"s{i}")
            for i in range(30)
        ]
        return make_run(name, [*products([True] * 90), *sandals])

    first, *rest = compare(run("a", 30), run("b", 10)).results.categories
    assert (first.name, first.only_a, first.beyond_chance) == ("Shoes > Sandals", 20, True)
    assert [each.beyond_chance for each in rest] == [False]


@pytest.mark.parametrize("width", [None, 80, 60])
def test_lines_fit_the_screen(make_run, width):
    long = {"S" * 80: ["Backpacks", "Clutches"]}
    a = make_run("a", products([False] * 30 + [True] * 70), long, **{"training.fit.epochs": 3})
    b = make_run(
        "b", products([True] * 100), long, **{"training.fit.epochs": "9" * 200, "code.X": 1}
    )
    tables = "Figures on eval", "B - A"
    lines = list(lines_of(compare(a, b), width))
    assert max(map(len, lines)) <= max(width or WIDTH, 80)
    assert all(any(head in line for line in lines) for head in tables)


def test_equal_runs_have_no_significant_difference(make_run):
    settings = {"data.content_digest": "f00d", "training.fit.seed": 7}
    a, b = (make_run(name, products([True] * 9 + [False]), **settings) for name in "ab")
    comparison = compare(a, b)
    assert comparison.data.same and comparison.settings == []
    assert not any(each.beyond_chance for each in comparison.results.overall)


def test_a_run_that_broke_off_is_compared_as_far_as_it_got(make_run):
    a = make_run("a", products([True] * 9))
    b = make_run("b", products([True] * 9))
    (b.artifacts["evaluation"] / "predictions.parquet").unlink()
    comparison = compare(a, b)
    assert comparison.results is None
    assert comparison.data.products is None


def test_comparisons_read_as_the_golden_file_says(make_run, golden):
    """A significant difference, an unpaired test, no difference, and a run that broke off."""
    settings = {"training.fit.epochs": 3, "data.content_digest": "f00d"}
    worse = make_run("worse", products([True] * 60 + [False] * 40), **settings)
    better = [*products([True] * 98 + [False] * 2), *calibration(right_of_100=99)]
    changed = {**settings, "training.fit.epochs": 5, "code.Trainer": "beef"}
    better = make_run("better", better, {**TREE, "Hats": ["Caps"]}, hour=9, **changed)
    worse = dataclasses.replace(worse, cost=COST)
    other = make_run("other", products([True] * 140 + [False] * 10, first=90))
    broken = make_run("broken", products([True] * 9))
    (broken.artifacts["evaluation"] / "predictions.parquet").unlink()
    lines = []
    for a, b in ((worse, better), (better, other), (worse, worse), (worse, broken)):
        lines += [*lines_of(compare(a, b)), "", ""]
    golden("run_comparison.txt", lines)


def test_an_evaluation_of_an_earlier_version_is_refused_with_a_remedy(make_run):
    a, b = (make_run(name, products([True] * 3)) for name in "ab")
    path = b.artifacts["evaluation"] / "predictions.parquet"
    pd.read_parquet(path).drop(columns="group").to_parquet(path)
    with pytest.raises(InputError, match=r"b/evaluation/predictions.parquet: .* Repeat the run"):
        compare(a, b)


def test_a_program_reads_the_same_as_json(make_run, monkeypatch, tmp_path):
    found = [
        make_run("2026-01", products([True] * 100)),
        make_run("2025-01", products([False] * 30 + [True] * 70)),
    ]
    (tmp_path / ".shelfsort").write_text("")
    monkeypatch.setattr("pipeline.experiments.runs.list_runs", lambda folder: found)
    arguments = ["--output", str(tmp_path), "--compare", "2025", "latest", "--json"]
    read = json.loads(CliRunner().invoke(command, arguments, catch_exceptions=False).output)
    assert read["results"]["overall"][0]["beyond_chance"] is True
    assert read["results"]["overall"][0]["only_b"] == 30
    assert read["a"]["id"] == "2025-01"
