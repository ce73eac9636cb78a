"""What a hostile picture breaks is one process, and no other picture."""

import asyncio
import hashlib
import io
import os
import signal

import numpy as np
import pytest
from PIL import Image

from shelfsort.catalog.fetching.decoding import Decoders, RejectedPictureError, StoreError
from tests.fixtures.crawl import jpeg

pytestmark = pytest.mark.slow


def _run(work, store, max_pixels=50_000_000):
    async def running():
        decoders = Decoders(str(store), max_pixels)
        await decoders.start()
        try:
            return await work(decoders)
        finally:
            await decoders.end()

    return asyncio.run(running())


def _large():
    noise = np.random.default_rng(1).integers(0, 256, (3_000, 3_000, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG", compress_level=1)
    return out.getvalue()


def test_a_picture_that_breaks_its_process_is_rejected_and_no_other(tmp_path):
    async def work(decoders):
        breaking = asyncio.ensure_future(decoders.settle(_large()))
        process = None
        while process is None:
            await asyncio.sleep(0.001)
            process = next((each for each in decoders._running if each.decoding), None)
        os.kill(process._process.pid, signal.SIGKILL)
        others = asyncio.gather(*(decoders.settle(jpeg(n)) for n in range(6)))
        with pytest.raises(RejectedPictureError) as caught:
            await breaking
        return caught.value.outcome, await others

    outcome, others = _run(work, tmp_path / "images")
    assert outcome == "not_an_image"
    digests = [hashlib.sha256(jpeg(n)).hexdigest() for n in range(6)]
    assert [each.digest for each in others] == digests


def test_pictures_are_measured_and_bounded_in_pixels(tmp_path):
    async def work(decoders):
        stored = await decoders.settle(jpeg(1, (40, 30)))
        with pytest.raises(RejectedPictureError) as caught:
            await decoders.settle(jpeg(1, (400, 300)))
        return (stored.format, stored.width, stored.height), caught.value.outcome

    assert _run(work, tmp_path / "images", 100_000) == (("png", 40, 30), "too_large")


def test_a_store_that_cannot_be_written_is_no_fault_of_the_picture(tmp_path):
    (tmp_path / "file").write_text("")

    async def work(decoders):
        with pytest.raises(StoreError):
            await decoders.settle(jpeg(1))

    _run(work, tmp_path / "file")
