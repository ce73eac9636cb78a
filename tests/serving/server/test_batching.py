"""Micro-batching: what is joined, what is not, and who is answered when something goes wrong."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from serving.server import batching
from serving.server.batching import MicroBatcher
from serving.status import ServingError


class Model:
    """Doubles its input, run by run, and notes the sizes; runs wait for `gate` while it is shut."""

    def __init__(self):
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def __call__(self, arrays):
        self.sizes.append(arrays[0].shape[0])
        self.entered.release()
        assert self.gate.wait(30)
        if (arrays[0] < 0).any():
            raise ValueError("below zero")
        return [arrays[0] * 2]


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as pool:
        yield pool


def rows(*values):
    return [np.array(values, np.float32)]


def shut(model, batcher, pool):
    """Occupies the only place; later calls wait until the gate opens."""
    model.gate.clear()
    first = pool.submit(batcher, rows(100))
    assert model.entered.acquire(timeout=30)
    return first


def waiting(batcher, count, eventually):
    eventually(lambda: len(batcher._waiting) == count)


def test_a_lone_call_runs_at_once(model):
    batcher = MicroBatcher(model, parallel=1, join_rows=8)
    assert batcher(rows(1, 2))[0].tolist() == [2, 4]
    assert model.sizes == [2]


def test_calls_that_wait_are_joined_and_each_gets_its_rows(model, pool, eventually):
    batcher = MicroBatcher(model, parallel=1, join_rows=8)
    first = shut(model, batcher, pool)
    others = [pool.submit(batcher, rows(*range(n))) for n in (1, 2, 3)]
    waiting(batcher, 3, eventually)
    model.gate.set()
    assert first.result(30)[0].tolist() == [200]
    for count, future in zip((1, 2, 3), others, strict=True):
        assert future.result(30)[0].tolist() == [2 * n for n in range(count)]
    assert model.sizes == [1, 6]


def test_a_run_takes_no_more_rows_than_it_may(model, pool, eventually):
    batcher = MicroBatcher(model, parallel=1, join_rows=4)
    shut(model, batcher, pool)
    others = [pool.submit(batcher, rows(1, 2, 3)) for _ in range(3)]
    waiting(batcher, 3, eventually)
    model.gate.set()
    assert all(future.result(30)[0].tolist() == [2, 4, 6] for future in others)
    assert model.sizes == [1, 3, 3, 3]


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of `join_rows`, however quick the model is and slow the machine."""
    monkeypatch.setattr(batching, "PART_SECONDS", 0.0)
    monkeypatch.setattr(batching, "SHORT_PART_SECONDS", 0.0)
    monkeypatch.setattr(batching, "RESERVED_SECONDS", 60.0)


@pytest.mark.usefixtures("small_parts")
def test_a_large_call_runs_in_parts(model):
    batcher = MicroBatcher(model, parallel=1, join_rows=2)
    assert batcher(rows(1, 2, 3, 4, 5))[0].tolist() == [2, 4, 6, 8, 10]
    assert model.sizes == [2, 2, 1]


def test_parts_that_take_no_time_grow(model):
    batcher = MicroBatcher(model, parallel=1, join_rows=2)
    assert len(batcher(rows(*range(50)))[0]) == 50
    assert model.sizes == [2, 48]


@pytest.mark.usefixtures("small_parts")
def test_a_large_call_ends_when_its_caller_has_gone(model):
    batcher = MicroBatcher(model, parallel=1, join_rows=2)
    with pytest.raises(ServingError) as gone_with:
        batcher(rows(*range(50)), lambda: len(model.sizes) < 2)
    assert gone_with.value.code is grpc.StatusCode.CANCELLED
    assert model.sizes == [2, 2]


@pytest.mark.usefixtures("small_parts")
def test_large_calls_leave_a_place_to_small_ones(model, pool, eventually):
    batcher = MicroBatcher(model, parallel=2, join_rows=2)
    batcher(rows(1))
    model.gate.clear()
    large = [pool.submit(batcher, rows(*range(3))) for _ in range(2)]
    waiting(batcher, 1, eventually)
    small = pool.submit(batcher, rows(7))
    eventually(lambda: model.sizes == [1, 1, 1])
    model.gate.set()
    assert small.result(30)[0].tolist() == [14]
    assert [future.result(30)[0].tolist() for future in large] == [[0, 2, 4]] * 2
    assert model.sizes == [1] * 8
    assert (batcher._free, batcher._large_running) == (2, 0)


def test_large_calls_take_all_places_where_no_small_ones_come(model, pool, eventually):
    batcher = MicroBatcher(model, parallel=2, join_rows=2)
    model.gate.clear()
    large = [pool.submit(batcher, rows(1, 2), large=True) for _ in range(2)]
    eventually(lambda: model.sizes == [2, 2])
    model.gate.set()
    assert [future.result(30)[0].tolist() for future in large] == [[2, 4]] * 2


