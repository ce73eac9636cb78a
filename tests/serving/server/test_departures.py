"""Answers that have not been taken have memory of their own, and give it back."""

import asyncio

import pytest
from grpc import StatusCode

from serving.server import departures
from serving.server.departures import SMALL_BYTES, Departures
from serving.status import ServingError

LARGE = SMALL_BYTES + 1


def test_large_answers_leave_half_of_the_memory_to_small_ones():
    answers = Departures(4 * LARGE)

    async def call(size):
        answers.of_call(size)
        await asyncio.sleep(60)

    async def check():
        calls = [asyncio.create_task(call(size)) for size in (LARGE, LARGE, 1000)]
        await asyncio.sleep(0)
        assert [each.done() for each in calls] == [False, True, False]
        assert calls[1].exception().code is StatusCode.RESOURCE_EXHAUSTED

    asyncio.run(check())


def test_an_answer_counts_until_its_call_ends():
    answers = Departures(4 * LARGE)

    async def call():
        answers.of_call(LARGE)

    for _ in range(5):
        asyncio.run(call())


def test_an_answer_over_rest_counts_until_it_is_taken(monkeypatch):
    monkeypatch.setattr(departures, "_TAKING_SECONDS", 0.01)
    answers = Departures(4 * LARGE)

    async def check():
        taken = asyncio.Event()
        first = asyncio.create_task(answers.of_connection(taken.wait(), LARGE))
        await asyncio.sleep(0)
        unsent = taken.wait()
        with pytest.raises(ServingError, match="answers that have not been taken"):
            await answers.of_connection(unsent, LARGE)
        unsent.close()
        with pytest.raises(asyncio.TimeoutError):
            await first
        taken.set()
        await answers.of_connection(taken.wait(), LARGE)

    asyncio.run(check())
