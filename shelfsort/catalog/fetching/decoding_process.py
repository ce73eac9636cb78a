"""A process that decodes pictures and keeps them: what a hostile one breaks is only this.

Run as `python -m shelfsort.catalog.fetching.decoding_process STORE MAX_PIXELS DESCRIPTOR`. It reads
numbered pictures from standard input and answers each with a line of JSON. Into the open file with
that descriptor it writes which picture it decodes.
"""

import hashlib
import json
import os
import queue
import resource
import signal
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from shelfsort.catalog.fetching.store import ImageStore, Picture
from shelfsort.products.images.checks import announced_format
from shelfsort.products.images.conversion import served_image
from shelfsort.products.manifest.rejects import RejectedLine

HEADER = struct.Struct(">QI")
"""The number of a picture and the bytes that follow."""
BEGUN = struct.Struct(">Q")
"""The number of the picture that is being decoded, in a file that both processes have open."""
_DECODED_WITHIN_S = 60
_AT_ONCE = 64
_MEMORY_BYTES = 3 << 30
_BYTES_A_PIXEL = 24


def main() -> None:
    """Serves until standard input ends."""
    # What a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    place, max_pixels, begun = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    memory = _MEMORY_BYTES + _BYTES_A_PIXEL * max_pixels
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _Server(ImageStore(place), max_pixels, answers, begun).run(sys.stdin.buffer)


@dataclass(frozen=True)
class _Decoded:
    number: int
    picture: Picture
    width: int
    height: int

    def answer(self) -> dict[str, object]:
        return {
            "id": self.number,
            "digest": self.picture.digest,
            "format": self.picture.format,
            "width": self.width,
            "height": self.height,
            "bytes": len(self.picture.content),
        }


class _Server:
    def __init__(self, store: ImageStore, max_pixels: int, answers: BinaryIO, begun: int):
        self._store, self._max_pixels, self._answers = store, max_pixels, answers
        self._begun = begun
        self._lock = threading.Lock()
        self._decoded: queue.SimpleQueue[_Decoded | None] = queue.SimpleQueue()

    def run(self, pictures: BinaryIO) -> None:
        # Nobody hears the answers once the run was killed; then this process ends, too.
        saving = threading.Thread(target=self._save_all, daemon=True)
        saving.start()
        while len(header := pictures.read(HEADER.size)) == HEADER.size:
            number, size = HEADER.unpack(header)
            content = pictures.read(size)
            if len(content) == size:
                self._decode(number, content)
        self._decoded.put(None)
        saving.join()

    def _decode(self, number: int, content: bytes) -> None:
        os.pwrite(self._begun, BEGUN.pack(number), 0)
        signal.alarm(_DECODED_WITHIN_S)
        try:
            picture, _ = served_image(content, self._max_pixels)
        except RejectedLine as error:
            large = error.reason == "image_too_large"
            outcome = "too_large" if large else "not_an_image"
            self._say({"id": number, "outcome": outcome, "detail": error.detail[:300]})
            return
        finally:
            signal.alarm(0)
        format_ = (announced_format(content) or picture.format).lower()
        kept = Picture(hashlib.sha256(content).hexdigest(), format_, content)
        self._decoded.put(_Decoded(number, kept, picture.width, picture.height))

    def _save_all(self) -> None:
        ended = False
        while not ended:
            batch = [self._decoded.get()]
            while len(batch) < _AT_ONCE and not self._decoded.empty():
                batch.append(self._decoded.get())
            ended = batch[-1] is None
            self._save([each for each in batch if each is not None])

    def _save(self, batch: Sequence[_Decoded]) -> None:
        try:
            self._store.write([each.picture for each in batch])
        # Each store's library has its own errors; every one of them ends the run.
        except Exception as error:
            self._say(*({"id": each.number, "failed": str(error)[:300]} for each in batch))
        else:
            self._say(*(each.answer() for each in batch))

    def _say(self, *answers: dict[str, object]) -> None:
        lines = "".join(json.dumps(answer) + "\n" for answer in answers)
        with self._lock:
            self._answers.write(lines.encode())


if __name__ == "__main__":
    main()
