"""The exported archive, found and served as SageMaker's TensorFlow Serving container does."""

import http.client
import json
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.cli.models import models


def _found_models(unpacked: Path) -> dict[str, Path]:
    """Model folders by name: those above a folder with a number that holds a graph."""
    graphs = unpacked.rglob("saved_model.pb")
    folders = [graph.parent for graph in graphs if graph.parent.name.isdigit()]
    return {folder.parent.name: folder.parent for folder in folders}


@pytest.mark.slow
def test_an_exported_archive_is_unpacked_and_answers_over_rest(base_path, serving, tmp_path):
    archive, unpacked = tmp_path / "model.tar.gz", tmp_path / "opt/ml/model"
    arguments = ["--target", "sagemaker", "--model-base-path", base_path, "--output", archive]
    result = CliRunner().invoke(models, ["export", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    with tarfile.open(archive) as opened:
        opened.extractall(unpacked, filter="data")
    found = _found_models(unpacked)
    assert set(found) == {"tiny"}
    server = serving(found["tiny"], "tiny")
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=30)
    connection.request("POST", "/v1/models/tiny:predict", json.dumps({"instances": [1.0, 2.5]}))
    assert json.loads(connection.getresponse().read()) == {"predictions": [2.0, 5.0]}
    connection.close()
