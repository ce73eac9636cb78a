"""The component from examples and a live model to its findings."""

import json
from pathlib import Path

import pytest

from components.drift_check.artifact import STATISTICS_FILE, DriftFindings
from components.drift_check.settings import DriftConfig, Tolerances

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

    def check(self, products, settings=DriftConfig()) -> DriftFindings:  # noqa: B008 - frozen
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
            {"settings": TypeAdapter(DriftConfig).dump_json(settings).decode()},
        )
        return DriftFindings.read(folder / "drift")

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


def drifted(findings: DriftFindings) -> list[str]:
    return sorted(shift.feature for shift in findings.drift.shifts if shift.drifted)


def test_before_anything_is_live_there_is_nothing_to_drift_from(world, product_of):
    assert world.check([product_of(1), product_of(2)]) == DriftFindings("", None)


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
    tolerant = DriftConfig(max_distance=Tolerances(price=None))
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


def write_logs(path, records):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def served(number: int, **changed) -> bytes:
    """A request about a product as `product_of` makes them."""
    import tensorflow as tf

    values = {
        "title": f"Model {number} {SHELVES[number % 5]} for everyday walks".encode(),
        "image": b"\xff\xd8",
        "price": 10.0 * (1 + number % 7),
    }
    example = tf.train.Example()
    for name, value in (values | changed).items():
        kind = "float_list" if isinstance(value, float) else "bytes_list"
        getattr(example.features.feature[name], kind).value.append(value)
    return example.SerializeToString()


def test_requests_like_the_products_trained_on_are_not_skewed(world, product_of, tmp_path):
    write_logs(tmp_path / "a.log", [served(number) for number in range(1000, 1400)])
    write_logs(tmp_path / "b.log", [served(number) for number in range(1400, 1600)])
    logs = DriftConfig(serving_logs=str(tmp_path / "*.log"))
    skew = world.check([product_of(number) for number in range(600)], logs).skew
    assert (skew.n_served, skew.n_trained, skew.unreadable) == (600, 600, 0)
    assert {shift.feature for shift in skew.shifts} == {
        "title_words",
        "title_length",
        "description_length",
        "price",
        "has_picture",
    }
    assert not any(shift.drifted for shift in skew.shifts)


def test_skew_is_named_and_broken_records_are_counted(world, product_of, tmp_path):
    asked = [served(number, price=900.0, image=b"") for number in range(600)]
    write_logs(tmp_path / "a.log", [*asked, b"\xff\xff no request", b""])
    whole = (tmp_path / "a.log").read_bytes()
    (tmp_path / "b.log").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "c.log.gz").write_bytes(b"\x1f\x8b no archive")
    logs = DriftConfig(serving_logs=str(tmp_path / "*.log*"))
    skew = world.check([product_of(number) for number in range(600)], logs).skew
    assert skew.n_served == 600 and skew.unreadable == 4
    assert {shift.feature for shift in skew.shifts if shift.drifted} == {"price", "has_picture"}


def test_logs_without_a_product_are_told(world, product_of, tmp_path):
    write_logs(tmp_path / "a.log", [b"\xff"])
    logs = DriftConfig(serving_logs=str(tmp_path / "a.log"))
    skew = world.check([product_of(1), product_of(2)], logs).skew
    assert (skew.n_served, skew.unreadable, skew.shifts) == (0, 1, [])


def test_a_pattern_without_files_is_an_input_error(tmp_path):
    from components.drift_check.serving_logs import logs_digest
    from shelfsort.core.errors import InputError

    with pytest.raises(InputError, match=r"drift\.serving_logs: no file matches"):
        logs_digest(str(tmp_path / "*.log"))


def test_other_logs_have_another_digest(tmp_path):
    from components.drift_check.serving_logs import logs_digest

    (tmp_path / "a.log").write_bytes(b"one")
    first = logs_digest(str(tmp_path / "*.log"))
    assert logs_digest(str(tmp_path / "*.log")) == first
    (tmp_path / "b.log").write_bytes(b"two")
    assert logs_digest(str(tmp_path / "*.log")) != first
