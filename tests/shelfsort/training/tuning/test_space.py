"""What a search may propose."""

import numpy as np
import optuna
import pytest
from pydantic import TypeAdapter

from pipeline.config import load_config
from shelfsort.core.errors import InputError
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.tuning.settings import SpaceConfig
from shelfsort.training.tuning.space import KEYS, checked_settings, grid, suggest, with_settings


def test_a_grid_has_every_combination_once_in_an_order_of_its_seed():
    space = SpaceConfig(
        learning_rate=(1e-3, 1e-1),
        dropout=(0.0, 0.5),
        epochs=(5, 20),
        text_units=(),
        image_units=(),
        encoders=("", "minilm"),
    )
    points = grid(space, 3, seed=1)
    assert len(points) == 3 * 3 * 3 * 2
    assert {point["fit.learning_rate"] for point in points} == {1e-3, 1e-2, 1e-1}
    assert {point["fit.dropout"] for point in points} == {0.0, 0.25, 0.5}
    assert {point["fit.epochs"] for point in points} == {5, 10, 20}
    assert {point["text.encoder"] for point in points} == {"", "minilm"}
    assert grid(space, 3, seed=1) == points
    assert grid(space, 3, seed=2) != points


def test_proposals_lie_in_their_ranges_and_fit_the_configuration():
    space = SpaceConfig(weight_decay=(1e-4, 1e-1), encoder_units=(8, 16), encoders=("", "minilm"))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    with_encoder = 0
    for _ in range(40):
        found = suggest(study.ask(), space, TrainingConfig())
        config = with_settings(TrainingConfig(), found)
        assert 5e-4 <= config.fit.learning_rate <= 8e-3
        assert len(f"{config.fit.learning_rate:.10g}".lstrip("0.")) <= 3
        assert 96 <= config.text.units <= 384
        assert config.fit.batch_size == TrainingConfig().fit.batch_size
        assert ("text.encoder_units" in found) == bool(config.text.encoder)
        with_encoder += bool(config.text.encoder)
    assert 10 < with_encoder < 30


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("tuning.space.dropout=[0.5, 0.1]", "tuning.space.dropout"),
        ("tuning.space.dropout=[0.5]", "tuning.space.dropout"),
        ("tuning.space.epochs=[0, 5]", "tuning.space.epochs"),
        ("tuning.space.learning_rate=[0, 0.1]", "tuning.space.learning_rate"),
        ("tuning.space.encoders=[bert]", "tuning.space.encoders"),
        ("tuning.space.layers=[1, 2]", "tuning.space.layers"),
        ("tuning.sampler=hyperband", "tuning.sampler"),
        ("tuning.share=1", "tuning.share"),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused_by_name(override, named):
    with pytest.raises(InputError, match=named):
        load_config(None, [override])


def test_nothing_is_searched_by_default():
    assert load_config().tuning.trials == 0
    assert load_config().training.calibration.searched_share == 0


def test_settings_of_a_file_are_checked():
    found = checked_settings({"fit.dropout": 0.25, "calibration.searched_share": 0.5}, "best.txt")
    assert found == {"fit.dropout": 0.25, "calibration.searched_share": 0.5}
    for wrong in ({"fit.dropout": 2}, {"fit.seed": 3}, {"image.backbone_weights": "/etc"}, [1]):
        with pytest.raises(InputError, match=r"^best\.txt"):
            checked_settings(wrong, "best.txt")


def test_every_range_is_of_a_setting_that_exists():
    sections = TypeAdapter(TrainingConfig).dump_python(TrainingConfig())
    for key in KEYS.values():
        section, name = key.split(".")
        assert name in sections[section]
    assert np.all([hasattr(SpaceConfig(), field) for field in KEYS])
