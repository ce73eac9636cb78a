"""The ten days of the continuous-training benchmark: who is labelled when, and as what."""

import json
from collections import Counter
from pathlib import Path

import pytest

from shelfsort.products.taxonomy import Taxonomy

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LEAVES = ("Wear > Hats > Caps", "Wear > Hats > Berets", "Home > Mugs", "Home > Bowls")


@pytest.fixture
def ten_days(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import ten_days

    return ten_days


@pytest.fixture
def manifest(tmp_path):
    """160 products, 40 of each leaf, each labelled by two workers as what it is."""
    path = tmp_path / "labelled.manifest"
    lines = [
        {
            "id": str(n),
            "title": f"thing {n}",
            "source-ref": f"images/{n}.jpg",
            "gold": LEAVES[n % 4],
            "shelf": {"workers": [{"worker_id": w, "label": LEAVES[n % 4]} for w in "ab"]},
            "shelf-metadata": {"type": "groundtruth/custom"},
        }
        for n in range(160)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def days(ten_days, manifest):
    story = ten_days.Story(4, "Home > Bowls", "Wear > Hats", "Wear > Hats > Caps", seed=1)
    return ten_days.deal(manifest, story)


def labels(line):
    return {worker["label"] for worker in line["shelf"]["workers"]}


def test_every_product_arrives_once_but_those_that_are_labelled_again(days):
    times = Counter(line["id"] for day in days for line in day)
    assert len(days) == 10 and set(times) == {str(n) for n in range(160)}
    assert set(times.values()) == {1, 3}


def test_the_late_category_arrives_from_day_five_on(days):
    arrivals = [sum(line["gold"] == "Home > Bowls" for line in day) for day in days]
    assert arrivals[:4] == [0] * 4 and all(arrivals[4:]) and sum(arrivals) == 40


def test_half_of_the_departments_earlier_products_are_mislabelled_and_mended_a_day_later(days):
    earlier = [line for day in days[:7] for line in day]
    department = [line for line in earlier if line["gold"].startswith("Wear > Hats")]
    ids = {line["id"] for line in earlier}
    again = {line["id"]: line for line in days[7] if line["id"] in ids}
    assert len(again) == round(len(department) / 2)
    assert all(labels(line) == {"Wear > Hats > Caps"} for line in again.values())
    mended = {line["id"]: labels(line) for line in days[8] if line["id"] in ids}
    assert mended == {id_: {line["gold"]} for id_, line in again.items()}


def test_pictures_are_found_from_another_folder(days, manifest):
    assert all(Path(line["source-ref"]).parent == manifest.parent / "images" for line in days[0])


def test_the_tree_lacks_the_late_category_and_nothing_else(ten_days, tmp_path):
    nodes = [
        {"id": "main", "name": "Main", "subcategories": ["home"]},
        {"id": "home", "name": "Home", "subcategories": ["mugs", "bowls"], "parent": "main"},
        {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "home"},
        {"id": "bowls", "name": "Bowls", "subcategories": [], "parent": "home"},
    ]
    path = tmp_path / "taxonomy.json"
    path.write_text(json.dumps(nodes))
    without = Taxonomy.from_nodes(json.loads(ten_days._tree(path, "Home > Bowls")))
    assert list(without.leaves) == ["mugs"]
    assert json.loads(ten_days._tree(path, ""))[1]["subcategories"] == ["mugs", "bowls"]
