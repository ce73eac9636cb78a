"""The example configurations: each is read, checked, and does what its comments say."""

from pathlib import Path

import pytest

from pipeline.config import Config, load_config
from pipeline.kubeflow.destination import Destination, check_destination

EXAMPLES = Path(__file__).parents[1] / "examples"
DESTINATION = Destination(
    target="kubeflow",
    image=f"registry.example/shelfsort@sha256:{'0' * 64}",
    root="minio://mlpipeline/v2/artifacts",
    manifest="/data/labelled.manifest",
    taxonomy="/data/taxonomy.json",
    serving_dir="/data/serving/shoes",
)


def example(name: str) -> Config:
    return load_config(str(EXAMPLES / f"{name}.yaml"))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_has_today_s_keys_only_and_says_how_it_is_used(path, caplog):
    assert load_config(str(path)) != Config()
    assert caplog.messages == []
    assert f"--config examples/{path.name}" in path.read_text("utf-8")


def test_the_laptop_folds_less_than_the_default():
    assert example("laptop").training.fit.folds < Config().training.fit.folds


def test_the_kubeflow_example_may_be_compiled_and_asks_for_a_gpu():
    config = example("kubeflow-gpu")
    check_destination(DESTINATION, config)
    assert config.kubeflow.trainer.gpus == 1


def test_the_flink_example_scores_in_the_step_and_all_else_on_the_cluster():
    from pipeline.beam_args import component_args

    beam = example("flink").beam
    assert "--runner=PortableRunner" in component_args("Transform", beam)
    assert "--runner=DirectRunner" in component_args("Evaluator", beam)
