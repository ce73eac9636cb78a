"""The counters and histograms that TF Serving exports, under its names, for Prometheus.

Written out by hand because `prometheus_client` appends `_total` to every counter's name.
"""

import bisect
import threading
from collections.abc import Mapping, Sequence

# Bounds as TF Serving's `Buckets::Exponential(scale, growth, count)` draws them.
_LATENCY_BOUNDS = tuple(10 * 1.8**power for power in range(33))
_COUNT_BOUNDS = tuple(float(2**power) for power in range(15))


class Counter:
    """A number for each combination of label values, which only grows."""

    kind = "counter"

    def __init__(self, labels: Sequence[str]):
        self._labels = tuple(labels)
        self._lock = threading.Lock()
        self._values: dict[tuple[str, ...], int] = {}

    def add(self, *values: str, by: int = 1) -> None:
        """Adds to the number of these label values, given in the order of the labels."""
        with self._lock:
            self._values[values] = self._values.get(values, 0) + by

    def lines(self, name: str) -> list[str]:
        with self._lock:
            values = sorted(self._values.items())
        return [f"{name}{{{_pairs(self._labels, key)}}} {number}" for key, number in values]


class Histogram:
    """Counts of values below each bound, for each combination of label values."""

    kind = "histogram"

    def __init__(self, labels: Sequence[str], bounds: Sequence[float]):
        self._labels = tuple(labels)
        self._bounds = tuple(bounds)
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}

    def observe(self, value: float, *values: str) -> None:
        """Records one value for these label values, given in the order of the labels."""
        place = bisect.bisect_right(self._bounds, value)
        with self._lock:
            cell = self._cells.get(values)
            if cell is None:
                cell = self._cells[values] = ([0] * (len(self._bounds) + 1), [0.0])
            cell[0][place] += 1
            cell[1][0] += value

    def lines(self, name: str) -> list[str]:
        with self._lock:
            cells = sorted((key, list(c[0]), c[1][0]) for key, c in self._cells.items())
        text = []
        for key, counts, total in cells:
            pairs, reached = _pairs(self._labels, key), 0
            for bound, count in zip((*self._bounds, None), counts, strict=True):
                reached += count
                limit = "+Inf" if bound is None else f"{bound:g}"
                text.append(f'{name}_bucket{{{pairs},le="{limit}"}} {reached}')
            text.append(f"{name}_sum{{{pairs}}} {total!r}")
            text.append(f"{name}_count{{{pairs}}} {reached}")
        return text


class ServerMetrics:
    """All metrics of one server. Latencies are in microseconds, as in TF Serving."""

    def __init__(self) -> None:
        call = ("model_name", "API", "entrypoint")
        self.requests = Counter(("model_name", "status"))
        self.request_latency = Histogram(call, _LATENCY_BOUNDS)
        self.runtime_latency = Histogram(("model_name", "API", "runtime"), _LATENCY_BOUNDS)
        self.examples = Histogram(("model",), _COUNT_BOUNDS)
        self.examples_total = Counter(("model",))
        self.load_attempts = Counter(("model_path", "status"))
        self.load_latency = Counter(("model_path",))
        self._by_name: Mapping[str, Counter | Histogram] = {
            ":tensorflow:cc:saved_model:load_attempt_count": self.load_attempts,
            ":tensorflow:cc:saved_model:load_latency": self.load_latency,
            ":tensorflow:serving:request_count": self.requests,
            ":tensorflow:serving:request_example_count_total": self.examples_total,
            ":tensorflow:serving:request_example_counts": self.examples,
            ":tensorflow:serving:request_latency": self.request_latency,
            ":tensorflow:serving:runtime_latency": self.runtime_latency,
        }

    def page(self) -> str:
        """The text that Prometheus scrapes."""
        text = []
        for name, metric in self._by_name.items():
            text.append(f"# TYPE {name} {metric.kind}")
            text += metric.lines(name)
        return "\n".join(text) + "\n"


def _pairs(labels: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(
        f'{label}="{_escape(value)}"' for label, value in zip(labels, values, strict=True)
    )


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
