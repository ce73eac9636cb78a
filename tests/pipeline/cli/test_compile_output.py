"""`shelfsort compile` writes over none of its inputs."""

import pytest
from click.testing import CliRunner

from pipeline.cli.kubeflow import compile_spec
from shelfsort.core.errors import InputError


@pytest.mark.parametrize("name", ["settings.yaml", "tree.yaml"])
def test_a_spec_does_not_take_the_place_of_settings_or_tree(tmp_path, name):
    settings, tree = tmp_path / "settings.yaml", tmp_path / "tree.yaml"
    settings.write_text("name: shelves\n")
    tree.write_text("A > Mugs\n")
    before = (tmp_path / name).read_text()
    arguments = ["--manifest", "m", "--taxonomy", str(tree), "--root", "r", "--serving", "s"]
    arguments += ["--image", "i", "--config", str(settings), "--output", str(tmp_path / name)]
    result = CliRunner().invoke(compile_spec, arguments)
    assert isinstance(result.exception, InputError)
    assert f"{name}: is the input" in str(result.exception)
    assert (tmp_path / name).read_text() == before
