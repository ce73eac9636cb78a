"""The benchmark of weights by selection: what people label, and with which probability."""

from pathlib import Path

import numpy as np
import pytest

from shelfsort.training.selection import selection_weights


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))


def test_the_least_sure_are_all_labelled_and_of_the_others_a_random_sample():
    from selection import Loop, chosen

    scores = np.linspace(0, 1, 1000)
    first, others = np.arange(50), np.arange(50, 1050)
    found = chosen(first, others, scores, Loop(50, 100, 0.2), np.random.default_rng(0))
    assert found.rows[:150].tolist() == list(range(150))
    assert len(found.rows) == pytest.approx(50 + 100 + 180, abs=40)
    assert set(found.probabilities[:50]) == {0.0}
    assert set(found.probabilities[50:150]) == {1.0}
    assert set(found.probabilities[150:]) == {np.float32(0.2)}
    # What is drawn at random is evidence, among the least sure ones as among the others.
    assert found.evidence[:50].all() and found.evidence[150:].all()
    assert found.evidence[50:150].sum() == pytest.approx(20, abs=12)
    # An audit stands for five products.
    weights = selection_weights(found.probabilities, 50)
    assert weights[150] / weights[60] == pytest.approx(5)
