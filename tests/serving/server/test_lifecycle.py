"""TF Serving's behaviour, line by line: versions come, are warmed up, fail, and go."""

import shutil
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.server import (
    ModelConfig,
    ModelServer,
    ServerOptions,
    VersionPolicy,
    discover_models,
)
from serving.server.config import parse_version
from serving.server.manager import ModelsUnavailable
from shelfsort.core.errors import InputError


def refusal_of(call):
    with pytest.raises(grpc.RpcError) as refusal:
        call()
    return refusal.value.code(), refusal.value.details()


@pytest.fixture
def warmup_record():
    """Serialises a PredictionLog of a predict request."""

    def make(signature="", **inputs):
        log = prediction_log_pb2.PredictionLog()
        request = log.predict_log.request
        request.model_spec.name = "tiny"
        request.model_spec.signature_name = signature
        for alias, value in inputs.items():
            request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
        return log.SerializeToString()

    return make


def write_warmup(version, records):
    folder = version / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for record in records:
            writer.write(record)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("1", 1),
        ("001", 1),
        ("0", 0),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("9" * 5000, None),
        ("-1", None),
        ("1.tmp", None),
        ("v1", None),
        ("", None),
        ("²", None),
        ("١", None),
    ],
)
def test_a_version_is_a_folder_named_by_a_number(name, version):
    assert parse_version(name) == version


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        (VersionPolicy(), {9}),
        (VersionPolicy(latest=2), {9, 4}),
        (VersionPolicy(everything=True), {1, 4, 9}),
        (VersionPolicy(specific=(4, 5)), {4}),
        (VersionPolicy(specific=()), set()),
    ],
)
def test_a_policy_chooses_versions(policy, chosen):
    assert policy.choose([1, 4, 9]) == chosen


def test_a_base_path_of_versions_is_one_model_named_as_its_folder(tmp_path):
    (tmp_path / "bags" / "3").mkdir(parents=True)
    assert discover_models(tmp_path / "bags") == [ModelConfig("bags", str(tmp_path / "bags"))]
    assert discover_models(tmp_path / "bags", "other")[0].name == "other"


def test_a_base_path_of_models_is_each_of_them(tmp_path):
    for name in ("bags/1", "shoes/2", "notes/text"):
        (tmp_path / name).mkdir(parents=True)
    assert [model.name for model in discover_models(tmp_path)] == ["bags", "shoes"]


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_base_path_without_models_is_an_input_error(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        discover_models(tmp_path / folder)


def test_a_new_version_is_served_and_the_old_one_goes(
    serving, client_of, base_path, tripling, pusher, eventually
):
    client = client_of(serving(base_path))
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]
    pusher(tripling, base_path, 2)
    eventually(lambda: client.predict(x=[1.0])["y"].tolist() == [3.0])
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"})
    code, _ = refusal_of(lambda: client.predict(client.spec(version=1), x=[1.0]))
    assert code is grpc.StatusCode.NOT_FOUND


def test_an_empty_folder_in_place_of_the_models_unloads_nothing(serving, client_of, base_path):
    server = serving(base_path)
    (base_path / "1").rename(base_path.parent / "aside")
    server.manager.poll()
    client = client_of(server)
    assert client.states() == {1: "AVAILABLE"}
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]


def test_a_removed_version_gives_way_to_the_one_before(
    serving, client_of, base_path, tripling, pusher, eventually
):
    pusher(tripling, base_path, 2)
    client = client_of(serving(base_path))
    assert client.predict(x=[1.0])["y"].tolist() == [3.0]
    (base_path / "2").rename(base_path / "2.withdrawn")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]


def test_a_version_that_does_not_load_ends_and_the_old_one_keeps_serving(
    serving, client_of, base_path, eventually
):
    client = client_of(serving(base_path))
    (base_path / "2").mkdir()
    (base_path / "2" / "saved_model.pb").write_bytes(b"no such thing")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]
    (entry,) = client.status(client.spec(version=2))
    assert entry.status.error_code != 0
    assert entry.status.error_message


def test_a_version_that_failed_is_tried_again_when_it_comes_back(
    serving, client_of, base_path, tripling, pusher, eventually
):
    client = client_of(serving(base_path))
    (base_path / "2").mkdir()
    eventually(lambda: client.states().get(2) == "END")
    shutil.rmtree(base_path / "2")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})
    # Two looks at the folder, so that one has seen it gone.
    server_looked = threading.Event()
    server_looked.wait(0.3)
    pusher(tripling, base_path, 2)
    eventually(lambda: client.predict(x=[1.0])["y"].tolist() == [3.0])


def test_a_load_is_tried_again_as_often_as_told(
    serving, client_of, base_path, tripling, eventually
):
    server = serving(base_path, load_retries=50, load_retry_seconds=0.1)
    client = client_of(server)
    (base_path / "2").mkdir()
    eventually(lambda: client.states().get(2) == "LOADING")
    shutil.copytree(tripling, base_path / "2", dirs_exist_ok=True)
    eventually(lambda: client.predict(x=[1.0])["y"].tolist() == [3.0])


