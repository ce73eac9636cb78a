"""Artifacts as the Trainer, the Evaluator and ServingCheck leave them."""

import json
import shutil
from pathlib import Path

import pytest
from tfx.types import artifact as tfx_artifact
from tfx.types import standard_artifacts

from components.artifacts import DataDrift
from components.blessing import INFRA_BLESSING, MODEL_BLESSING
from components.check import Check
from components.evaluator.artifact import Metrics, Verdict
from components.serving_check.artifact import ServingReport

_TYPES = {
    "model": standard_artifacts.Model,
    "model_blessing": standard_artifacts.ModelBlessing,
    "infra_blessing": standard_artifacts.InfraBlessing,
    "evaluation": standard_artifacts.ModelEvaluation,
    "drift": DataDrift,
}


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


class Inputs:
    """The Pusher's input artifacts on disk; blessed unless told otherwise."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.train("weights")
        self.bless()
        _write(folder / "drift" / "training_statistics.pb", "how often what occurs")
        Metrics({"combined": {"eval": {"n": 9, "accuracy": 0.9}}}).write(folder / "evaluation")

    def train(self, weights: str) -> None:
        """Puts another model in the model artifact."""
        model = self._folder / "model" / "Format-Serving"
        _write(model / "saved_model.pb", "graph")
        _write(model / "variables" / "variables.index", weights)
        _write(model / "assets.extra" / "shelfsort.json", json.dumps({"backbone": "none"}))

    def bless(self, model: bool = True, infra: bool = True) -> None:
        """Writes both blessings anew, each with a check that agrees."""
        for name, blessing, blessed in (
            ("model_blessing", MODEL_BLESSING, model),
            ("infra_blessing", INFRA_BLESSING, infra),
        ):
            shutil.rmtree(self._folder / name, ignore_errors=True)
            blessing.write(self.uri(name), blessed)
        Verdict(model, (Check("model_blessing_check", model, "because."),)).write(
            self.uri("evaluation")
        )
        ServingReport((Check("infra_blessing_check", infra, "because."),)).write(
            self.uri("infra_blessing")
        )

    def uri(self, name: str) -> str:
        """Where an artifact lies."""
        return str(self._folder / name)

    def artifacts(self) -> dict[str, list[tfx_artifact.Artifact]]:
        """The artifacts, as an executor gets them."""
        found = {name: kind() for name, kind in _TYPES.items()}
        for name, artifact in found.items():
            artifact.uri = self.uri(name)
        return {name: [artifact] for name, artifact in found.items()}


@pytest.fixture
def inputs(tmp_path) -> Inputs:
    """Blessed inputs."""
    return Inputs(tmp_path / "inputs")
