"""The same catalogue on several Beam runners, chosen by configuration alone: the same results."""

import dataclasses
import json
from pathlib import Path

import pytest
from google.protobuf import json_format

from demo.catalogue import make_catalogue
from pipeline.config import Config, load_config
from tests.fixtures.beam_workers import fork_workers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ENGINES = {
    "processes": [
        "--runner=DirectRunner",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
    ],
    "loopback": ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
}
SHARDS = 3
DATA = (
    "ManifestExampleGen",
    "StatisticsGen",
    "SchemaImporter",
    "ExampleValidator",
    "Transform",
    "BaselineModel",
    "DriftCheck",
)
BEAM = ("ManifestExampleGen", "StatisticsGen", "Transform", "DriftCheck", "Evaluator")
SPLITS = ("train", "eval")


class Silent:
    """Listens to a run and says nothing."""

    def started(self, component, number, of):
        pass

    def finished(self, component, seconds, cached):
        pass


@dataclasses.dataclass(frozen=True)
class World:
    """A catalogue and a model to judge on it."""

    manifest: Path
    taxonomy: Path
    model: Path


def write_model(folder: Path, leaves: list[str], parents: list[str]) -> None:
    """A SavedModel that answers from a product's title by a random projection of its bytes."""
    import numpy as np
    import tensorflow as tf

    from shelfsort.contract.modalities import MODALITIES, output_name

    weights = tf.constant(np.random.default_rng(3).normal(size=(64, len(leaves))), tf.float32)
    names, shelves = tf.constant(leaves), tf.constant(parents)

    class Projection(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def evaluate(self, examples):
            read = tf.io.parse_example(
                examples, {"title": tf.io.FixedLenFeature([], tf.string, "")}
            )
            said = {"combined": read["title"], "text": read["title"]}
            return {
                output_name(mode, name): values
                for mode in MODALITIES
                for name, values in answer(said.get(mode, tf.zeros_like(read["title"]))).items()
            }

    def answer(words):
        letters = tf.cast(tf.io.decode_raw(words, tf.uint8, fixed_length=64), tf.float32)
        chances = tf.nn.softmax(tf.matmul(letters / 255.0, weights))
        scores, best = tf.math.top_k(chances, 5)
        score, category = scores[:, 0], tf.gather(names, best[:, 0])
        accepted, parent = score >= 0.3, tf.gather(shelves, best[:, 0])
        return {
            **dict.fromkeys(("accepted_95", "accepted_98"), accepted),
            **dict.fromkeys(("parent_accepted_95", "parent_accepted_98"), accepted),
            **{"category": category, "answer": category, "parent": parent},
            **{"score": score, "parent_score": score, "top_scores": scores},
            "answer_level": tf.cast(accepted, tf.int64),
            "top_categories": tf.gather(names, best),
        }

    module = Projection()
    tf.saved_model.save(module, str(folder), signatures={"evaluate": module.evaluate})


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    from shelfsort.products.taxonomy import Taxonomy

    folder = tmp_path_factory.mktemp("world")
    catalogue = make_catalogue(folder / "catalogue", products=150, seed=5)
    tree = Taxonomy.load(str(catalogue.taxonomy))
    leaves = list(tree.leaves)
    write_model(
        folder / "model" / "Format-Serving", leaves, [tree.parent_or_self(leaf) for leaf in leaves]
    )
    return World(catalogue.manifest, catalogue.taxonomy, folder / "model")


def run(world: World, folder: Path, config: Config):
    """Ingestion, statistics, validation, transform and evaluation; what came of them."""
    from tfx.dsl.components.common.importer import Importer
    from tfx.orchestration import metadata
    from tfx.types.standard_artifacts import Model

    from components.evaluator.component import Evaluator
    from pipeline.local.runner import LocalRunner
    from pipeline.pipeline import Source, create_components, create_pipeline

    source = Source(str(world.manifest), str(world.taxonomy), "", "digest")
    graph = create_components(source, config, serving_dir=str(folder / "live"), live_version="")
    components = [each for each in graph if each.id in DATA]
    model = Importer(str(world.model), Model).with_id("Model")
    outputs = components[0].outputs
    components += [
        model,
        Evaluator(
            outputs["examples"], outputs["taxonomy"], model.outputs["result"], gate=config.gate
        ),
    ]
    runner = LocalRunner(Silent())
    database = metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    runner.run(
        create_pipeline(components, config, root=str(folder / "artifacts"), metadata=database)
    )
    return runner.outcome


@pytest.fixture(scope="module")
def several_shards():
    """A small catalogue in as many files as a large one has."""
    from components.manifest_example_gen import executor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "shard_count", lambda _: SHARDS)
        yield


