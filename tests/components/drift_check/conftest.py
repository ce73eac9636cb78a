"""Products, and statistics over them as DriftCheck makes them."""

import dataclasses

import pytest

from components.drift_check.profile import Product

SHELVES = ("bags", "hats", "shoes", "belts", "socks")


def make_product(number: int, **changed) -> Product:
    """One product of a catalogue in which shelves and prices alternate."""
    product = Product(
        product_id=f"p{number}",
        title=f"Model {number} {SHELVES[number % 5]} for everyday walks",
        description="",
        price=10.0 * (1 + number % 7),
        has_picture=True,
        group=number,
        category=SHELVES[number % 5],
        label_confidence=1.0,
        image_format="jpeg",
        image_width=60,
        image_height=80,
    )
    return dataclasses.replace(product, **changed)


def count(products, folder):
    """`Statistics` over products."""
    import apache_beam as beam
    import tensorflow_data_validation as tfdv

    from components.drift_check.statistics import ProfileStatistics, parse

    path = folder / "statistics.pb"
    with beam.Pipeline() as pipeline:
        _ = (
            pipeline
            | beam.Create(products)
            | ProfileStatistics()
            | tfdv.WriteStatisticsToBinaryFile(str(path))
        )
    return parse(path.read_bytes())


def write_examples(folder, products):
    """Writes products as ManifestExampleGen does, pictures and all."""
    import tensorflow as tf

    kinds = {bytes: "bytes_list", float: "float_list", int: "int64_list"}
    folder.mkdir(parents=True)
    path = folder / "data_tfrecord-00000-of-00001.gz"
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for product in products:
            example = tf.train.Example()
            values = dataclasses.asdict(product) | {"image": b"\xff\xd8" * product.has_picture}
            del values["has_picture"]
            for name, value in values.items():
                if value is not None:
                    value = value.encode() if isinstance(value, str) else value
                    feature = example.features.feature[name]
                    getattr(feature, kinds[type(value)]).value.append(value)
            writer.write(example.SerializeToString())


@pytest.fixture(scope="session")
def product_of():
    """Makes a product by number."""
    return make_product


@pytest.fixture(scope="session")
def statistics_of(tmp_path_factory):
    """Counts products."""
    return lambda products: count(products, tmp_path_factory.mktemp("statistics"))


@pytest.fixture(scope="session")
def examples_of():
    """Writes a split's examples into a folder."""
    return write_examples
