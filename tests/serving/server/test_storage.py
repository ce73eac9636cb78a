"""Which versions lie in a model's folder, and what they are made of, here and in a store."""

import pytest
import tensorflow as tf

from serving.server.storage import content_state, list_versions


@pytest.fixture(params=["folder", "store"])
def base(request, tmp_path):
    return str(tmp_path) if request.param == "folder" else f"ram://{tmp_path.name}"


def write(path, content):
    tf.io.gfile.makedirs(path.rsplit("/", 1)[0])
    tf.io.gfile.GFile(path, "w").write(content)


def test_versions_are_folders_named_by_numbers(base):
    for name in ("1/a", "007/a", "draft/a"):
        write(f"{base}/{name}", "x")
    assert list_versions(base) == {1: f"{base}/1", 7: f"{base}/007"}


def test_the_state_of_a_version_follows_its_files(base):
    write(f"{base}/1/variables/data", "half")
    states = [content_state(f"{base}/1")]
    assert states[0] == content_state(f"{base}/1")
    write(f"{base}/1/variables/data", "the whole")
    states.append(content_state(f"{base}/1"))
    write(f"{base}/1/saved_model.pb", "graph")
    states.append(content_state(f"{base}/1"))
    assert [len(state) for state in states] == [1, 1, 2]
    assert states[0] != states[1]


def test_a_version_that_is_gone_has_no_files(base):
    assert not content_state(f"{base}/1")
