"""TF Serving's behaviour, line by line: metadata, status, configuration, health."""

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import get_model_metadata_pb2, model_management_pb2

from serving.server import ModelConfig, ModelServer, ServerOptions

CODE = grpc.StatusCode
RELOADS = {"allow_reload": True, "reload_roots": ("/",)}


def refusal_of(call):
    with pytest.raises(grpc.RpcError) as refusal:
        call()
    return refusal.value.code(), refusal.value.details()


def test_metadata_packs_the_signatures(client):
    response = client.metadata(client.spec(version=1), "signature_def")
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def["pair"].inputs) == {"a", "b"}
    assert response.model_spec.version.value == 1


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ((), "GetModelMetadataRequest must specify at least one metadata_field"),
        (("signature_def", "size"), "Metadata field size is not supported"),
    ],
)
def test_metadata_refuses_other_fields(client, fields, details):
    assert refusal_of(lambda: client.metadata(client.spec(), *fields)) == (
        CODE.INVALID_ARGUMENT,
        details,
    )


def test_metadata_needs_a_spec(client):
    assert refusal_of(lambda: client.metadata(None, "signature_def")) == (
        CODE.INVALID_ARGUMENT,
        "Missing ModelSpec",
    )


def test_status_lists_versions_newest_first_with_their_states(client):
    found = [(entry.version, entry.state) for entry in client.status(client.spec())]
    assert found == [(3, 50), (2, 30), (1, 30)]


def test_status_keeps_the_error_of_a_version_that_did_not_load(client):
    (entry,) = client.status(client.spec(version=3))
    assert entry.status.error_code == CODE.NOT_FOUND.value[0]
    assert entry.status.error_message.startswith("Could not find SavedModel .pb or .pbtxt")


def test_status_is_ok_for_a_version_that_serves(client):
    (entry,) = client.status(client.spec(version=1))
    assert (entry.status.error_code, entry.status.error_message) == (0, "")


def test_status_does_not_look_at_a_label(client):
    assert len(client.status(client.spec(label="nonsense"))) == 3


@pytest.mark.parametrize(
    ("name", "version", "details"),
    [
        ("nobody", None, "Could not find any versions of model nobody"),
        ("tiny", 9, "Could not find version 9 of model tiny"),
    ],
)
def test_status_of_the_unknown_is_not_found(client, name, version, details):
    assert refusal_of(lambda: client.status(client.spec(name, version=version))) == (
        CODE.NOT_FOUND,
        details,
    )


def test_status_needs_a_spec(client):
    assert refusal_of(lambda: client.status(None)) == (CODE.INVALID_ARGUMENT, "Missing ModelSpec")


def test_status_is_ok_after_a_normal_unload(
    serving, client_of, base_path, tripling, pusher, eventually
):
    client = client_of(serving(base_path))
    pusher(tripling, base_path, 2)
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"})
    (entry,) = client.status(client.spec(version=1))
    assert (entry.status.error_code, entry.status.error_message) == (0, "")


def test_reload_replaces_the_whole_configuration(
    serving, client_of, base_path, tripling, pusher, tmp_path, eventually
):
    client = client_of(serving(base_path, **RELOADS))
    pusher(tripling, tmp_path / "other", 5)
    response = client.reload({"name": "other", "base_path": str(tmp_path / "other")})
    assert response.status.error_code == 0
    assert client.predict(client.spec("other"), x=[1.0])["y"].tolist() == [3.0]
    eventually(lambda: client.states("tiny") == {1: "END"})


def test_reload_sets_versions_and_labels(serving, client_of, base_path, tripling, pusher):
    client = client_of(serving(base_path, **RELOADS))
    pusher(tripling, base_path, 2)
    entry = {"name": "tiny", "base_path": str(base_path), "specific": [1, 2]}
    client.reload({**entry, "labels": {"stable": 1, "canary": 2}})
    assert client.predict(client.spec(label="stable"), x=[1.0])["y"].tolist() == [2.0]
    assert client.predict(client.spec(label="canary"), x=[1.0])["y"].tolist() == [3.0]


def test_reload_refuses_a_name_twice(serving, client_of, base_path):
    client = client_of(serving(base_path, **RELOADS))
    model = {"name": "tiny", "base_path": str(base_path)}
    assert refusal_of(lambda: client.reload(dict(model), dict(model))) == (
        CODE.INVALID_ARGUMENT,
        "Illegal to list model tiny multiple times in config list",
    )


def test_reload_refuses_a_relative_path_and_changes_nothing(serving, client_of, base_path):
    client = client_of(serving(base_path, **RELOADS))
    assert refusal_of(lambda: client.reload({"name": "tiny", "base_path": "models"})) == (
        CODE.INVALID_ARGUMENT,
        "Expected model tiny to have an absolute path or URI; got base_path()=models",
    )
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]


