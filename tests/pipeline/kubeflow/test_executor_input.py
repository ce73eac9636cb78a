"""What Kubeflow's launcher sends becomes what TFX reads, and what TFX writes what was asked for."""

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from pipeline.kubeflow.executor_input import (
    ComponentInputsSpec,
    ExecutorInput,
    ExecutorOutput,
    StagedStores,
    fill_types,
    local_outputs,
    restore_addresses,
)

EXAMPLES = "title: tfx.Examples\ntype: object\n"


def inputs_spec():
    declared = {"artifacts": {"examples": {"artifactType": {"instanceSchema": EXAMPLES}}}}
    return json_format.ParseDict(declared, ComponentInputsSpec())


def executor_input(uri="/data/examples", type_=None, output="/data/model"):
    artifact = {"name": "17", "uri": uri, "metadata": {"display_name": "examples"}}
    if type_ is not None:
        artifact["type"] = type_
    return json_format.ParseDict(
        {
            "inputs": {"artifacts": {"examples": {"artifacts": [artifact]}}},
            "outputs": {
                "artifacts": {"model": {"artifacts": [{"name": "model", "uri": output}]}},
                "outputFile": "/tmp/kfp/output_metadata.json",
            },
        },
        ExecutorInput(),
    )


def input_artifact(message):
    return message.inputs.artifacts["examples"].artifacts[0]


@pytest.mark.parametrize(
    "type_",
    [
        {"instanceSchema": ""},
        {"instanceSchema": "  \n"},
        {"schemaTitle": "system.Artifact"},
        {},
        None,
    ],
)
def test_an_artifact_without_a_type_gets_the_declared_one(type_):
    message = executor_input(type_=type_)
    fill_types(message, inputs_spec())
    assert input_artifact(message).type.instance_schema == EXAMPLES


@pytest.mark.parametrize(
    "type_", [{"instanceSchema": "title: tfx.Model\n"}, {"schemaTitle": "tfx.Model"}]
)
def test_a_type_that_was_sent_is_kept(type_):
    message = executor_input(type_=type_)
    fill_types(message, inputs_spec())
    assert json_format.MessageToDict(input_artifact(message).type) == type_


def test_an_undeclared_artifact_is_left_alone():
    message = executor_input(type_={"instanceSchema": ""})
    fill_types(message, ComponentInputsSpec())
    assert input_artifact(message).type.instance_schema == ""


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("minio://mlpipeline/v2/a/model", "/minio/mlpipeline/v2/a/model"),
        ("s3://bucket/key", "/s3/bucket/key"),
        ("gs://bucket/key", "gs://bucket/key"),
        ("/data/key", "/data/key"),
        ("s3", "s3"),
    ],
)
def test_staged_addresses_have_the_launchers_local_paths(uri, local):
    assert StagedStores().local(uri) == local


def test_inputs_and_outputs_become_local_and_outputs_get_their_address_back():
    message = executor_input("minio://b/examples", output="minio://b/model")
    addresses = StagedStores("/sandbox").localize(message)
    assert input_artifact(message).uri == "/sandbox/minio/b/examples"
    assert message.outputs.artifacts["model"].artifacts[0].uri == "/sandbox/minio/b/model"
    assert addresses == {"/sandbox/minio/b/model": "minio://b/model"}

    output = ExecutorOutput()
    output.artifacts["model"].artifacts.add(uri="/sandbox/minio/b/model")
    output.artifacts["other"].artifacts.add(uri="/elsewhere")
    restore_addresses(output, addresses)
    assert output.artifacts["model"].artifacts[0].uri == "minio://b/model"
    assert output.artifacts["other"].artifacts[0].uri == "/elsewhere"


def test_a_volume_is_left_as_it_is():
    message = executor_input()
    before = message.SerializeToString(deterministic=True)
    assert StagedStores().localize(message) == {}
    assert message.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    ("output", "local"), [("/data/model", ["/data/model"]), ("gs://bucket/model", [])]
)
def test_local_outputs_are_those_on_this_file_system(output, local):
    assert local_outputs(executor_input(output=output)) == local


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_every_output_address_survives_there_and_back(key):
    uri = f"s3://bucket/{key}"
    message = executor_input(output=uri)
    addresses = StagedStores().localize(message)
    output = ExecutorOutput()
    output.artifacts["model"].artifacts.add(uri=message.outputs.artifacts["model"].artifacts[0].uri)
    restore_addresses(output, addresses)
    assert output.artifacts["model"].artifacts[0].uri == uri
