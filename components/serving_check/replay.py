"""Replays golden products against an exported model, in a process that has done nothing else.

    python -m components.serving_check MODEL_DIR REQUESTS FOLDER TOLERANCE

REQUESTS is a TFRecord file of tf.Examples, FOLDER takes the report. Of what a model may need only
TensorFlow is imported, so a model that needs the libraries of its training cannot hide it.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from components.check import Check
from components.serving_check.artifact import ServingCost, ServingReport
from components.serving_check.comparison import (
    Answers,
    classification_differences,
    differences,
    range_problems,
)
from components.serving_check.cost import measure_cost
from components.serving_check.golden import real_products
from components.serving_check.loaders import EagerModel, ServedModel
from components.serving_check.problems import check_of, error_line
from components.serving_check.signatures import signature_problems
from components.serving_check.warm_up import warm_up_problems
from shelfsort.contract.calibration import Calibration
from shelfsort.contract.modalities import ALONE, has_words, output_name
from shelfsort.contract.model_files import read_lineage
from shelfsort.contract.signatures import (
    CLASSIFY,
    EVALUATE,
    INPUTS,
    INPUTS_OF,
    PREDICT_RAW,
    SERVING_DEFAULT,
    STRING,
    WORDS,
)
from shelfsort.core.cost import PeakMemory
from shelfsort.products.example import first_bytes, first_text

# Every product is asked about by the default signature. Behind the others stands the same model, so
# for them the last products will do: a few real ones, and the odd ones.
_FEW = 12
# What `evaluate` says of words or picture alone must be what they alone are answered.
_SHOWN = {
    modality: [each.name for each in INPUTS if each.modality == modality] for modality in ALONE
}
# The loader of TFMA and of notebooks, and the signatures that these call.
_EAGER = (SERVING_DEFAULT, EVALUATE)


class Replay:
    """The checks on one model; each returns its problems, or raises what TensorFlow raised.

    Attributes:
        cost: of serving the model; None until it is measured.
    """

    def __init__(self, model_dir: str, requests: Sequence[bytes], tolerance: float):
        self._model_dir = model_dir
        self._requests = requests
        self._tolerance = tolerance
        self._examples = [tf.train.Example.FromString(request) for request in requests]
        self._products = [first_text(example, "product_id") for example in self._examples]
        self._model: ServedModel | None = None
        self._few = slice(max(0, len(requests) - _FEW), len(requests))
        self._everything: Answers = {}
        self._answers: dict[str, Answers] = {}
        self._peak = PeakMemory()
        self.cost: ServingCost | None = None

    def checks(self) -> Iterator[Check]:
        """Makes the checks in order; stops at the first failure of those that others build on."""
        foundations = (
            ("loads_as_served", self._load, "TensorFlow's own ops are all it needs"),
            ("signatures", self._signatures, f"{', '.join(INPUTS_OF)} as promised"),
            ("answers", self._answer, f"{len(self._requests)} products, scores within 0..1"),
        )
        for name, look, otherwise in foundations:
            check = _guarded(name, look, otherwise)
            yield check
            if not check.passed:
                return
        yield _guarded("alone_as_in_a_batch", self._alone, "the same answers alone")
        # Before the second loader takes memory that a server does not.
        cost = _guarded("cost", self._measure_cost, "")
        yield dataclasses.replace(cost, reason=str(self.cost)) if cost.passed else cost
        yield _guarded("signatures_agree", self._agreement, "the same answers by every signature")
        yield _guarded("modes_agree", self._modes, "words or picture alone: the answers measured")
        yield _guarded("loads_in_tensorflow_2", self._eager, "the same answers")
        yield _guarded("warm_up", self._warm_up, "the requests are there and can be answered")

    def _load(self) -> list[str]:
        self._model = ServedModel(self._model_dir)
        return [f"the graph calls Python: {op}" for op in self._model.python_ops()]

    def _signatures(self) -> list[str]:
        thresholds = read_lineage(self._model_dir).get("thresholds")
        targets = Calibration.from_json(thresholds).targets
        return signature_problems(self._model.signatures(), targets)

    def _answer(self) -> list[str]:
        # The first call of a signature plans its graph on one core for seconds: side by side.
        with ThreadPoolExecutor() as pool:
            answers = pool.map(lambda signature: self._ask(signature, self._few), INPUTS_OF)
            self._answers = dict(zip(INPUTS_OF, answers, strict=True))
        self._everything = self._ask(SERVING_DEFAULT, slice(None))
        return range_problems(self._everything, self._products) + [
            f"{signature}: {problem}"
            for signature, answers in self._answers.items()
            for problem in range_problems(answers, self._products[self._few])
        ]

    def _measure_cost(self) -> list[str]:
        requests = real_products(self._requests)
        self.cost = measure_cost(self._model, self._model_dir, requests, self._peak)
        return []

    def _alone(self) -> list[str]:
        problems = self._alone_by(SERVING_DEFAULT, self._everything, slice(0, len(self._requests)))
        for signature in INPUTS_OF.keys() - {SERVING_DEFAULT}:
            problems += self._alone_by(signature, self._answers[signature], self._few)
        return problems

    def _alone_by(self, signature: str, in_batch: Answers, rows: slice) -> list[str]:
        alone = []
        for row in range(rows.start, rows.stop):
            try:
                alone.append(self._ask(signature, slice(row, row + 1)))
            except tf.errors.OpError as error:
                return [f"{signature} fails for {self._products[row]}: {error_line(error)}"]
        joined = {name: np.concatenate([answers[name] for answers in alone]) for name in in_batch}
        found = differences(in_batch, joined, self._products[rows], self._tolerance)
        return [f"{signature} alone: {difference}" for difference in found]

    def _agreement(self) -> list[str]:
        expected = self._answers[SERVING_DEFAULT]
        products = self._products[self._few]
        problems = classification_differences(
            expected, self._answers[CLASSIFY], products, self._tolerance
        )
        for signature in (PREDICT_RAW, EVALUATE):
            problems += self._compared(signature, expected, self._answers[signature])
        return problems

    def _modes(self) -> list[str]:
        rows = [row for row, example in enumerate(self._examples) if _has_both(example)][:_FEW]
        if not rows:
            return []
        products = [self._products[row] for row in rows]
        given = np.array([self._requests[row] for row in rows], object)
        measured = self._model.ask(EVALUATE, {"examples": given})
        problems = []
        for mode, shown in _SHOWN.items():
            alone = np.array([_only(self._examples[row], shown) for row in rows], object)
            answers = self._model.ask(SERVING_DEFAULT, {"examples": alone})
            found = {name: measured[output_name(mode, name)] for name in answers}
            compared = differences(answers, found, products, self._tolerance)
            problems += [f"{mode}: {difference}" for difference in compared]
        return problems

    def _eager(self) -> list[str]:
        model = EagerModel(self._model_dir)
        problems = []
        for signature in _EAGER:
            found = model.ask(signature, self._inputs(signature, self._few))
            problems += self._compared(signature, self._answers[signature], found)
        return problems

    def _warm_up(self) -> list[str]:
        return warm_up_problems(self._model_dir, self._model)

    def _compared(self, what: str, expected: Answers, found: Answers) -> list[str]:
        products = self._products[self._few]
        found_differences = differences(expected, found, products, self._tolerance)
        return [f"{what}: {difference}" for difference in found_differences]

    def _ask(self, signature: str, rows: slice) -> Answers:
        return self._model.ask(signature, self._inputs(signature, rows))

    def _inputs(self, signature: str, rows: slice) -> dict[str, np.ndarray]:
        if signature == PREDICT_RAW:
            examples = self._examples[rows]
            return {
                each.name: np.array(
                    [each.value_in(example) for example in examples],
                    object if each.dtype == STRING else each.dtype,
                )
                for each in INPUTS
            }
        (name,) = INPUTS_OF[signature]
        return {name: np.array(self._requests[rows], object)}


def _has_both(example: tf.train.Example) -> bool:
    words = (first_text(example, name) for name in WORDS)
    return has_words(*words) and bool(first_bytes(example, "image"))


def _only(example: tf.train.Example, names: Sequence[str]) -> bytes:
    shown = tf.train.Example()
    for name in names:
        shown.features.feature[name].CopyFrom(example.features.feature[name])
    return shown.SerializeToString()


def _guarded(name: str, look: Callable[[], list[str]], otherwise: str) -> Check:
    try:
        problems = look()
    except Exception as error:
        # Whatever a broken model raises is the finding.
        problems = [error_line(error)]
    return check_of(name, problems, otherwise)


def replay(model_dir: str, requests: Sequence[bytes], tolerance: float) -> ServingReport:
    """Checks the SavedModel in `model_dir` with tf.Examples.

    Args:
        model_dir: the folder of `saved_model.pb`.
        requests: serialised tf.Examples, at least one.
        tolerance: the largest difference between two scores that counts as none.
    """
    started = time.monotonic()
    trial = Replay(model_dir, requests, tolerance)
    checks = tuple(trial.checks())
    seconds = round(time.monotonic() - started, 2)
    return ServingReport(checks, len(requests), seconds, trial.cost)


def main(arguments: Sequence[str]) -> None:
    """Runs a replay and writes its report; `arguments` as in the module's docstring."""
    model_dir, requests_path, folder, tolerance = arguments
    dataset = tf.data.TFRecordDataset(requests_path)
    requests = list(dataset.as_numpy_iterator())
    replay(model_dir, requests, float(tolerance)).write(folder)