@pytest.fixture(scope="module")
def alone(world, several_shards, tmp_path_factory):
    """What one process makes of it."""
    return run(world, tmp_path_factory.mktemp("alone"), Config())


@pytest.fixture(scope="module", params=ENGINES)
def spread(request, world, several_shards, tmp_path_factory):
    """What an engine of several workers makes of it."""
    config = load_config(None, [f"beam.args={json.dumps(ENGINES[request.param])}"])
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        workers = fork_workers(patch, tmp_path_factory.mktemp("workers"))
        outcome = run(world, folder, config)
    # Each Beam pipeline has two of its own.
    assert (len(workers) >= 2 * len(BEAM)) == (request.param == "processes")
    return outcome


def records(outcome, component: str, key: str, split: str) -> list[bytes]:
    import tensorflow as tf

    folder = Path(outcome.uri(component, key), f"Split-{split}")
    files = sorted(map(str, folder.glob("*.gz")))
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


def text(outcome, component: str, key: str, name: str) -> str:
    return Path(outcome.uri(component, key), name).read_text("utf-8")


def statistics(path: Path) -> dict:
    import tensorflow_data_validation as tfdv

    (found,) = tfdv.load_stats_binary(str(path)).datasets
    features = {each.path.step[0]: json_format.MessageToDict(each) for each in found.features}
    return {"n": found.num_examples, **features}


def assert_alike(one, other) -> None:
    """Equal but for the last bits of sums, which depend on the order of adding."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_alike(value, other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_alike(*pair)
    else:
        assert one == (pytest.approx(other, rel=1e-9) if isinstance(one, float) else other)


def test_ingestion_writes_the_same_records_in_the_same_order(alone, spread):
    folder = Path(alone.uri("ManifestExampleGen", "examples"))
    assert len(list(folder.glob("Split-train/*.gz"))) == SHARDS
    for split in SPLITS:
        expected = records(alone, "ManifestExampleGen", "examples", split)
        assert len(expected) > 10
        assert records(spread, "ManifestExampleGen", "examples", split) == expected
    for name in ("rejects.jsonl", "summary.json"):
        expected = text(alone, "ManifestExampleGen", "rejects", name)
        assert expected and text(spread, "ManifestExampleGen", "rejects", name) == expected


def test_statistics_are_the_same(alone, spread):
    for split in SPLITS:
        file = Path(f"Split-{split}", "FeatureStats.pb")
        expected = statistics(Path(alone.uri("StatisticsGen", "statistics")) / file)
        assert expected["n"] == len(records(alone, "ManifestExampleGen", "examples", split))
        assert_alike(statistics(Path(spread.uri("StatisticsGen", "statistics")) / file), expected)


def test_the_statistics_that_drift_is_told_by_are_the_same(alone, spread):
    from components.drift_check.artifact import STATISTICS_FILE, DriftFindings

    expected = statistics(Path(alone.uri("DriftCheck", "drift"), STATISTICS_FILE))
    assert 0 < expected["n"] <= len(records(alone, "ManifestExampleGen", "examples", "train"))
    assert_alike(statistics(Path(spread.uri("DriftCheck", "drift"), STATISTICS_FILE)), expected)
    found = text(alone, "DriftCheck", "drift", DriftFindings.FILE)
    assert text(spread, "DriftCheck", "drift", DriftFindings.FILE) == found


def test_transform_learns_the_same(alone, spread):
    assets = Path("transform_fn", "assets")
    learnt = Path(alone.uri("Transform", "transform_graph"), assets)
    assert {"words", "pieces", "categories"} <= {path.name for path in learnt.iterdir()}
    for path in learnt.iterdir():
        assert text(spread, "Transform", "transform_graph", assets / path.name) == path.read_text()


def test_every_metric_and_the_verdict_are_identical(alone, spread):
    figures = json.loads(text(alone, "Evaluator", "evaluation", "metrics.json"))
    judged = figures["combined"]["eval"]
    assert judged["n"] == len(records(alone, "ManifestExampleGen", "examples", "eval"))
    assert 0 < judged["accuracy"] < 1 and judged["ece"] > 0
    for name in ("metrics.json", "categories.json", "verdict.json"):
        expected = text(alone, "Evaluator", "evaluation", name)
        assert text(spread, "Evaluator", "evaluation", name) == expected


def test_every_answer_is_the_same_to_the_last_bit(alone, spread):
    import pyarrow.parquet as pq

    def rows(outcome):
        path = Path(outcome.uri("Evaluator", "evaluation"), "predictions.parquet")
        found = pq.read_table(path).to_pylist()
        return sorted(found, key=lambda row: (row["split"], row["mode"], row["product_id"]))

    assert repr(rows(spread)) == repr(rows(alone))
