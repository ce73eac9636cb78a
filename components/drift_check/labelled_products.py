"""Reads a split's examples as products, without their pictures."""

from collections.abc import Iterator

import apache_beam as beam
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public import tfxio

from components.drift_check.profile import Product

_TEXT = ("product_id", "title", "description", "category", "image_format")
_REAL = ("price", "label_confidence")
_WHOLE = ("image_width", "image_height", "group")


class ReadLabelledProducts(beam.PTransform):
    """Gzipped TFRecords of tf.Examples to `Product`s."""

    def __init__(self, pattern: str):
        """`pattern` matches the files."""
        super().__init__()
        self._pattern = pattern

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        # The decoder passes over what the schema does not name: the pictures.
        source = tfxio.TFExampleRecord(
            self._pattern, schema=_schema(), telemetry_descriptors=["DriftCheck"]
        )
        return pipeline | source.BeamSource() | "Products" >> beam.FlatMap(_products)


def _schema() -> schema_pb2.Schema:
    kinds = ((_TEXT, schema_pb2.BYTES), (_REAL, schema_pb2.FLOAT), (_WHOLE, schema_pb2.INT))
    schema = schema_pb2.Schema()
    for names, kind in kinds:
        for name in names:
            schema.feature.add(name=name, type=kind)
    return schema


def _products(batch: pa.RecordBatch) -> Iterator[Product]:
    columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    for row in range(batch.num_rows):
        values = {name: (column[row] or [None])[0] for name, column in columns.items()}
        text = {name: (values.get(name) or b"").decode("utf-8", "replace") for name in _TEXT}
        yield Product(
            **text,
            **{name: values.get(name) for name in (*_REAL, *_WHOLE)},
            has_picture=bool(text["image_format"]),
        )
