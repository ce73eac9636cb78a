"""Prints what a server of an output folder's models answers about its eval products, as JSON.

Usage: python -m tests.environments.served_answers OUTPUT
"""

import json
import sys
from pathlib import Path

import tensorflow as tf

from serving.server import ModelServer
from shelfsort.client import Classifier, Connection, Product
from shelfsort.contract.model_files import WARM_UP
from shelfsort.contract.signatures import INPUTS, NO_PRICE

PATIENT = Connection(timeout_s=600)


def products(output: Path) -> list[Product]:
    """The eval products of the first run, with nothing but what a client sends."""
    runs = output.glob("pipeline/ManifestExampleGen/examples/*")
    first = min(runs, key=lambda path: int(path.name))
    files = sorted(map(str, first.glob("Split-eval/*.gz")))
    records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    return [_product(tf.train.Example.FromString(record)) for record in records]


def _product(example: tf.train.Example) -> Product:
    values = {each.name: each.value_in(example) for each in INPUTS}
    price = values["price"]
    return Product(
        title=values["title"].decode(),
        description=values["description"].decode(),
        image=values["image"] or None,
        price=None if price == NO_PRICE else price,
    )


def main() -> None:
    output = Path(sys.argv[1])
    # The ports open only when the recorded requests have been answered.
    server = ModelServer.at(output / "serving", port=0, rest_port=None)
    with server, Classifier(server.address, connection=PATIENT) as classifier:
        answers = classifier.classify_many(products(output))
    (live,) = {answer.model_version for answer in answers}
    (recorded,) = output.glob(f"serving/*/{live}/{WARM_UP}")
    document = {
        "version": live,
        "warm_up_requests": sum(1 for _ in tf.data.TFRecordDataset(str(recorded))),
        "answers": [answer.to_json() for answer in answers],
    }
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main()
