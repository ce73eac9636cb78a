"""What a request may cost: the one place for the server's limits, their defaults and their flags.

`docs/security.md` shows them as a table, which `docs/limits_table.py` writes from `table`.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from serving.status import MAX_DETAIL_CHARACTERS
from serving.tensor_limits import MAX_FILLED_BYTES, MAX_RANK
from shelfsort.products.images.headers import MAX_GIF_FRAMES, MAX_IMAGE_PIXELS, MAX_JPEG_SCANS

MEGABYTE = 1 << 20

MAX_HEAD_BYTES = 1 << 16
"""Of an HTTP request's line and headers, and of a gRPC call's metadata."""
MAX_CONTROL_BYTES = 1 << 16
"""Of a gRPC message that asks for no inference: it is parsed in, or beside, the event loop."""
LARGE_PIXELS = 8_000_000
LARGE_ROWS = 64
"""A request above either is large: it runs beside the others, never in front of them."""
MAX_LARGE_WAITING = 8
GRPC_CONNECTIONS = 4096
"""At once on a port; fewer where the process may not open as many files."""
GRPC_STREAMS = 128
"""Calls at once on one connection; a client opens another for more."""
GRPC_IDLE_SECONDS = 300
GRPC_AGE_SECONDS = 1800
"""After which a connection takes no new calls, and the client makes another: so nobody leaves
answers lying for ever."""
GRPC_GRACE_SECONDS = 300
"""That the calls of such a connection may still take."""
GRPC_UNSEEN_SECONDS = 10
"""That a call may wait for the event loop to look at it."""
KEEPALIVE_SECONDS = 60
"""A gRPC connection that is silent for so long is pinged, and closed without an answer in 20 s."""


def _limit(default: Any, what: str, flag: str = "") -> Any:
    return dataclasses.field(default=default, metadata={"what": what, "flag": flag})


@dataclass(frozen=True)
class Limits:
    """What one request may cost, and all in hand together. Every field has a row in the table."""

    max_message_bytes: int = _limit(
        64 * MEGABYTE,
        "Bytes of a request. Over REST also after decompression",
        "--max-message-mb",
    )
    max_batch_size: int | None = _limit(1024, "Rows of a request", "--max-batch-size")
    max_image_pixels: int = _limit(
        MAX_IMAGE_PIXELS,
        "Pixels of an image, by its header, over all frames of a GIF",
        "--max-image-pixels",
    )
    max_json_values: int = _limit(
        1 << 20, "Values, lists and objects in a REST body", "--max-json-values"
    )
    max_message_fields: int = _limit(
        1 << 18, "Fields of a gRPC message, those inside others too", "--max-message-fields"
    )
    request_memory_bytes: int = _limit(
        1024 * MEGABYTE,
        "Memory of all requests in hand together, estimated from bytes, values and pixels; as "
        "much again of answers that have not been taken",
        "--request-memory-mb",
    )
    max_concurrent: int = _limit(1000, "Requests in hand, and REST connections", "--max-concurrent")
    max_queued: int = _limit(1000, "Requests that wait for a run of one signature")
    arrival_seconds: float = _limit(
        30.0, "Seconds in which a request must have arrived", "--arrival-seconds"
    )

    @property
    def max_arriving(self) -> int:
        """Requests that may be on their way in at once; one more, and the oldest is dropped.

        Their bytes are not known before they have arrived, so each counts as the largest.
        """
        return max(16, self.request_memory_bytes // self.max_message_bytes)


DEFAULT_LIMITS = Limits()


def table() -> list[tuple[str, float | None, str]]:
    """Every limit: what it bounds, its default, and the option that sets it ("" for none)."""
    options: list[tuple[str, Any, str]] = [
        (each.metadata["what"], each.default, each.metadata["flag"])
        for each in dataclasses.fields(Limits)
    ]
    return [
        *options,
        ("Dimensions of a tensor, and levels of lists in a REST body", MAX_RANK, ""),
        ("Bytes of values that a tensor claims and does not hold", MAX_FILLED_BYTES, ""),
        ("Scans of a JPEG", MAX_JPEG_SCANS, ""),
        ("Frames of a GIF", MAX_GIF_FRAMES, ""),
        ("Pixels of a request above which it waits in a lane of its own", LARGE_PIXELS, ""),
        ("Rows above which it does", LARGE_ROWS, ""),
        ("Requests that wait in that lane", MAX_LARGE_WAITING, ""),
        ("Bytes of an HTTP request's head, and of a gRPC call's metadata", MAX_HEAD_BYTES, ""),
        (
            "Bytes of a gRPC message about health, status, metadata, reflection or configuration",
            MAX_CONTROL_BYTES,
            "",
        ),
        ("Characters of an error", MAX_DETAIL_CHARACTERS, ""),
        (
            "gRPC connections, but at most half of the files that the process may open",
            GRPC_CONNECTIONS,
            "",
        ),
        ("gRPC calls at once on one connection", GRPC_STREAMS, ""),
        ("Seconds after which an idle gRPC connection is closed", GRPC_IDLE_SECONDS, ""),
        ("Seconds after which a gRPC connection takes no new calls", GRPC_AGE_SECONDS, ""),
        ("Seconds that its calls may still take then", GRPC_GRACE_SECONDS, ""),
        ("Seconds that a gRPC call may wait to be looked at", GRPC_UNSEEN_SECONDS, ""),
    ]