@pytest.mark.usefixtures("small_parts")
def test_a_large_call_whose_parts_do_not_fit_together_runs_whole():
    sizes = []

    def total(arrays):
        sizes.append(len(arrays[0]))
        return [arrays[0].sum(keepdims=True)]

    batcher = MicroBatcher(total, parallel=1, join_rows=2)
    for _ in range(2):
        assert batcher(rows(1, 2, 3))[0].tolist() == [6]
    assert sizes == [2, 3, 3]


def test_a_full_queue_refuses_as_unavailable(model, pool, eventually):
    batcher = MicroBatcher(model, parallel=1, join_rows=8, max_queued=1)
    shut(model, batcher, pool)
    second = pool.submit(batcher, rows(1))
    waiting(batcher, 1, eventually)
    with pytest.raises(ServingError) as refusal:
        batcher(rows(2))
    model.gate.set()
    assert refusal.value.code is grpc.StatusCode.UNAVAILABLE
    assert second.result(30)[0].tolist() == [2]


def test_calls_of_other_shapes_or_types_are_not_joined(model, pool, eventually):
    batcher = MicroBatcher(model, parallel=1, join_rows=8)
    shut(model, batcher, pool)
    flat = pool.submit(batcher, rows(1))
    waiting(batcher, 1, eventually)
    wide = pool.submit(batcher, [np.ones((1, 2), np.float32)])
    waiting(batcher, 2, eventually)
    double = pool.submit(batcher, [np.ones(1, np.float64)])
    waiting(batcher, 3, eventually)
    also_flat = pool.submit(batcher, rows(2))
    waiting(batcher, 4, eventually)
    model.gate.set()
    assert flat.result(30)[0].tolist() == [2]
    assert also_flat.result(30)[0].tolist() == [4]
    assert wide.result(30)[0].tolist() == [[2, 2]]
    assert double.result(30)[0].dtype == np.float64
    assert model.sizes == [1, 2, 1, 1]


def test_a_bad_row_fails_its_own_call_only(model, pool, eventually):
    batcher = MicroBatcher(model, parallel=1, join_rows=8)
    shut(model, batcher, pool)
    good = [pool.submit(batcher, rows(n)) for n in (1, 2)]
    bad = pool.submit(batcher, rows(-1))
    waiting(batcher, 3, eventually)
    model.gate.set()
    assert [future.result(30)[0].tolist() for future in good] == [[2], [4]]
    with pytest.raises(ValueError, match="below zero"):
        bad.result(30)


def test_a_caller_that_went_away_is_left_out(model, pool, eventually):
    batcher = MicroBatcher(model, parallel=1, join_rows=8)
    shut(model, batcher, pool)
    gone = pool.submit(batcher, rows(1), lambda: False)
    waiting(batcher, 1, eventually)
    there = pool.submit(batcher, rows(2))
    waiting(batcher, 2, eventually)
    model.gate.set()
    assert there.result(30)[0].tolist() == [4]
    with pytest.raises(ServingError) as gone_with:
        gone.result(30)
    assert gone_with.value.code is grpc.StatusCode.CANCELLED
    assert model.sizes == [1, 1]


def test_the_place_is_free_again_after_a_failure(model):
    batcher = MicroBatcher(model, parallel=1, join_rows=8)
    for _ in range(3):
        with pytest.raises(ValueError, match="below zero"):
            batcher(rows(-1))
    assert batcher(rows(1))[0].tolist() == [2]


def test_outputs_without_a_row_for_each_input_row_are_never_joined_again(pool, eventually):
    sizes, gate, entered = [], threading.Event(), threading.Semaphore(0)

    def total(arrays):
        sizes.append(len(arrays[0]))
        entered.release()
        assert gate.wait(30)
        return [arrays[0].sum(keepdims=True)]

    batcher = MicroBatcher(total, parallel=1, join_rows=8)
    for _ in range(2):
        gate.clear()
        pool.submit(batcher, rows(1))
        assert entered.acquire(timeout=30)
        pair = [pool.submit(batcher, rows(n)) for n in (3, 4)]
        waiting(batcher, 2, eventually)
        gate.set()
        assert [future.result(30)[0].tolist() for future in pair] == [[3], [4]]
        while entered.acquire(blocking=False):
            pass
    assert sizes == [1, 2, 1, 1, 1, 1, 1]


def test_many_callers_all_get_their_own_answers():
    batcher = MicroBatcher(lambda arrays: [arrays[0] * 2], parallel=2, join_rows=8)

    def ask(number):
        return batcher(rows(number))[0].tolist() == [2 * number]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(2000)))
    assert batcher._free == 2
