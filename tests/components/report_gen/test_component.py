"""ReportGen reads a run's artifacts as they lie on disk, and writes its report."""

import json
import re
from pathlib import Path

import pytest

from components.check import Check
from components.evaluator.artifact import Metrics
from components.report_gen.artifact import Report
from components.report_gen.sections import Anomaly
from components.serving_check.artifact import ServingReport
from components.trainer.artifact import write_suspects
from shelfsort.labeling.label_issues import Suspect
from tests.fixtures.serving_cost import COST

pytestmark = pytest.mark.slow  # importing TFX takes ten seconds

PROPERTIES = {
    "model_name": "shelves",
    "title": "",
    "max_errors": 40,
    "explained_errors": 3,
    "price_per_answer": None,
}


@pytest.fixture
def do(tmp_path):
    """Runs the executor over artifact folders; gives the folder it wrote."""
    from tfx.types import artifact_utils, standard_artifacts

    from components.artifacts import Report
    from components.report_gen.component import ReportGenSpec
    from components.report_gen.executor import Executor

    def run(uris: dict[str, str]):
        given = {}
        for name, uri in uris.items():
            artifact = ReportGenSpec.INPUTS[name].type()
            artifact.uri = uri
            given[name] = [artifact]
        assert given["examples"][0].TYPE_NAME == standard_artifacts.Examples.TYPE_NAME
        given["examples"][0].split_names = artifact_utils.encode_split_names(["train", "eval"])
        report = Report()
        report.uri = str(tmp_path / "report")
        Executor().Do(given, {"report": [report]}, dict(PROPERTIES))
        return tmp_path / "report"

    return run


def script_json(html: str, name: str):
    return json.loads(re.search(f'id="{name}">(.*?)</script>', html, re.S).group(1))


def test_writes_the_page_with_its_figures_and_verdict(do, run_inputs, run_artifacts, tmp_path):
    inputs = run_inputs(400)
    folder = do(run_artifacts(tmp_path / "run", inputs))
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        "metrics.json",
        "report.json",
    }
    assert Metrics.read(folder) == inputs.metrics
    html = (folder / "index.html").read_text("utf-8")
    assert 'class="verdict good"' in html
    assert inputs.lineage["manifest_digest"] in html
    # The calibration rows of predictions.parquet are none of the page's business.
    assert script_json(html, "data")["curves"]["combined"]["category"]["n"] == 400


def test_pictures_are_those_of_the_errors_that_have_one(do, run_inputs, run_artifacts, tmp_path):
    html = (do(run_artifacts(tmp_path / "run", run_inputs(400))) / "index.html").read_text("utf-8")
    errors = {error["id"] for error in script_json(html, "data")["errors"]}
    pictures = script_json(html, "pictures")
    with_a_picture = {name for name in errors if int(name[1:]) % 7 not in (3, 4)}
    assert with_a_picture
    assert set(pictures) == with_a_picture
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in pictures.values())


def test_refusals_of_server_and_gate_reach_the_verdict(do, run_inputs, run_artifacts, tmp_path):
    uris = run_artifacts(tmp_path / "run", run_inputs(100, blessed=False, serving_check=False))
    checks = (
        Check("loads", True, "It loads."),
        Check("answers", False, "3 of 20 products are answered otherwise."),
    )
    ServingReport(checks, cost=COST).write(tmp_path / "run/infra")
    page = do(uris) / "index.html"
    report = Report.of_page(page)
    assert 'href="#cost"' in page.read_text("utf-8")
    assert not report.blessed
    assert [reason.split(":")[0] for reason in report.failed] == [
        "accepted_accuracy_95",
        "serving_check_answers",
    ]
    assert "3 of 20 products are answered otherwise." in report.failed[1]


def test_anomalies_are_read_from_their_protos(do, run_inputs, run_artifacts, tmp_path):
    found = Anomaly("eval", "price", "Unexpected type: BYTES", "", "error")
    inputs = run_inputs(100, anomalies=[found])
    html = (do(run_artifacts(tmp_path / "run", inputs)) / "index.html").read_text("utf-8")
    assert "Unexpected type: BYTES" in html


def test_what_drifted_is_read_from_its_findings(do, run_inputs, run_artifacts, tmp_path):
    html = (do(run_artifacts(tmp_path / "run", run_inputs(100))) / "index.html").read_text("utf-8")
    assert "0.974" in html


def test_optional_inputs_may_be_absent(do, run_inputs, run_artifacts, tmp_path):
    uris = run_artifacts(tmp_path / "run", run_inputs(100))
    for optional in ("infra_blessing", "anomalies", "drift", "model"):
        del uris[optional]
    html = (do(uris) / "index.html").read_text("utf-8")
    assert 'class="compact distances"' not in html