def test_a_version_that_was_half_copied_is_served_once_it_is_whole(
    serving, client_of, base_path, tripling, eventually
):
    client = client_of(serving(base_path, load_retry_seconds=0.1))
    shutil.copytree(tripling / "variables", base_path / "2" / "variables")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})
    shutil.copyfile(tripling / "saved_model.pb", base_path / "2" / "saved_model.pb")
    eventually(lambda: client.predict(x=[1.0])["y"].tolist() == [3.0])


def test_a_version_in_use_is_unloaded_after_the_last_call(
    serving, base_path, tripling, pusher, eventually, client_of
):
    server = serving(base_path)
    client = client_of(server)
    with server.manager.use(client.spec(version=1)) as (_, servable):
        pusher(tripling, base_path, 2)
        eventually(lambda: client.states() == {2: "AVAILABLE", 1: "UNLOADING"})
        signature = servable.signatures["serving_default"]
        assert servable.run(signature, {"x": np.ones(1, np.float32)})["y"].tolist() == [2.0]
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"})


def test_folders_with_other_names_are_passed_over(serving, client_of, base_path, doubling, pusher):
    pusher(doubling, base_path, "2-draft")
    (base_path / "3").write_text("a file is no version")
    client = client_of(serving(base_path))
    assert client.states() == {1: "AVAILABLE"}


def test_a_folder_that_cannot_be_listed_leaves_what_is_served(
    serving, client_of, base_path, eventually
):
    client = client_of(serving(base_path))
    base_path.rename(base_path.with_name("away"))
    threading.Event().wait(0.3)
    assert client.predict(x=[1.0])["y"].tolist() == [2.0]


def test_looking_once_means_once(serving, client_of, base_path, tripling, pusher):
    client = client_of(serving(base_path, poll_seconds=0))
    pusher(tripling, base_path, 2)
    threading.Event().wait(0.3)
    assert client.states() == {1: "AVAILABLE"}


def test_the_ports_open_when_a_first_version_has_come(doubling, pusher, tmp_path, client_of):
    (tmp_path / "later").mkdir()
    model = ModelConfig("later", str(tmp_path / "later"))
    options = ServerOptions(port=0, rest_port=None, poll_seconds=0.05)
    server = ModelServer([model], options)
    thread = threading.Thread(target=server.start)
    thread.start()
    threading.Event().wait(0.3)
    assert server.port == 0
    pusher(doubling, tmp_path / "later", 1)
    thread.join(30)
    client = client_of(server)
    assert client.predict(client.spec("later"), x=[1.0])["y"].tolist() == [2.0]
    server.stop()


def test_a_first_load_that_fails_is_an_error(tmp_path):
    (tmp_path / "broken" / "1").mkdir(parents=True)
    model = ModelConfig("broken", str(tmp_path / "broken"))
    server = ModelServer([model], ServerOptions(port=0, rest_port=None, load_retries=0))
    message = r"^1 model\(s\) did not become available: \{\{broken due to error: version 1: "
    with pytest.raises(ModelsUnavailable, match=message):
        server.start()


def test_warm_up_answers_the_recorded_requests_before_the_version_serves(
    serving, client_of, base_path, warmup_record
):
    write_warmup(base_path / "1", [warmup_record(x=[1.0]), warmup_record("pair", a=[1.0], b=[1.0])])
    client = client_of(serving(base_path))
    assert client.states() == {1: "AVAILABLE"}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ("failing", "below zero"),
        ("too many", "Number of warmup records exceeds the maximum (1000)"),
        ("garbage", "Failed to parse warmup record"),
        ("unsupported", "Unsupported log_type for warmup"),
    ],
)
def test_a_version_whose_warm_up_fails_does_not_serve(
    serving, client_of, base_path, tripling, pusher, eventually, warmup_record, records, message
):
    unsupported = prediction_log_pb2.PredictionLog()
    unsupported.session_run_log.SetInParent()
    found = {
        "failing": [warmup_record("not_negative", x=[-1.0])],
        "too many": [warmup_record(x=[1.0])] * 1001,
        "garbage": [b"\xff\xff"],
        "unsupported": [unsupported.SerializeToString()],
    }[records]
    client = client_of(serving(base_path))
    version = pusher(tripling, base_path, "2.draft")
    write_warmup(version, found)
    version.rename(base_path / "2")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})
    (entry,) = client.status(client.spec(version=2))
    assert message in entry.status.error_message


def test_a_warm_up_file_that_is_torn_fails_the_version(
    serving, client_of, base_path, tripling, pusher, eventually
):
    client = client_of(serving(base_path))
    version = pusher(tripling, base_path, "2.draft")
    (version / "assets.extra").mkdir()
    (version / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"torn" * 20)
    version.rename(base_path / "2")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})


def test_a_taken_port_is_an_error(serving, base_path):
    server = serving(base_path)
    second = ModelServer.at(base_path, port=server.port, rest_port=None)
    with pytest.raises(OSError, match="cannot listen on"):
        second.start()
    third = ModelServer.at(base_path, port=0, rest_port=server.rest_port)
    with pytest.raises(OSError, match="cannot listen on"):
        third.start()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("host", "127.0.0.1"),
        ("port", 8500),
        ("rest_port", 8501),
        ("poll_seconds", 1.0),
        ("load_retries", 5),
        ("load_retry_seconds", 60.0),
        ("health_service", False),
        ("max_batch_size", 1024),
    ],
)
def test_defaults_are_tf_servings_but_for_loopback(option, value):
    assert getattr(ServerOptions(), option) == value
