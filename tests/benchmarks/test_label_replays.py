import dataclasses
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from shelfsort.labeling.asking.plan import Rules
from shelfsort.labeling.asking.text_model import CrossFittedRidge

FILE = Path(__file__).parents[2] / "benchmarks" / "label_replays.py"
N, K, WORKERS = 400, 4, 6


@pytest.fixture(scope="module")
def replays():
    spec = importlib.util.spec_from_file_location("label_replays", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def store(replays):
    rng = np.random.default_rng(0)
    gold = rng.integers(0, K, N)
    features = np.eye(K)[gold] + rng.normal(scale=0.35, size=(N, K))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    wrong = (gold[:, None] + rng.integers(1, K, (N, 3))) % K
    return replays.Store(
        ids=[str(row) for row in range(N)],
        workers=tuple("uvwxyz"),
        labels=tuple("abcd"),
        worker=np.stack([rng.permutation(WORKERS)[:3] for _ in range(N)]),
        label=np.where(rng.random((N, 3)) < 0.85, gold[:, None], wrong),
        gold=gold,
        ridge=CrossFittedRidge(features, np.arange(N) % 5),
    )


RULES = Rules(target=0.9)


def test_a_strategy_sees_what_it_has_bought_and_no_gold(replays, store, monkeypatch):
    """Answers that are not bought, and gold, may be anything."""
    shuffled = store.shuffled(3)
    bought = []

    def noted(self, count):
        bought.append(count.copy())
        return original(self, count)

    original = replays.Store.bought
    monkeypatch.setattr(replays.Store, "bought", noted)
    monkeypatch.setattr(replays.Store, "shuffled", lambda self, seed: self)
    first = replays.asking_less(shuffled, 3, RULES)
    most = np.max(bought, axis=0)
    assert 0 < most.sum() < 3 * N
    other = np.where(np.arange(3) < most[:, None], shuffled.label, 0)
    changed = dataclasses.replace(shuffled, label=other, gold=np.zeros(N, int))
    second = replays.asking_less(changed, 3, RULES)
    assert (second.bought, second.rounds) == (first.bought, first.rounds)
    assert (second.machine, second.expected) == (first.machine, first.expected)


def test_peers_label_the_whole_set_too(replays, store, monkeypatch):
    monkeypatch.setattr(replays, "BATCH_PRODUCTS", 100)
    found = replays.by_thresholds(store, "thresholds, gold", 0, RULES)
    assert found.accuracy > 0.85
    assert 0 < found.bought < 1
    assert found.machine == pytest.approx(1 - found.bought)


def test_replays_that_were_kept_are_not_run_again(replays, store, tmp_path, monkeypatch):
    kept = tmp_path / "rows.jsonl"
    first = replays.replay_all(store, range(1), kept, targets=[0.9])
    assert len(kept.read_text().splitlines()) == len(first) == 5
    monkeypatch.setattr(replays, "Rules", None)
    again = replays.replay_all(store, range(1), kept, targets=[0.9])
    assert [(each.strategy, each.accuracy) for each in again] == [
        (each.strategy, each.accuracy) for each in first
    ]
