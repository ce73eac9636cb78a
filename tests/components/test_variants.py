"""Variants of one product: one definition, written at ingestion and read by every later step."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from shelfsort.products.groups import group_id, group_key

pytestmark = pytest.mark.slow

TITLES, COLOURS, FOLDS = 60, ("red", "blue", "green"), 3
NODES = [
    {"id": "main", "name": "Main", "subcategories": ["boots", "hats"]},
    {"id": "boots", "name": "Boots", "subcategories": [], "parent": "main"},
    {"id": "hats", "name": "Hats", "subcategories": [], "parent": "main"},
]


def title(number: int) -> str:
    return f"Model {number} {'boot' if number % 2 else 'hat'}"


def write_catalogue(folder: Path) -> None:
    """60 titles in three colours each; only the description names the colour.

    A line says of the blue ones how likely they were chosen to be labelled.
    """
    folder.mkdir()
    (folder / "taxonomy.json").write_text(json.dumps(NODES))
    with (folder / "labelled.manifest").open("w") as stream:
        for number in range(TITLES):
            for colour in COLOURS:
                label = "Boots" if number % 2 else "Hats"
                line = {
                    "id": f"{number}-{colour}",
                    "title": title(number),
                    "description": f"now in {colour} for summer",
                    "label": {"workers": [{"worker_id": "w", "label": label}]},
                    "label-metadata": {
                        "type": "groundtruth/custom",
                        **({"selection-probability": 0.25} if colour == "blue" else {}),
                    },
                }
                stream.write(json.dumps(line) + "\n")


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    """The training split as the towers take it, by way of ingestion and Transform."""
    import tensorflow_transform as tft
    from tfx.types import channel_utils, standard_artifacts

    import schema
    from components.artifacts import Rejects, Taxonomy
    from components.manifest_example_gen.component import ManifestExampleGen
    from components.manifest_example_gen.executor import Executor as Ingest
    from components.manifest_example_gen.settings import DataConfig
    from components.transform.component import Transform
    from components.transform.executor import Executor as TransformExecutor
    from components.transform.settings import TransformConfig
    from shelfsort.training.dataset import read_products
    from shelfsort.training.embedding_cache import EmbeddingCache

    root = tmp_path_factory.mktemp("variants")
    write_catalogue(root / "catalogue")

    def artifact(type_, name):
        made = type_()
        made.uri = str(root / name)
        (root / name).mkdir()
        return made

    examples = artifact(standard_artifacts.Examples, "examples")
    outputs = {
        "examples": [examples],
        "rejects": [artifact(Rejects, "rejects")],
        "taxonomy": [artifact(Taxonomy, "taxonomy")],
    }
    manifest, taxonomy = (
        str(root / "catalogue" / name) for name in ("labelled.manifest", "taxonomy.json")
    )
    ingestion = ManifestExampleGen(manifest, taxonomy, DataConfig(), "digest")
    Ingest().Do({}, outputs, ingestion.exec_properties)

    schema_artifact = artifact(standard_artifacts.Schema, "schema")
    shutil.copy(schema.SCHEMA_FILE, root / "schema")
    graph = artifact(standard_artifacts.TransformGraph, "graph")
    transform = Transform(
        examples=channel_utils.as_channel([examples]),
        schema=channel_utils.as_channel([schema_artifact]),
        transform=TransformConfig(),
    )
    TransformExecutor().Do(
        {"examples": [examples], "schema": [schema_artifact]},
        {"transform_graph": [graph]},
        transform.exec_properties,
    )
    return read_products(
        [str(root / "examples" / "Split-train" / "*")],
        tft.TFTransformOutput(graph.uri),
        EmbeddingCache(root / "cache", "none"),
        embedding_size=4,
    )


def test_the_trainer_reads_the_groups_that_decided_the_split(products):
    numbers = [int(each.split("-")[0]) for each in products.product_ids]
    expected = [group_id(group_key(title(number), b"", "")) for number in numbers]
    assert products.groups.tolist() == expected
    assert len(products) == len(COLOURS) * len(set(expected)) > TITLES


def test_variants_with_differing_descriptions_share_a_cross_fit_fold(products):
    folds = products.group_folds(FOLDS, seed=0)
    for group in np.unique(products.groups):
        assert len(set(folds[products.groups == group])) == 1
    assert set(folds) == set(range(FOLDS))


def test_the_trainer_knows_how_likely_a_product_was_chosen(products):
    blue = [each.endswith("blue") for each in products.product_ids]
    assert products.selection_probabilities.tolist() == np.where(blue, 0.25, 0).tolist()
