"""The curated schema arrives where TFX's components read it."""

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts
from tfx.utils import io_utils

import schema
from components.schema_importer.component import SchemaImporter
from components.schema_importer.executor import Executor


def imported(folder) -> schema_pb2.Schema:
    artifact = standard_artifacts.Schema()
    artifact.uri = str(folder)
    Executor().Do({}, {"schema": [artifact]}, {"code_digest": "0"})
    return io_utils.SchemaReader().read(f"{folder}/schema.pbtxt")


def test_the_artifact_holds_the_packages_schema(tmp_path):
    assert imported(tmp_path) == io_utils.SchemaReader().read(str(schema.SCHEMA_FILE))


def test_a_second_attempt_overwrites_what_a_killed_one_left(tmp_path):
    (tmp_path / "schema.pbtxt").write_text("feature { name: 'half")
    assert {feature.name for feature in imported(tmp_path).feature} >= {"title", "image"}


def test_another_schema_is_another_execution():
    def properties(digest):
        return dict(SchemaImporter(code_digest=digest).exec_properties)

    assert properties("a") != properties("b")
