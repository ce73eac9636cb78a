"""Prints what the live model of an output folder answers about its eval products, as JSON.

Usage: python served_answers.py OUTPUT PRODUCTS_FROM
"""

import json
import sys
from pathlib import Path

import tensorflow as tf

INPUTS = ("title", "description", "image", "price")


def products(output: Path) -> list[bytes]:
    """The eval products of a run, with nothing but what a client sends."""
    files = sorted(map(str, output.glob("pipeline/ManifestExampleGen/examples/*/Split-eval/*.gz")))
    found = []
    for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        sent = {name: features[name] for name in INPUTS if name in features}
        found.append(tf.train.Example(features={"feature": sent}).SerializeToString())
    return found


def main() -> None:
    output, products_from = map(Path, sys.argv[1:])
    versions = sorted(output.glob("serving/*/[0-9]*"), key=lambda path: int(path.name))
    model = tf.saved_model.load(str(versions[-1]))
    answers = model.signatures["serving_default"](examples=tf.constant(products(products_from)))
    shown = {
        "category": [name.decode() for name in answers["category"].numpy()],
        "score": answers["score"].numpy().tolist(),
        "accepted_95": answers["accepted_95"].numpy().tolist(),
    }
    json.dump(shown, sys.stdout)


if __name__ == "__main__":
    main()
