"""The scale benchmark: its catalogues, its arithmetic, and what it prints."""

import dataclasses
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.slow
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

    from shelfsort.core.cost import Cost

    def run(products: int, cpu: float, peak: int) -> Measured:
        cost = {"Trainer": Cost(cpu, cpu)}
        return Measured(products, cost, {"Trainer": peak}, products, Cost(1, 1), None)

    exponent, kb = growth(run(1_000, 10, 500), run(10_000, 100, 509), "Trainer")
    assert exponent == pytest.approx(1)
    assert kb == pytest.approx(1.024)
    assert growth(run(1_000, 10, 500), run(10_000, 1_000, 500), "Trainer") == (2, 0)


def test_a_measured_run_is_printed_with_every_component_and_its_share_of_bare(
    tmp_path, monkeypatch, capsys
):
    import scale

    from shelfsort.core.cost import Cost

    output = tmp_path / "run"
    training = output / "pipeline" / "Trainer" / "model_run" / "7" / "training.json"
    training.parent.mkdir(parents=True)
    spent = {"ManifestExampleGen": 1.0, "Transform": 2.0, "Trainer": 9.0}
    peaks = dict.fromkeys(spent, 900)
    figures = {"seconds": spent, "cpu_seconds": spent, "peak_rss_mb_by_component": peaks}
    (output / "metrics.json").write_text(json.dumps(figures))
    embedding = {"embedding": {"seconds": 5.0, "cpu_seconds": 5.0}}
    training.write_text(json.dumps({"cost": embedding, "pictures_embedded": 10}))
    monkeypatch.setattr(scale, "_run", lambda *_: Cost(20.0, 16.0))
    monkeypatch.setattr(scale, "bare_cost", lambda *_: Cost(0.4, 0.6))

    run = scale.measure(tmp_path / "catalogue", 12, output, [])
    scale.print_table([run])
    scale.print_throughput(run)
    scale.print_marginal(run, run, dataclasses.replace(run, products=13, whole=Cost(5.0, 16.8)))
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    assert {line[1] for line in lines if line[:1] == ["12"]} >= {*spent, "embedding", "whole"}
    # (1 + 2 + 5) s for 10 pictures are 0.8 s each.
    assert "50% of bare by the clock, 75% by CPU" in printed
    assert "A run with 1 new products" in printed and "what is new in it 5.0%" in printed
