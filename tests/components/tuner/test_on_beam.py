"""Trials on a Beam engine: in rounds, by floors, and as elsewhere."""

import contextlib
import functools
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest

from components.tuner import on_beam
from components.tuner.on_beam import OnBeam, has_engine
from shelfsort.training.tuning import workers
from shelfsort.training.tuning.search import search
from shelfsort.training.tuning.settings import SpaceConfig, TuningConfig
from shelfsort.training.tuning.trial import Outcome
from tests.fixtures.beam_workers import fork_workers
from tests.fixtures.searching import cheap_trial, empty_problem, small_problem

CONFIG = TuningConfig(trials=7, folds=3, workers=3, sampler="random", space=SpaceConfig(epochs=()))
IN_PROCESS = ("--runner=DirectRunner", "--direct_num_workers=1")


class Rounds:
    """Opens workers on a Beam runner, and counts their pipelines."""

    def __init__(self, folder: Path, arguments=IN_PROCESS):
        self.number = 0
        self._folder = folder
        self._arguments = arguments

    def _pipeline(self) -> beam.Pipeline:
        self.number += 1
        return beam.Pipeline(argv=list(self._arguments))

    @contextlib.contextmanager
    def __call__(self, problem, size):
        yield OnBeam(problem, size, str(self._folder), self._pipeline)


@pytest.fixture
def cheap(monkeypatch):
    monkeypatch.setattr(on_beam, "run_trial", cheap_trial)
    monkeypatch.setattr(workers, "run_trial", cheap_trial)


def test_rounds_find_what_this_process_finds(cheap, tmp_path):
    rounds = Rounds(tmp_path / "rounds")
    whole = replace(CONFIG, pruning=False)
    found = search(empty_problem(), whole, tmp_path / "beam", rounds)
    assert rounds.number == 3
    alone = search(empty_problem(), replace(whole, workers=1), tmp_path / "alone")
    assert [each.settings for each in found.trials] == [each.settings for each in alone.trials]
    assert [each.answers.coverage for each in found.trials] == [
        each.answers.coverage for each in alone.trials
    ]
    assert found.best.number == alone.best.number
    assert {each.cpu_seconds for each in found.trials} == {0.3}
    assert search(empty_problem(), whole, tmp_path / "beam", rounds).kept == 7
    assert rounds.number == 3


def test_hopeless_trials_end_at_the_median_of_earlier_rounds(cheap, tmp_path):
    space = SpaceConfig(learning_rate=(1e-5, 8e-3), epochs=())
    config = replace(CONFIG, trials=21, space=space)
    found = search(empty_problem(), config, tmp_path / "beam", Rounds(tmp_path / "rounds"))
    reached = [each.answers.coverage for each in found.trials if each.answers]
    ended = [each for each in found.trials if each.state == "pruned"]
    assert ended and ended[0].number >= 5
    assert len(reached) + len(ended) == 21
    assert found.best.answers.coverage == max(reached)


def test_a_broken_fit_is_a_failed_trial(monkeypatch, tmp_path):
    def breaking(problem, settings, go_on):
        return Outcome(None, 0.1, "ValueError: no") if settings else cheap_trial(problem, {}, go_on)

    monkeypatch.setattr(on_beam, "run_trial", breaking)
    found = search(empty_problem(), CONFIG, tmp_path / "beam", Rounds(tmp_path / "rounds"))
    assert [each.error for each in found.trials] == ["", *["ValueError: no"] * 6]


def test_a_problem_that_somebody_else_wrote_is_refused(cheap, tmp_path):
    pool = OnBeam(empty_problem(), 1, str(tmp_path), functools.partial(beam.Pipeline, argv=[]))
    (tmp_path / "problem.pickle").write_bytes(b"cos\nsystem\n(S'touch hurt'\ntR.")
    pool.start(workers.Job(0, {}, lambda *_: True))
    with pytest.raises(Exception, match="not what the search wrote"):
        pool.finished()
    assert not list(tmp_path.glob("trial-*"))


def test_the_direct_runner_is_no_engine():
    assert not has_engine([])
    assert not has_engine(["--runner=DirectRunner", "--direct_running_mode=multi_processing"])
    assert not has_engine(["--runner=direct"])
    assert has_engine(["--runner=FlinkRunner"])
    assert has_engine(["--runner=apache_beam.runners.dataflow.DataflowRunner"])


@pytest.mark.slow
def test_processes_that_share_nothing_but_a_folder_find_the_same(monkeypatch, tmp_path):
    space = SpaceConfig(text_units=(4, 8), image_units=(), epochs=(), learning_rate=(1e-2, 3e-2))
    config = TuningConfig(trials=4, folds=2, workers=2, sampler="random", space=space)
    problem = small_problem(tmp_path)
    logs = fork_workers(monkeypatch, tmp_path)
    rounds = Rounds(
        tmp_path / "rounds",
        [
            "--runner=DirectRunner",
            "--direct_running_mode=multi_processing",
            "--direct_num_workers=2",
        ],
    )
    found = search(problem, config, tmp_path / "beam", rounds)
    assert (rounds.number, len(logs)) == (2, 4)
    alone = search(problem, replace(config, workers=1), tmp_path / "alone")
    assert [each.settings for each in found.trials] == [each.settings for each in alone.trials]
    for one, other in zip(found.trials, alone.trials, strict=True):
        assert one.answers.accuracy == pytest.approx(other.answers.accuracy, abs=0.02)
