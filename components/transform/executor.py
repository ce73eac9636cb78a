"""Executor of Transform: learns the vocabularies on Beam, then writes the graph that uses them."""

import functools
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
from pydantic import TypeAdapter
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.transform.learning import LearnVocabularies
from components.transform.module import preprocessing_fn
from components.transform.settings import TransformConfig
from components.transform.vocabularies import limits_of

_LEARNT_FROM = "train"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes what `tft.TFTransformOutput` reads."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See Transform for the channels and execution properties."""
        self._log_startup(input_dict, output_dict, exec_properties)
        config = TypeAdapter(TransformConfig).validate_json(exec_properties["transform"])
        splits = artifact_utils.get_split_uris(input_dict["examples"], _LEARNT_FROM)
        schema = artifact_utils.get_single_uri(input_dict["schema"])
        graph = artifact_utils.get_single_uri(output_dict["transform_graph"])
        learnt = f"{graph}/learnt"
        tf.io.gfile.makedirs(learnt)
        self._learn(splits, config, learnt)
        _write_graph(schema, config, learnt, graph, bool(exec_properties.get("encoded")))
        tf.io.gfile.rmtree(learnt)

    def _learn(self, split_uris: list[str], config: TransformConfig, folder: str) -> None:
        files = [path for uri in split_uris for path in sorted(tf.io.gfile.glob(f"{uri}/*"))]
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(files)
                | "Spread" >> beam.Reshuffle()
                | LearnVocabularies(limits_of(config), folder)
            )


def _write_graph(
    schema_uri: str, config: TransformConfig, learnt: str, graph: str, encoded: bool
) -> None:
    """Traces `preprocessing_fn`: it has no TFT analyzer in it, so TFT has nothing to compute."""
    schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri))
    features = schema_utils.schema_as_feature_spec(schema).feature_spec
    impl_helper.analyze_in_place(
        functools.partial(preprocessing_fn, config=config, folder=learnt, encoded=encoded),
        force_tf_compat_v1=False,
        feature_specs=features,
        type_specs=impl_helper.get_type_specs_from_feature_specs(features),
        transform_output_path=graph,
    )
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema),
        f"{graph}/{tft.TFTransformOutput.RAW_METADATA_DIR}",
    )