def test_reload_refuses_a_label_for_a_version_that_does_not_serve(serving, client_of, base_path):
    client = client_of(serving(base_path, **RELOADS))
    model = {"name": "tiny", "base_path": str(base_path), "labels": {"canary": 8}}
    assert refusal_of(lambda: client.reload(model)) == (
        CODE.FAILED_PRECONDITION,
        "Request to assign label to version 8 of model tiny, "
        "which is not currently available for inference",
    )
    code, _ = refusal_of(lambda: client.predict(client.spec(label="canary"), x=[1.0]))
    assert code is CODE.INVALID_ARGUMENT


def test_a_label_may_go_ahead_of_its_version_where_that_is_allowed(serving, client_of, base_path):
    client = client_of(serving(base_path, labels_for_unavailable=True, **RELOADS))
    client.reload({"name": "tiny", "base_path": str(base_path), "labels": {"canary": 8}})
    assert refusal_of(lambda: client.predict(client.spec(label="canary"), x=[1.0])) == (
        CODE.NOT_FOUND,
        "Servable not found for request: Specific(tiny, 8)",
    )


def test_reload_refuses_another_kind_of_configuration(serving, client_of, base_path):
    client = client_of(serving(base_path, **RELOADS))
    request = model_management_pb2.ReloadConfigRequest()
    request.config.custom_model_config.SetInParent()
    code, details = refusal_of(lambda: client.managed.HandleReloadConfigRequest(request))
    assert code is CODE.INVALID_ARGUMENT
    assert details.endswith("Only ModelConfigList is currently supported")


def test_reload_reports_a_model_that_does_not_load(serving, client_of, base_path, tmp_path):
    client = client_of(serving(base_path, **RELOADS))
    (tmp_path / "broken" / "1").mkdir(parents=True)
    both = [
        {"name": "tiny", "base_path": str(base_path)},
        {"name": "broken", "base_path": str(tmp_path / "broken")},
    ]
    code, details = refusal_of(lambda: client.reload(*both))
    assert code is CODE.UNKNOWN
    assert details.startswith("1 model(s) did not become available: {{broken due to error: ")
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]


def test_reload_waits_no_longer_than_its_caller(serving, client_of, base_path, tmp_path):
    client = client_of(serving(base_path, **RELOADS))
    (tmp_path / "later").mkdir()
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.config.add(
        name="later", base_path=str(tmp_path / "later"), model_platform="tensorflow"
    )
    with pytest.raises(grpc.RpcError) as refusal:
        client.managed.HandleReloadConfigRequest(request, timeout=0.5)
    assert refusal.value.code() in (CODE.DEADLINE_EXCEEDED, CODE.UNKNOWN)
    # The server is not left waiting: the next reload is taken.
    client.reload({"name": "tiny", "base_path": str(base_path)})


@pytest.mark.parametrize("service", ["", "ModelService", "PredictionService"])
def test_health_is_reported_where_it_is_turned_on(client, service):
    health = health_pb2_grpc.HealthStub(client.channel)
    answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=30)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_health_is_off_unless_turned_on(serving, client_of, base_path):
    health = health_pb2_grpc.HealthStub(client_of(serving(base_path)).channel)
    code, _ = refusal_of(lambda: health.Check(health_pb2.HealthCheckRequest(), timeout=30))
    assert code is CODE.UNIMPLEMENTED


def test_several_models_are_served_side_by_side(doubling, tripling, pusher, tmp_path, client_of):
    pusher(doubling, tmp_path / "two", 1)
    pusher(tripling, tmp_path / "three", 1)
    models = [ModelConfig(name, str(tmp_path / name)) for name in ("two", "three")]
    with ModelServer(models, ServerOptions(port=0, rest_port=None)) as server:
        client = client_of(server)
        assert client.predict(client.spec("two"), x=[1.0])["y"].tolist() == [2.0]
        assert client.predict(client.spec("three"), x=[1.0])["y"].tolist() == [3.0]


def test_a_server_describes_what_it_serves(client):
    reflection_pb2 = pytest.importorskip("grpc_reflection.v1alpha.reflection_pb2")
    from grpc_reflection.v1alpha import reflection_pb2_grpc

    stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    request = reflection_pb2.ServerReflectionRequest
    service = "tensorflow.serving.PredictionService"
    asked = [request(list_services=""), request(file_containing_symbol=service)]
    listed, described = stub.ServerReflectionInfo(iter(asked), timeout=30)
    assert {service.name for service in listed.list_services_response.service} == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "tensorflow.serving.ModelService",
        "tensorflow.serving.PredictionService",
    }
    file = FileDescriptorProto.FromString(
        described.file_descriptor_response.file_descriptor_proto[0]
    )
    assert file.name == "tensorflow_serving/apis/prediction_service.proto"
