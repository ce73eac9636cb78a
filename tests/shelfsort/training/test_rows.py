"""Rows on disk behave as an array does, and a sample of rows is spread over them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.training.rows import CHUNK, RowFile, chunks, evenly

PAIR = np.dtype((np.float32, (2,)))


def filled(n: int) -> tuple[RowFile, np.ndarray]:
    values = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    rows = RowFile(PAIR)
    rows.append(values[: n // 2])
    rows.append(values[n // 2 :])
    return rows, values


@given(st.lists(st.integers(0, 49), max_size=80))
def test_rows_come_back_in_the_order_asked_for(index):
    rows, values = filled(50)
    index = np.array(index, np.int64)
    np.testing.assert_array_equal(rows[index], values[index])


@given(st.lists(st.integers(0, 49), max_size=50, unique=True))
def test_rows_are_written_where_they_belong_and_nowhere_else(index):
    rows, values = filled(50)
    index = np.array(index, np.int64)
    rows[index] = -values[index]
    values[index] *= -1
    np.testing.assert_array_equal(rows[np.arange(50)], values)


def test_a_row_may_have_fields_of_several_types():
    rows = RowFile(np.dtype([("id", np.int32), ("vector", np.float32, (3,))]), 4)
    some = np.zeros(1, rows.dtype)
    some["id"], some["vector"] = 7, [1, 2, 3]
    rows[np.array([2])] = some
    assert rows[np.arange(4)]["id"].tolist() == [0, 0, 7, 0]
    assert rows[np.array([2, 0])]["vector"].tolist() == [[1, 2, 3], [0, 0, 0]]


@pytest.mark.parametrize("outside", [-1, 5])
def test_rows_that_are_not_there_are_refused(outside):
    rows, _ = filled(5)
    with pytest.raises(IndexError):
        rows[np.array([0, outside])]


def test_chunks_are_bounded_and_complete():
    parts = list(chunks(np.arange(2 * CHUNK + 5)))
    assert [len(part) for part in parts] == [CHUNK, CHUNK, 5]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(2 * CHUNK + 5))


@given(st.integers(0, 500), st.integers(1, 100))
def test_a_sample_is_spread_evenly(n, most):
    rows = np.arange(n) * 3
    sample = evenly(rows, most)
    assert len(sample) == min(n, most)
    assert set(sample) <= set(rows)
    gaps = np.diff(sample) / 3
    assert not len(gaps) or gaps.max() - gaps.min() <= 1
