"""A whole small training: raw examples, Transform's graph, the Trainer's module, a served model."""

import dataclasses
import io
import json
import shutil
import zlib
from pathlib import Path

import pytest
from PIL import Image

CATEGORIES = {
    "boots": "leather boot",
    "clogs": "wooden clog",
    "hats": "felt hat",
    "mugs": "tea mug",
}
COLOURS = {"boots": (90, 50, 20), "clogs": (220, 180, 90), "hats": (20, 20, 80), "mugs": (230,) * 3}
NODES = [
    {"id": "main", "name": "Main", "subcategories": ["wear", "mugs"]},
    {"id": "wear", "name": "Wear", "subcategories": ["shoes", "hats"], "parent": "main"},
    {"id": "shoes", "name": "Shoes", "subcategories": ["boots", "clogs"], "parent": "wear"},
    {"id": "boots", "name": "Boots", "subcategories": [], "parent": "shoes"},
    {"id": "clogs", "name": "Clogs", "subcategories": [], "parent": "shoes"},
    {"id": "hats", "name": "Hats", "subcategories": [], "parent": "wear"},
    {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "main"},
]


@dataclasses.dataclass(frozen=True)
class Training:
    """Where a small training left what it made."""

    model: Path
    transform_graph: Path
    raw: Path
    model_run: Path
    cache: Path


def picture(category: str, number: int) -> bytes:
    """A JPEG in the category's colour, a little different each time."""
    image = Image.new("RGB", (40 + number % 7, 50), COLOURS[category])
    image.paste((number % 200, 120, 60), (5, 5, 12, 12 + number % 20))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def example(category: str, number: int) -> bytes:
    """A product; every 7th has no picture, every 11th no words, every 3rd no price."""
    import tensorflow as tf

    words = f"{CATEGORIES[category]} number{number}" if number % 11 else ""
    features = {
        "product_id": f"{category}-{number}".encode(),
        "title": words.encode(),
        "description": b"for everyday use" if words else b"",
        "image": picture(category, number) if number % 7 else b"",
        "category": category.encode(),
    }
    feature = {k: tf.train.Feature(bytes_list={"value": [v]}) for k, v in features.items()}
    if number % 3:
        feature["price"] = tf.train.Feature(float_list={"value": [10.0 + number]})
    feature["label_weight"] = tf.train.Feature(float_list={"value": [1.0]})
    feature["group"] = tf.train.Feature(
        int64_list={"value": [zlib.crc32(f"{category}{number}".encode())]}
    )
    return tf.train.Example(features={"feature": feature}).SerializeToString()


def write_records(path: Path, records: list[bytes]) -> None:
    import tensorflow as tf

    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for record in records:
            writer.write(record)


@pytest.fixture(scope="session")
def training(tmp_path_factory) -> Training:
    """Four categories, 160 training and 240 calibration products, one short training."""
    from tfx.components.trainer.fn_args_utils import FnArgs

    from components.trainer.module import run_fn

    root = tmp_path_factory.mktemp("training")
    (root / "taxonomy.json").write_text(json.dumps(NODES))
    splits = {
        "train": [example(c, n) for n in range(40) for c in CATEGORIES],
        "calibration": [example(c, n) for n in range(100, 160) for c in CATEGORIES],
    }
    for split, records in splits.items():
        write_records(root / "raw" / f"Split-{split}" / "data.gz", records)
    _transform(root)
    run_fn(
        FnArgs(
            train_files=[str(root / "raw" / "Split-train" / "*")],
            eval_files=[str(root / "raw" / "Split-calibration" / "*")],
            transform_graph_path=str(root / "graph"),
            transform_output=str(root / "graph"),
            serving_model_dir=str(root / "model"),
            model_run_dir=str(root / "model_run"),
            custom_config={
                "training": {"epochs": 4, "folds": 2, "embedding_cache": str(root / "cache")},
                "taxonomy": str(root / "taxonomy.json"),
                "model_name": "tiny",
                "manifest_digest": "d1",
                "splits": {"train": 80, "calibration": 10, "eval": 10},
            },
        )
    )
    return Training(
        root / "model",
        root / "graph",
        root / "raw",
        root / "model_run",
        root / "cache",
    )


def _transform(root: Path) -> None:
    """Runs the Transform component's executor over the raw splits."""
    from tfx.types import artifact_utils, channel_utils, standard_artifacts

    import schema
    from components.transform.component import Transform
    from components.transform.executor import Executor
    from components.transform.settings import TransformConfig

    inputs = {"examples": standard_artifacts.Examples(), "schema": standard_artifacts.Schema()}
    inputs["examples"].uri = str(root / "raw")
    inputs["examples"].split_names = artifact_utils.encode_split_names(["train", "calibration"])
    inputs["schema"].uri = str(root / "schema")
    (root / "schema").mkdir()
    shutil.copy(schema.SCHEMA_FILE, root / "schema")
    graph = standard_artifacts.TransformGraph()
    graph.uri = str(root / "graph")
    component = Transform(
        **{name: channel_utils.as_channel([each]) for name, each in inputs.items()},
        transform=TransformConfig(),
    )
    Executor().Do(
        {name: [each] for name, each in inputs.items()},
        {"transform_graph": [graph]},
        component.exec_properties,
    )
