"""A small catalogue whose titles and pictures say what the fake model is to answer."""

import functools
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from shelfsort.contract.modalities import MODALITIES, output_name
from shelfsort.contract.targets import DEFAULT_TARGETS, accepted, parent_accepted, target_key
from shelfsort.products.taxonomy import Taxonomy

LEAVES = ("mugs", "bowls", "lids", "chairs", "stools", "lamps")
PARENTS = ("kitchen", "kitchen", "kitchen", "seats", "seats", "lamps")


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    def node(id_: str, parent: str, children: Sequence[str] = ()) -> dict:
        return {
            "id": id_,
            "name": id_.title(),
            "parent": parent,
            "subcategories": list(children),
        }

    return Taxonomy.from_nodes(
        [
            {"id": "main", "name": "Main", "subcategories": ["kitchen", "seats", "lamps"]},
            node("kitchen", "main", LEAVES[:3]),
            node("seats", "main", LEAVES[3:5]),
            *(node(leaf, "kitchen") for leaf in LEAVES[:3]),
            *(node(leaf, "seats") for leaf in LEAVES[3:5]),
            node("lamps", "main"),
        ]
    )


@dataclass(frozen=True)
class Product:
    """A product; `words` and `picture` are what a model would read out of them."""

    id: str
    category: str
    words: str = ""
    picture: str = ""
    gold: str = ""
    confidence: float = 1.0
    brand: str = "own"

    def example(self) -> bytes:
        import tensorflow as tf

        def feature(value: str | float | int) -> tf.train.Feature:
            if isinstance(value, float):
                return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
            if isinstance(value, int):
                return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))

        values = {
            "product_id": self.id,
            "title": self.words,
            "image": self.picture,
            "category": self.category,
            "gold": self.gold,
            "label_confidence": self.confidence,
            "brand": self.brand,
            "group": zlib.crc32(self.id.encode()),
        }
        features = {name: feature(value) for name, value in values.items()}
        return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def catalogue(split: str, n: int, accuracy: float = 0.97, seed: int = 0) -> list[Product]:
    """Products read right with probability `accuracy`; each in ten lacks words, or a picture."""
    rng = np.random.default_rng([seed, len(split)])
    products = []
    for index in range(n):
        category = LEAVES[index % len(LEAVES)]
        right = rng.random() < accuracy
        said = category if right else LEAVES[(index + 1) % len(LEAVES)]
        score = rng.uniform(0.7, 1) if right else rng.uniform(0.3, 0.8)
        text = f"{said} {score:.4f}"
        products.append(
            Product(
                id=f"{split}-{index}",
                category=category,
                words="" if index % 10 == 3 else text,
                picture="" if index % 10 == 7 else text,
                gold=category if index % 2 else said,
                confidence=1.0 if index % 3 else 0.6,
                brand="own" if index % 4 else "other",
            )
        )
    return products


def write_examples(folder: Path, splits: Mapping[str, Sequence[Product]]) -> None:
    import tensorflow as tf

    options = tf.io.TFRecordOptions(compression_type="GZIP")
    for split, products in splits.items():
        path = folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
        path.parent.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(path), options) as writer:
            for product in products:
                writer.write(product.example())


def fitted(
    n: int,
    threshold: float | None,
    leaves: Sequence[str] = LEAVES,
    targets: Sequence[float] = DEFAULT_TARGETS,
) -> dict:
    """Thresholds of one mode as the Trainer writes them."""
    value = dict.fromkeys(map(target_key, targets)) | {target_key(targets[0]): threshold}
    return {
        "temperature": 1.0,
        "n": n,
        "n_effective": float(n),
        "confidence": 0.95,
        "scope": "overall",
        "overall": value,
        "parent": value,
        "by_category": {leaf: {**value, "n": n // len(leaves)} for leaf in leaves},
    }


def write_model(
    folder: Path,
    *,
    taxonomy: Taxonomy,
    misread: Mapping[str, str] | None = None,
    calibration_n: int = 600,
    threshold: float = 0.65,
    taxonomy_version: str | None = None,
    leaves: Sequence[str] = LEAVES,
    targets: Sequence[float] = DEFAULT_TARGETS,
) -> Path:
    """A SavedModel that answers what the words say, else the picture.

    Args:
        folder: of the model artifact.
        taxonomy: whose version it claims.
        misread: answers given in place of others.
        calibration_n: products its thresholds claim to be fitted on.
        threshold: at the lowest target, of leaf and parent alike; it abstains at the others.
        taxonomy_version: claimed, if not that of `taxonomy`.
        leaves: it claims to know.
        targets: it has, rising.
    """
    import tensorflow as tf

    answers = tf.constant([(misread or {}).get(leaf, leaf) for leaf in LEAVES])
    parents = tf.constant([PARENTS[LEAVES.index((misread or {}).get(x, x))] for x in LEAVES])

    class Reader(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def evaluate(self, examples):
            string = tf.io.FixedLenFeature([], tf.string, "")
            read = tf.io.parse_example(examples, {"title": string, "image": string})
            both = tf.where(tf.strings.length(read["title"]) > 0, read["title"], read["image"])
            said = {"combined": both, "text": read["title"], "image": read["image"]}
            return {
                output_name(mode, name): values
                for mode in MODALITIES
                for name, values in self.answer(said[mode]).items()
            }

        def answer(self, said):
            known = tf.strings.regex_full_match(said, r"\w+ [\d.]+")
            parts = tf.strings.split(tf.where(known, said, f"{LEAVES[0]} 0.1"), " ").to_tensor()
            index = tf.argmax(parts[:, :1] == tf.constant(LEAVES)[None], axis=1)
            score = tf.strings.to_number(parts[:, 1])
            category, parent = tf.gather(answers, index), tf.gather(parents, index)
            decided, never = score >= threshold, tf.zeros_like(score, tf.bool)
            flags = dict.fromkeys(targets, never) | {targets[0]: decided}
            return {
                "category": category,
                "category_path": category,
                "score": score,
                **{accepted(target): flag for target, flag in flags.items()},
                "answer": tf.where(decided, category, ""),
                "answer_level": tf.where(decided, 2, 0),
                "top_categories": tf.stack([category] * 5, axis=1),
                "top_scores": tf.stack([score] * 5, axis=1),
                "threshold_version": tf.fill(tf.shape(score), "t1"),
                "parent": parent,
                "parent_score": score,
                **{parent_accepted(target): flag for target, flag in flags.items()},
            }

    module = Reader()
    path = folder / "Format-Serving"
    tf.saved_model.save(module, str(path), signatures={"evaluate": module.evaluate})
    lineage = {
        "taxonomy_version": taxonomy_version or taxonomy.version,
        "thresholds": {
            mode: fitted(calibration_n, threshold, leaves, targets)
            for mode in ("combined", "text", "image")
        },
    }
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "shelfsort.json").write_text(json.dumps(lineage))
    return path


@pytest.fixture(scope="session")
def world(tmp_path_factory, taxonomy) -> SimpleNamespace:
    """Examples and a taxonomy as artifacts on disk, shared by the tests that run the whole."""
    root = tmp_path_factory.mktemp("world")
    (root / "taxonomy").mkdir()
    (root / "taxonomy" / "taxonomy.json").write_text(json.dumps(taxonomy.to_nodes()))
    products = {"calibration": catalogue("calibration", 300), "eval": catalogue("eval", 600)}
    write_examples(root / "examples", products)
    write = functools.partial(write_model, taxonomy=taxonomy)
    return SimpleNamespace(root=root, products=products, leaves=LEAVES, write_model=write)
