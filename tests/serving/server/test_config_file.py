"""The model configuration that TF Serving reads from a text file."""

import pytest

from serving.server import ModelConfig, VersionPolicy
from serving.server.config_file import read_config_file
from shelfsort.core.errors import InputError

TWO_MODELS = """
model_config_list {
  config {
    name: "bags"
    base_path: "/models/bags"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 3 versions: 4 } }
    version_labels { key: "stable" value: 3 }
  }
  config { name: "shoes" base_path: "gs://shop/shoes" model_platform: "tensorflow" }
}
"""


def test_names_paths_policies_and_labels_are_read(tmp_path):
    (tmp_path / "models.config").write_text(TWO_MODELS)
    assert read_config_file(tmp_path / "models.config") == [
        ModelConfig("bags", "/models/bags", VersionPolicy(specific=(3, 4)), {"stable": 3}),
        ModelConfig("shoes", "gs://shop/shoes"),
    ]


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("all {}", VersionPolicy(everything=True)),
        ("latest { num_versions: 2 }", VersionPolicy(latest=2)),
        ("latest {}", VersionPolicy(latest=1)),
        ("specific {}", VersionPolicy(specific=())),
    ],
)
def test_every_policy_is_read(tmp_path, text, policy):
    changed = TWO_MODELS.replace("specific { versions: 3 versions: 4 }", text)
    (tmp_path / "models.config").write_text(changed)
    assert read_config_file(tmp_path / "models.config")[0].policy == policy


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"/models/bags"', '"bags"', "Expected model bags to have an absolute path or URI"),
        ('name: "shoes"', 'name: "bags"', "Illegal to list model bags multiple times"),
        ('"tensorflow"', '"caffe"', "caffe is not supported"),
        ('model_platform: "tensorflow"', "", "Illegal setting neither"),
        ("base_path", "\n\nbase", r"models.config:7: .*base"),
        ("model_config_list", "custom_model_config", "Only ModelConfigList"),
    ],
)
def test_what_cannot_be_served_is_an_input_error(tmp_path, before, after, message):
    text = TWO_MODELS.replace(before, after)
    if after == "custom_model_config":
        text = 'custom_model_config { type_url: "x" }'
    (tmp_path / "models.config").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_config_file(tmp_path / "models.config")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path, content):
    if content is not None:
        (tmp_path / "models.config").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read_config_file(tmp_path / "models.config")
