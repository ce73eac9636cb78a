"""The line about a fit on the console."""

import dataclasses
from types import SimpleNamespace

import numpy as np

from components.trainer.fit_summary import fit_summary
from shelfsort.training.fitting import passes
from shelfsort.training.settings import TrainingConfig
from tests.fixtures.tuning import products


def test_passes_products_that_only_train_and_suspects_are_counted():
    train = products(np.arange(60) % 3, np.zeros((60, 4), np.float32))
    train = dataclasses.replace(train, evidence=np.arange(60) >= 20)
    said = fit_summary(SimpleNamespace(suspects=[1, 2]), train, TrainingConfig()).split("; ")
    assert said[0].startswith(f"cross-fitted in {passes(60, 10)} passes over 60 products")
    assert said[1].startswith("20 with a leaf only train")
    assert said[2] == "2 label issues (keep)"
    assert len(said) == 3
