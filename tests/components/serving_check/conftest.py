"""A small model that keeps every promise of a served model, and can be told to break one."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from shelfsort.contract.modalities import output_name

LEAVES = ["boots", "shoes", "mugs", "plates", "lamps", "chairs"]
PARENTS = ["footwear", "footwear", "tableware", "tableware", "home", "home"]
_FEATURES = {
    "title": tf.io.FixedLenFeature([], tf.string, ""),
    "description": tf.io.FixedLenFeature([], tf.string, ""),
    "image": tf.io.FixedLenFeature([], tf.string, ""),
    "price": tf.io.FixedLenFeature([], tf.float32, 0.0),
}
_STRINGS = tf.TensorSpec([None], tf.string)
_FLOATS = tf.TensorSpec([None], tf.float32)


class TinyClassifier(tf.Module):
    """Hashes the words, measures the picture, and is sure of itself accordingly."""

    def __init__(self, **faults: bool):
        super().__init__()
        self._faults = faults
        rng = np.random.default_rng(7)
        self.weights = tf.Variable(rng.normal(size=(64, len(LEAVES))).astype(np.float32))
        self.leaves = tf.constant(LEAVES)
        self.parents = tf.constant(PARENTS)

    def _probabilities(self, title, description, image):
        bucket = tf.strings.to_hash_bucket_fast(tf.strings.join([title, description], " "), 64)
        size = tf.cast(tf.strings.length(image), tf.float32)[:, None] / 1e4
        logits = tf.gather(self.weights, bucket) + size * self.weights[0]
        if self._faults.get("wants_a_picture"):
            # Fine in a batch in which somebody has one.
            tf.debugging.assert_greater(tf.reduce_max(size), 0.0, "no picture in the batch")
        if self._faults.get("leaks_between_products"):
            logits += tf.reduce_mean(logits, axis=0, keepdims=True)
        probabilities = tf.nn.softmax(logits * 2)
        return probabilities * (1.5 if self._faults.get("scores_above_one") else 1.0)

    def _answers(self, probabilities):
        top = tf.math.top_k(probabilities, 5)
        category = tf.gather(self.leaves, top.indices[:, 0])
        score = top.values[:, 0]
        accepted = score > 0.6
        version = tf.fill(tf.shape(score), "t1")
        if self._faults.get("scalar_version"):
            version = tf.constant("t1")
        return {
            "category": category,
            "category_path": tf.strings.join(
                [tf.gather(self.parents, top.indices[:, 0]), category], " > "
            ),
            "score": score,
            "unknown_score": 1 - score,
            "accepted_95": accepted,
            "accepted_98": score > 0.8,
            "answer": tf.where(accepted, category, ""),
            "answer_level": tf.cast(accepted, tf.int64) * 2,
            "top_categories": tf.gather(self.leaves, top.indices),
            "top_scores": top.values,
            "threshold_version": version,
        }

    def _parsed(self, examples):
        parsed = tf.io.parse_example(examples, _FEATURES)
        return self._probabilities(parsed["title"], parsed["description"], parsed["image"])

    @tf.function(input_signature=[_STRINGS])
    def serving_default(self, examples):
        answers = self._answers(self._parsed(examples))
        if self._faults.get("float64_score"):
            answers["score"] = tf.cast(answers["score"], tf.float64)
        return answers

    @tf.function(input_signature=[_STRINGS, _STRINGS, _STRINGS, _FLOATS])
    def predict_raw(self, title, description, image, price):
        if self._faults.get("raw_forgets_the_words"):
            title = tf.zeros_like(title)
        # The price decides nothing, yet stays among the inputs.
        probabilities = self._probabilities(title, description, image)
        return self._answers(probabilities + 0.0 * price[:, None])

    @tf.function(input_signature=[_STRINGS])
    def classify(self, inputs):
        scores = self._parsed(inputs)
        return {"classes": tf.tile(self.leaves[None], [tf.shape(scores)[0], 1]), "scores": scores}

    @tf.function(input_signature=[_STRINGS])
    def evaluate(self, examples):
        if self._faults.get("calls_python"):
            examples = tf.ensure_shape(
                tf.numpy_function(lambda x: x, [examples], tf.string), [None]
            )
        read = tf.io.parse_example(examples, _FEATURES)
        nothing = tf.zeros_like(read["title"])
        peeks = {"measures_words_by_the_picture", "wants_a_picture"} & {*self._faults}
        unseen = read["image"] if peeks else nothing
        shown = {
            "combined": (read["title"], read["description"], read["image"]),
            "text": (read["title"], read["description"], unseen),
            "image": (nothing, nothing, read["image"]),
        }
        outputs = {}
        for mode, seen in shown.items():
            answers = self._answers(self._probabilities(*seen))
            answers["parent"] = tf.strings.regex_replace(answers["category_path"], " >.*", "")
            answers["parent_score"] = answers["score"]
            answers["parent_accepted_95"] = answers["accepted_95"]
            answers["parent_accepted_98"] = answers["accepted_98"]
            outputs |= {output_name(mode, name): values for name, values in answers.items()}
        return outputs


def _write_warm_up(folder: Path, title: bytes) -> None:
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = "predict_raw"
    for name, value in (("title", title), ("description", b""), ("image", b"")):
        request.inputs[name].CopyFrom(tf.make_tensor_proto([value]))
    request.inputs["price"].CopyFrom(tf.make_tensor_proto([1.0], tf.float32))
    extra = folder / "assets.extra"
    extra.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())


@pytest.fixture(scope="session")
def save_model(tmp_path_factory) -> Callable[..., Path]:
    """Returns a function that exports a TinyClassifier with the named faults."""
    numbers = itertools.count()

    def save(without: str | None = None, warm_up: bool = True, **faults: bool) -> Path:
        folder = tmp_path_factory.mktemp("models") / str(next(numbers))
        model = TinyClassifier(**faults)
        names = ("serving_default", "predict_raw", "classify", "evaluate")
        signatures = {name: getattr(model, name) for name in names if name != without}
        tf.saved_model.save(model, str(folder), signatures)
        if warm_up:
            _write_warm_up(folder, b"boots")
        return folder

    return save


@pytest.fixture(scope="session")
def good_model(save_model) -> Path:
    """A model without a fault."""
    return save_model()


@pytest.fixture(scope="session")
def eval_examples() -> list[bytes]:
    """Serialised tf.Examples of the eval split, labels included."""

    def example(number: int) -> bytes:
        features = {
            "product_id": [f"p{number}".encode()],
            "title": [f"title {number}".encode()],
            "image": [b"x" * 400 * (number + 1)],
            "category": [b"boots"],
        }
        return tf.train.Example(
            features=tf.train.Features(
                feature={
                    name: tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
                    for name, value in features.items()
                }
            )
        ).SerializeToString()

    return [example(number) for number in range(10)]
