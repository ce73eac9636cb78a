"""A server that watches the folder follows pushes, rollbacks and pruning without a failed call."""

import threading
import time
from pathlib import Path

import pytest
import tensorflow as tf

from serving import versions
from serving.server import ModelServer
from shelfsort.client import Classifier


class OneShelf(tf.Module):
    """Puts everything on one shelf."""

    def __init__(self, shelf: str):
        super().__init__()
        self._shelf = tf.Variable([shelf])

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], kind, name)
            for name, kind in (
                ("title", tf.string),
                ("description", tf.string),
                ("image", tf.string),
                ("price", tf.float32),
            )
        ]
    )
    def predict_raw(self, title, description, image, price):
        shelf = tf.tile(self._shelf, tf.shape(title))
        sure = tf.ones_like(price)
        return {
            "category": shelf,
            "category_path": shelf,
            "score": sure,
            "accepted_95": sure > 0,
            "accepted_98": sure > 0,
            "answer": shelf,
            "answer_level": tf.cast(sure, tf.int64),
            "top_categories": shelf[:, None],
            "top_scores": sure[:, None],
            "threshold_version": tf.fill(tf.shape(title), "t1"),
        }


@pytest.fixture
def shelves(tmp_path) -> dict[str, Path]:
    """Two models that never agree."""
    folders = {}
    for shelf in ("boots", "mugs"):
        folders[shelf] = tmp_path / f"model-{shelf}"
        model = OneShelf(shelf)
        tf.saved_model.save(model, str(folders[shelf]), {"predict_raw": model.predict_raw})
    return folders


class Caller(threading.Thread):
    """Asks without a pause, and keeps every answer and failure."""

    def __init__(self, address: str):
        super().__init__()
        self._address = address
        self._done = threading.Event()
        self.answers: list[tuple[int, str]] = []
        self.failures: list[Exception] = []

    def run(self) -> None:
        with Classifier(self._address, model="products") as classifier:
            while not self._done.is_set():
                try:
                    answer = classifier.classify(title="anything")
                    self.answers.append((answer.model_version, answer.category))
                except Exception as failure:
                    self.failures.append(failure)

    def wait_for(self, version: int) -> None:
        deadline = time.monotonic() + 60
        while not self.answers or self.answers[-1][0] != version:
            assert time.monotonic() < deadline, f"version {version} never answered"
            time.sleep(0.02)

    def stop(self) -> None:
        self._done.set()
        self.join()


@pytest.mark.slow
def test_a_running_server_follows_without_a_failed_call(shelves, base):
    versions.publish(shelves["boots"], base)
    options = {"port": 0, "rest_port": None, "poll_seconds": 0.05}
    with ModelServer.at(base, "products", **options) as server:
        caller = Caller(server.address)
        caller.start()
        caller.wait_for(1)
        versions.publish(shelves["mugs"], base)
        caller.wait_for(2)
        assert versions.rollback(base).number == 3
        caller.wait_for(3)
        assert versions.prune(base, keep=1) == [1, 2]
        caller.wait_for(3)
        caller.stop()
    assert caller.failures == []
    assert set(caller.answers) == {(1, "boots"), (2, "mugs"), (3, "boots")}
    assert [number for number, _ in caller.answers] == sorted(n for n, _ in caller.answers)
