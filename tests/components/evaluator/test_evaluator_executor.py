"""The whole component on a fake model: what it writes, and what it refuses."""

import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from components.check import failed
from components.evaluator.artifact import Categories, Metrics, Verdict

pytestmark = pytest.mark.slow


def evaluate(
    world: SimpleNamespace, folder: Path, *, live: Path | None = None, slices=(), **gate
) -> SimpleNamespace:
    """Runs the executor on the model artifact in `folder / "model"`."""
    from tfx.types import artifact_utils, standard_artifacts

    from components.artifacts import Taxonomy
    from components.evaluator.executor import Executor

    def artifact(kind: type, path: Path):
        path.mkdir(exist_ok=True, parents=True)
        made = kind()
        made.uri = str(path)
        return made

    examples = artifact(standard_artifacts.Examples, world.root / "examples")
    examples.split_names = artifact_utils.encode_split_names(["calibration", "eval"])
    inputs = {
        "examples": [examples],
        "taxonomy": [artifact(Taxonomy, world.root / "taxonomy")],
        "model": [artifact(standard_artifacts.Model, folder / "model")],
    }
    if live is not None:
        baseline = artifact(standard_artifacts.Model, live)
        baseline.set_string_custom_property("live_version", "7")
        inputs["baseline_model"] = [baseline]
    outputs = {
        "evaluation": [artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")],
        "blessing": [artifact(standard_artifacts.ModelBlessing, folder / "blessing")],
    }
    properties = {"gate": json.dumps(gate), "slices": json.dumps(list(slices))}
    Executor().Do(inputs, outputs, properties)

    verdict = Verdict.read(folder / "evaluation")
    return SimpleNamespace(
        folder=folder / "evaluation",
        metrics=Metrics.read(folder / "evaluation"),
        categories=Categories.read(folder / "evaluation").categories,
        verdict=verdict,
        failed={check.name: check for check in failed(verdict.checks)},
        blessing=outputs["blessing"][0],
    )


@pytest.fixture(scope="module")
def good(world, tmp_path_factory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("good")
    world.write_model(folder / "model")
    return evaluate(world, folder, live=folder / "nothing", slices=["brand"])


def test_a_good_model_is_blessed(good):
    assert good.failed == {}
    assert good.verdict.blessed is True
    assert good.verdict.live is None
    assert good.blessing.get_int_custom_property("blessed") == 1
    assert [path.name for path in Path(good.blessing.uri).iterdir()] == ["BLESSED"]


def test_every_mode_is_asked_of_the_products_that_have_what_it_needs(good, world):
    products = world.products["eval"]
    asked = {mode: good.metrics.figures(mode)["n"] for mode in ("combined", "text", "image")}
    assert asked == {
        "combined": len(products),
        "text": sum(bool(product.words) for product in products),
        "image": sum(bool(product.picture) for product in products),
    }


def test_figures_are_those_of_the_catalogue(good, world):
    products = world.products["eval"]
    said = [(product.words or product.picture).split()[0] for product in products]
    right = [answer == product.category for answer, product in zip(said, products, strict=True)]
    figures = good.metrics.figures()
    assert figures["accuracy"] == pytest.approx(sum(right) / len(right))
    assert figures["accuracy_lower"] < figures["accuracy"] < figures["accuracy_upper"]
    gold = [a == p.gold for a, p in zip(said, products, strict=True)]
    assert good.metrics.figures(split="eval_gold")["accuracy"] == pytest.approx(
        sum(gold) / len(gold)
    )


def test_nothing_accepted_gives_null_and_not_a_number_is_never_written(good):
    figures = good.metrics.figures()
    assert figures["coverage_at_98"] == 0.0
    assert figures["accepted_accuracy_98"] is None
    assert figures["accepted_accuracy_98_lower"] is None


def test_predictions_have_one_row_for_each_mode_split_and_product(good):
    table = pq.read_table(good.folder / "predictions.parquet").to_pylist()
    keys = [(row["model"], row["mode"], row["split"], row["product_id"]) for row in table]
    assert len(keys) == len(set(keys)) == 900 + 2 * 810
    row = next(row for row in table if row["product_id"] == "eval-0" and row["mode"] == "text")
    assert (row["category"], row["parent"], row["predicted_parent"]) == (
        "mugs",
        "kitchen",
        "kitchen",
    )
    assert len(row["top_categories"]) == len(row["top_scores"]) == 5


def test_categories_add_up_to_the_whole(good, world):
    assert [each.category for each in good.categories] == list(world.leaves)
    assert sum(each.figures["n"] for each in good.categories) == 600
    figures = good.metrics.figures()
    assert sum(each.figures["accepted_95"] for each in good.categories) == figures["accepted_95"]
    for each in (category.figures for category in good.categories):
        strangers = each["accepted_95"] * (1 - each["accepted_accuracy_95"])
        assert each["false_accepts_95"] == pytest.approx(strangers)
        assert each["false_accept_rate_95"] == pytest.approx(each["false_accepts_95"] / 500)
    assert good.categories[5].parent == "lamps"


def test_configured_features_are_sliced_by(good):
    from components.evaluator import analysis

    slices = analysis.read_slices(str(good.folder))
    served = {("model", "candidate"), ("mode", "combined"), ("split", "eval")}
    assert slices[frozenset({*served, ("brand", "other")})]["n"] == 150
    assert slices[frozenset({*served, ("label_confidence_bucket", "0.5 to 0.7")})]["n"] == 200
    assert slices[frozenset({*served, ("has_text", 1), ("has_image", 0)})]["n"] == 60


def test_a_worse_model_is_refused_for_its_accuracy_and_against_the_live_one(world, tmp_path):
    world.write_model(tmp_path / "live")
    world.write_model(tmp_path / "model", misread={"mugs": "bowls", "bowls": "mugs"})
    result = evaluate(world, tmp_path, live=tmp_path / "live", accuracy=0.9)
    assert {"accuracy", "accepted_accuracy_95", "live_accuracy"} <= result.failed.keys()
    assert result.blessing.get_int_custom_property("blessed") == 0
    assert (Path(result.blessing.uri) / "NOT_BLESSED").exists()
    assert result.verdict.live.version == "7"
    assert result.metrics.live["n"] == 600
    decided = result.verdict.live.coverage
    assert decided.low <= decided.high < 0
    assert result.categories[0].live["accuracy"] > 0.9


def test_a_model_worse_in_one_category_only_is_refused_by_that_category(world, tmp_path):
    world.write_model(tmp_path / "model", misread={"stools": "chairs"})
    result = evaluate(
        world, tmp_path, accuracy=0.5, accepted_accuracy={"95": 0.5}, category_accuracy=0.3
    )
    promise = result.failed["category_promise_95"]
    assert "Seats > Chairs" in promise.reason
    assert "Seats > Stools" in result.failed["category_accuracy"].reason
    assert "Mugs" not in promise.reason


def test_thresholds_fitted_on_too_little_are_refused(world, tmp_path):
    world.write_model(tmp_path / "model", calibration_n=40)
    result = evaluate(world, tmp_path)
    assert list(result.failed) == ["calibration_evidence"]
    check = result.failed["calibration_evidence"]
    assert (check.value, check.floor, check.n) == (40, 59, 40)


def test_a_live_model_that_cannot_be_loaded_is_named_and_can_be_approved(world, tmp_path):
    world.write_model(tmp_path / "model")
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "saved_model.pb").write_bytes(b"broken")
    result = evaluate(world, tmp_path, live=tmp_path / "live", approved_by="Ada Byron")
    assert list(result.failed) == ["live_loadable"]
    assert result.verdict.blessed is True
    assert result.verdict.approved_by == "Ada Byron"
    assert result.verdict.overridden == ("live_loadable",)
    assert result.blessing.get_string_custom_property("approved_by") == "Ada Byron"


def test_a_live_model_of_another_taxonomy_is_compared_on_shared_categories(world, tmp_path):
    world.write_model(tmp_path / "model")
    world.write_model(tmp_path / "live", taxonomy_version="old", leaves=world.leaves[:4])
    result = evaluate(world, tmp_path, live=tmp_path / "live")
    assert result.verdict.blessed is True
    comparison = result.verdict.live
    assert (comparison.shared_categories, comparison.left_out) == (4, 200)
    assert comparison.accuracy.n == 400
    # The same model under both names: with the same calibration products it decides as much.
    assert (comparison.coverage.low, comparison.coverage.high) == (0.0, 0.0)


@pytest.mark.parametrize(("live_targets", "compared_at"), [((0.9, 0.98), 0.9), ((0.95,), None)])
def test_a_model_with_other_targets_is_measured_and_judged_at_them(
    world, tmp_path, live_targets, compared_at
):
    world.write_model(tmp_path / "model", targets=(0.9, 0.975, 0.99))
    world.write_model(tmp_path / "live", targets=live_targets)
    result = evaluate(world, tmp_path, live=tmp_path / "live", coverage={"90": 0.5})
    assert result.failed == {}
    assert result.metrics.targets == (0.9, 0.975, 0.99)
    figures, live = result.metrics.figures(), result.metrics.live
    assert figures["coverage_at_90"] > 0.8
    assert (figures["coverage_at_97_5"], figures["accepted_accuracy_99"]) == (0.0, None)
    assert "coverage_at_95" not in figures
    assert result.categories[0].figures["threshold_90"] == 0.65
    names = {check.name for check in result.verdict.checks}
    assert {"coverage_90", "accepted_accuracy_97_5", "category_promise_99"} <= names
    assert result.verdict.live.target == compared_at
    # What the live model does not say is not taken for a refusal.
    assert live["coverage_at_90"] == (figures["coverage_at_90"] if compared_at else None)
    assert (live["coverage_at_97_5"], live["coverage_at_97_5_lower"]) == (None, None)
    rows = pq.read_table(result.folder / "predictions.parquet").to_pylist()
    said = {row["accepted_97_5"] for row in rows if row["model"] == "live"}
    assert said == {None}
