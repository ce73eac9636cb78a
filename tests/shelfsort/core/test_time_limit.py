"""A bound on the time of a block."""

import asyncio
import time

import pytest

from shelfsort.core.time_limit import TimeLimit


async def _slow(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


def test_what_is_quick_enough_gives_its_result():
    async def limited():
        with TimeLimit(5):
            found = await _slow(0.01)
        # The limit is over with its block.
        await asyncio.sleep(0)
        return found

    assert asyncio.run(limited()) == "done"


def test_what_is_too_slow_ends_by_a_timeout_and_its_task_goes_on():
    async def limited():
        began = time.monotonic()
        with pytest.raises(asyncio.TimeoutError), TimeLimit(0.05):
            await _slow(30)
        await asyncio.sleep(0.01)
        return time.monotonic() - began

    assert asyncio.run(limited()) < 10


def test_an_error_of_the_block_and_a_cancellation_from_outside_stay_what_they_are():
    async def failing():
        with TimeLimit(5):
            raise ValueError("broken")

    async def cancelled():
        async def work():
            with TimeLimit(5):
                await _slow(30)

        task = asyncio.ensure_future(work())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(failing())
    assert asyncio.run(cancelled())


def test_limits_may_stand_within_each_other():
    async def nested():
        with TimeLimit(5):
            with pytest.raises(asyncio.TimeoutError), TimeLimit(0.02):
                await _slow(30)
            return await _slow(0.01)

    assert asyncio.run(nested()) == "done"
