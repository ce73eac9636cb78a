"""The component from examples and a live model to its findings."""

import json
from pathlib import Path

import pytest

from components.drift_check.findings import FINDINGS_FILE, STATISTICS_FILE, Findings
from components.drift_check.settings import Tolerances, ValidationConfig

pytestmark = pytest.mark.slow

SHELVES = ("bags", "hats", "shoes", "belts", "socks")
NODES = [
    {"id": "main", "name": "Main", "subcategories": [*SHELVES, "gloves"]},
    *({"id": each, "name": each, "subcategories": [], "parent": "main"} for each in SHELVES),
    {"id": "gloves", "name": "gloves", "subcategories": [], "parent": "main"},
]


class World:
    """A folder with a live model; runs DriftCheck against it."""

    def __init__(self, folder: Path, write_examples):
        self._folder = folder
        self._write_examples = write_examples
        self._runs = 0
        self.live = folder / "live"
        (folder / "taxonomy").mkdir(parents=True)
        (folder / "taxonomy" / "taxonomy.json").write_text(json.dumps(NODES))
        self.live.mkdir()
        (self.live / "NO_LIVE_MODEL").touch()

    def check(self, products, validation=ValidationConfig()) -> Findings:  # noqa: B008 - frozen
        """Runs the executor over products of the split `train`."""
        from pydantic import TypeAdapter
        from tfx.types import artifact_utils, standard_artifacts

        from components.artifacts import DataDrift, Taxonomy
        from components.drift_check.executor import Executor

        self._runs += 1
        folder = self._folder / str(self._runs)
        self._write_examples(folder / "examples" / "Split-train", products)

        def artifact(kind, path):
            made = kind()
            made.uri = str(path)
            return made

        examples = artifact(standard_artifacts.Examples, folder / "examples")
        examples.split_names = artifact_utils.encode_split_names(["train"])
        live = artifact(standard_artifacts.Model, self.live)
        live.set_string_custom_property("live_version", "4")
        Executor().Do(
            {
                "examples": [examples],
                "taxonomy": [artifact(Taxonomy, self._folder / "taxonomy")],
                "baseline_model": [live],
            },
            {"drift": [artifact(DataDrift, folder / "drift")]},
            {"validation": TypeAdapter(ValidationConfig).dump_json(validation).decode()},
        )
        return Findings.from_json((folder / "drift" / FINDINGS_FILE).read_bytes())

    def push(self) -> None:
        """Makes the last run's statistics those of the live model."""
        content = (self._folder / str(self._runs) / "drift" / STATISTICS_FILE).read_bytes()
        self.ship(content)

    def ship(self, content: bytes | None) -> None:
        """Makes a model live, with these bytes as its statistics."""
        (self.live / "NO_LIVE_MODEL").unlink(missing_ok=True)
        model = self.live / "Format-Serving" / "assets.extra"
        model.mkdir(parents=True, exist_ok=True)
        (model.parent / "saved_model.pb").touch()
        if content is not None:
            (model / "training_statistics.pb").write_bytes(content)


@pytest.fixture
def world(tmp_path, examples_of) -> World:
    return World(tmp_path / "world", examples_of)


@pytest.fixture(scope="module")
def settled(tmp_path_factory, examples_of, product_of) -> World:
    """A world in which a model trained on 600 products is live."""
    world = World(tmp_path_factory.mktemp("settled") / "world", examples_of)
    world.check([product_of(number) for number in range(600)])
    world.push()
    return world


def drifted(findings: Findings) -> list[str]:
    return sorted(shift.feature for shift in findings.drift.shifts if shift.drifted)


def test_before_anything_is_live_there_is_nothing_to_drift_from(world, product_of):
    assert world.check([product_of(1), product_of(2)]) == Findings("", None)


def test_honest_new_products_have_not_drifted(settled, product_of):
    found = settled.check([product_of(number) for number in range(900)])
    assert found.live_version == "4" and found.problem == ""
    assert (found.drift.n_before, found.drift.n_now) == (600, 900)
    assert drifted(found) == [] and found.drift.categories.drifted == []
    assert {"category", "price", "title_words", "image_width"} <= {
        shift.feature for shift in found.drift.shifts
    }


def test_another_currency_no_pictures_and_lost_shelf_are_each_named(settled, product_of):
    no_picture = {"has_picture": False, "image_format": "", "image_width": 0, "image_height": 0}
    products = [product_of(number) for number in range(600) if number % 5]
    products = [
        product_of(int(each.product_id[1:]), price=each.price * 80, **(no_picture if half else {}))
        for each, half in zip(products, [True, False] * len(products), strict=False)
    ]
    found = settled.check(products)
    pictures = ["has_picture", "image_format", "image_height", "image_width"]
    assert drifted(found) == ["category", *pictures, "price"]
    (lost,) = found.drift.categories.drifted
    assert (lost.category, lost.before, lost.now) == ("bags", 120, 0)


def test_a_tolerance_set_to_none_lets_a_property_drift(settled, product_of):
    products = [product_of(number, price=9e6) for number in range(600)]
    tolerant = ValidationConfig(max_distance=Tolerances(price=None))
    assert drifted(settled.check(products, tolerant)) == []


def test_a_category_new_to_the_taxonomy_is_told_and_does_not_drift(settled, product_of):
    products = [product_of(number) for number in range(600)]
    products += [product_of(number, category="gloves") for number in range(600, 800)]
    found = settled.check(products)
    assert found.drift.categories.new == ["gloves"]
    assert "category" not in drifted(found) and found.drift.categories.drifted == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "without its training statistics"), (b"\xff\xffnonsense", "cannot be read")],
)
def test_a_live_model_without_usable_statistics_is_a_problem_that_is_told(
    world, product_of, content, problem
):
    world.ship(content)
    found = world.check([product_of(1), product_of(2)])
    assert found.drift is None and found.live_version == "4"
    assert problem in found.problem


def test_a_catalogue_of_other_categories_is_a_problem_that_is_told(settled, product_of):
    found = settled.check([product_of(number, category="gloves") for number in range(50)])
    assert "no category in common" in found.problem