@pytest.fixture
def with_suspects(run_inputs, run_artifacts, some_picture, tmp_path):
    """A run whose Trainer suspects two labels, one of them of a product of the split "train"."""
    import tensorflow as tf

    uris = run_artifacts(tmp_path / "run", run_inputs(100))
    leaves = run_inputs(100).taxonomy.leaves
    model_run = tmp_path / "run" / "model_run"
    model_run.mkdir()
    write_suspects(
        model_run,
        [
            Suspect(name, leaves[0], leaves[1], score)
            for name, score in (("t9", 0.03), ("elsewhere", 0.2))
        ],
    )
    texts = {"product_id": b"t9", "title": b"Odd bag", "description": b"With a zip"}
    texts["image"] = some_picture
    feature = {k: tf.train.Feature(bytes_list={"value": [v]}) for k, v in texts.items()}
    train = Path(uris["examples"]) / "Split-train"
    train.mkdir(exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    with tf.io.TFRecordWriter(str(train / "suspects.gz"), options) as writer:
        writer.write(tf.train.Example(features={"feature": feature}).SerializeToString())
    return {**uris, "model_run": str(model_run)}, leaves


def test_suspects_of_the_trainer_are_listed_with_words_and_pictures(do, with_suspects):
    html = (do(with_suspects[0]) / "index.html").read_text("utf-8")
    assert '<section id="suspects"' in html
    listed = script_json(html, "data")["suspects"]
    assert [(each["id"], each["title"]) for each in listed] == [
        ("t9", "Odd bag"),
        ("elsewhere", ""),
    ]
    pictures = script_json(html, "pictures")
    assert pictures["t9"].startswith("data:image/jpeg;base64,")
    assert "elsewhere" not in pictures


def test_the_first_errors_and_suspects_are_explained_by_titled_training_products(
    do, with_suspects, monkeypatch
):
    from components.report_gen import explaining, explanations
    from shelfsort.training.neighbours import Neighbour

    asked, near = [], (Neighbour("t9", "Bags/Clutches", 0.8), Neighbour("gone", "Bags/Clutches", 0))

    class Fake:
        def explain(self, products):
            asked.extend(products)
            return {p.product_id: explanations.Explanation({}, (), (), near) for p in products}

        def neighbours_of(self, product_ids):
            asked.append(product_ids)
            return {}

    monkeypatch.setattr(explaining.Explainer, "load", lambda *_: Fake())
    html = (do(with_suspects[0]) / "index.html").read_text("utf-8")
    data = script_json(html, "data")
    first = [error["id"] for error in data["errors"][:3]]
    assert [each.product_id for each in asked[:-1]] == first
    assert all(each.record and each.label != each.predicted for each in asked[:-1])
    assert asked[-1] == ["elsewhere", "t9"] or asked[-1] == ["t9", "elsewhere"]
    assert list(data["explained"]) == first
    assert [near["title"] for near in data["explained"][first[0]]["nearest"]] == ["Odd bag", ""]
    assert script_json(html, "pictures")["t9"].startswith("data:image/jpeg;base64,")


def test_a_model_of_an_earlier_version_leaves_errors_unexplained(do, with_suspects):
    html = (do(with_suspects[0]) / "index.html").read_text("utf-8")
    assert script_json(html, "data")["explained"] == {}


def test_suspects_are_written_as_a_relabelling_manifest(do, with_suspects):
    uris, leaves = with_suspects
    folder = do(uris)
    text = (folder / "relabel.manifest").read_text("utf-8")
    first, second = (json.loads(line) for line in text.splitlines())
    label = first.pop("suspected-label")
    assert first.pop("likely-label") != label
    assert label.endswith(leaves[0].split("/")[-1])
    assert first == {
        "id": "t9",
        "title": "Odd bag",
        "description": "With a zip",
        "label-score": 0.03,
    }
    assert (second["id"], second["title"]) == ("elsewhere", "")


def test_without_suspects_there_is_nothing_to_label_again(do, with_suspects):
    uris, _ = with_suspects
    write_suspects(uris["model_run"], [])
    folder = do(uris)
    assert not (folder / "relabel.manifest").exists()
    assert "Labels to look at again" not in (folder / "index.html").read_text("utf-8")


def test_pictures_stop_at_their_budget_in_the_order_of_the_errors():
    from components.report_gen.products import within_budget

    pictures = {"c": "x" * 40, "a": "x" * 50, "b": "x" * 30}
    assert list(within_budget(pictures, ["a", "none", "b", "c"], budget=90)) == ["a", "b"]


def test_component_wires_its_channels_by_type():
    from tfx import types
    from tfx.types import standard_artifacts

    from components.artifacts import Rejects, Taxonomy
    from components.report_gen.component import ReportGen

    required = {
        "examples": standard_artifacts.Examples,
        "rejects": Rejects,
        "taxonomy": Taxonomy,
        "evaluation": standard_artifacts.ModelEvaluation,
        "model_blessing": standard_artifacts.ModelBlessing,
    }
    channels = {name: types.Channel(type=kind) for name, kind in required.items()}
    component = ReportGen(**channels, model_name="shelves", price_per_answer=0.012)
    assert component.outputs["report"].type_name == "components.Report"
    assert component.exec_properties["max_errors"] == 500
    assert set(component.inputs) == set(required)
    with pytest.raises(TypeError):
        ReportGen(**{**channels, "rejects": channels["taxonomy"]}, model_name="shelves")
