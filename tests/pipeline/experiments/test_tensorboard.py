"""The real TensorBoard over the logs of two runs."""

import dataclasses
import json
import urllib.parse
import urllib.request

import numpy as np
import pytest

from pipeline.experiments.tensorboard import tensorboard
from shelfsort.core.errors import InputError
from tests.pipeline.experiments.conftest import Product


def _asked(address: str, path: str, **query: str):
    with urllib.request.urlopen(f"{address}{path}?{urllib.parse.urlencode(query)}") as answer:
        return json.load(answer)


@pytest.mark.slow
def test_the_losses_of_each_run_are_served_under_its_id(make_run, tmp_path):
    from shelfsort.training.fitting import _write_losses

    runs = []
    for name, start in (("first", 4.0), ("second", 2.0)):
        folder = tmp_path / "trained" / name
        _write_losses(folder / "tensorboard", "text", np.array([[start, start], [1.0, 2.0]]))
        run = make_run(name, [Product("p1", "Boots", "Boots")])
        runs.append(dataclasses.replace(run, artifacts={"model_run": folder}))
    without = make_run("third", [Product("p1", "Boots", "Boots")])
    with tensorboard([*runs, without], port=0) as address:
        assert address.startswith("http://127.0.0.1:")
        assert sorted(_asked(address, "data/runs")) == ["first", "second"]
        losses = _asked(address, "data/plugin/scalars/scalars", run="first", tag="text loss")
        assert [(step, value) for _, step, value in losses] == [(0, 4.0), (1, 1.5)]


def test_runs_without_logs_are_refused(make_run):
    with (
        pytest.raises(InputError, match="no run has training logs"),
        tensorboard([make_run("a", [Product("p1", "Boots", "Boots")])], port=0),
    ):
        pass
