"""The memory of the requests in hand: one account for both ports."""

import threading

from serving.status import resource_exhausted

BYTES_PER_BYTE = 4
"""A message is held as received, parsed, as arrays, and as a copy in the runtime."""
BYTES_PER_VALUE = 100
"""Of a value, a list or an object in a parsed JSON document."""
BYTES_PER_FIELD = 256
"""Of a field of a parsed gRPC message: measured as 200, for empty tensors in a PredictRequest."""
BYTES_PER_NUMBER = 24
"""Of a number in a packed list, which is an object in Python before it is in an array."""
BYTES_PER_ROW = 256 * 1024
"""That a model's layers take for a row: measured as 240 kB for a Shelfsort model."""
BYTES_PER_ANSWER = 1 << 14
"""Of a call whose answer nobody takes, beside the answer itself."""
BYTES_PER_PIXEL = 4
DECODED_AT_ONCE = 10
"""Images of one request: the default of TensorFlow's `map_fn`."""


class Budget:
    """Adds up what requests in hand, or answers on their way, are estimated to take.

    Args:
        limit: in bytes.
        user: of the memory, as errors name it.
        kind: what uses it.
    """

    def __init__(self, limit: int, user: str = "request", kind: str = "requests in hand"):
        self._limit = limit
        self._user = user
        self._kind = kind
        self._lock = threading.Lock()
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes in hand now."""
        return self._used

    def hold(self) -> "Hold":
        """An account of one request."""
        return Hold(self)

    def take(self, count: int) -> None:
        """Adds to what is in hand.

        Raises:
            ServingError: RESOURCE_EXHAUSTED: there is no room, and nothing has been added.
        """
        with self._lock:
            if count > 0 and self._used + count > self._limit:
                raise resource_exhausted(
                    f"The {self._user} needs {count:,} bytes of memory, and of the "
                    f"{self._limit:,} for {self._kind} {self._used:,} are taken"
                )
            self._used += count


class Hold:
    """What one request has taken of a budget."""

    def __init__(self, budget: Budget):
        self._budget = budget
        self.total = 0

    def add(self, count: int) -> None:
        """Takes more; raises as `Budget.take`."""
        self._budget.take(count)
        self.total += count

    def release(self) -> None:
        """Gives all of it back."""
        count, self.total = self.total, 0
        self._budget.take(-count)

    def passed_on(self) -> "Hold":
        """An account of the same bytes for somebody else to release; this one is empty then."""
        heir = Hold(self._budget)
        heir.total, self.total = self.total, 0
        return heir

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()
