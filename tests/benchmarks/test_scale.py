"""The scale benchmark: its catalogues, its arithmetic, and a whole run on few products."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_a_larger_catalogue_begins_with_the_smaller_one(tmp_path):
    from large_catalogue import make_catalogue

    small = make_catalogue(tmp_path, 30, processes=1).read_text().splitlines()
    pictures = {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")}
    large = make_catalogue(tmp_path, 40, processes=1).read_text().splitlines()
    assert large[:30] == small
    assert len(large) == 40
    assert {path: path.read_bytes() for path in pictures} == pictures
    assert len(set(pictures.values())) == len(pictures)
    for text in small:
        line = json.loads(text)
        assert "source-ref" not in line or (tmp_path / line["source-ref"]).is_file()


def test_growth_is_the_slope_between_two_sizes():
    from scale import Measured, growth

    from components.cost import Cost

    def run(products: int, cpu: float, peak: int) -> Measured:
        cost = {"Trainer": Cost(cpu, cpu)}
        return Measured(products, cost, {"Trainer": peak}, products, Cost(1, 1), None)

    exponent, kb = growth(run(1_000, 10, 500), run(10_000, 100, 509), "Trainer")
    assert exponent == pytest.approx(1)
    assert kb == pytest.approx(1.024)
    assert growth(run(1_000, 10, 500), run(10_000, 1_000, 500), "Trainer") == (2, 0)


@pytest.mark.slow
def test_a_run_on_few_products_prints_every_component(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "scale.py"), "200", "--where", str(tmp_path)]
    command += ["--set", "training.epochs=1", "--set", "training.folds=2"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    components = {line[1] for line in lines if line[:1] == ["200"]}
    assert {"ManifestExampleGen", "Transform", "Trainer", "embedding", "Evaluator"} <= components
    assert "200 products: from manifest to embeddings" in done.stdout
