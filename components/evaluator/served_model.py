"""A SavedModel on disk as a function over tf.Examples, loaded once a process."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from apache_beam.utils.shared import Shared

from shelfsort.contract.modalities import MODALITIES, output_name
from shelfsort.contract.signatures import EVALUATE, Output, outputs
from shelfsort.contract.targets import DEFAULT_TARGETS
from shelfsort.training.text_ops import load_text_ops

_LEFT_OUT = {"category_path", "threshold_version"}

Answers = dict[str, np.ndarray]
"""Outputs by name, each of shape (N, …)."""


def read_outputs(targets: tuple[float, ...]) -> list[Output]:
    """Outputs of `evaluate` that are read, in every modality, of a model with these targets."""
    return [each for each in outputs(targets) if each.name not in _LEFT_OUT]


class UnloadableModel(Exception):  # noqa: N818 - a state of the model
    """A model cannot be loaded or does not honour the served contract; the message says why."""


@dataclass(frozen=True)
class ServedModel:
    """A SavedModel on disk that each process loads at most once.

    Attributes:
        name: how its rows are called: "candidate" or "live".
        path: folder of `saved_model.pb`.
        modes: of `MODALITIES` that it is asked in.
        targets: that it has thresholds for, rising.
    """

    name: str
    path: str
    modes: tuple[str, ...] = MODALITIES
    targets: tuple[float, ...] = DEFAULT_TARGETS
    _shared: Shared = field(default_factory=Shared, repr=False, compare=False)

    def load(self) -> "LoadedModel":
        """The loaded model; alive, and not loaded again, while a reference to it is held.

        Raises:
            UnloadableModel: it is no SavedModel or lacks what the contract asks for.
        """
        return self._shared.acquire(lambda: LoadedModel(self.path, self.modes, self.targets))


class LoadedModel:
    """The `evaluate` signature of a SavedModel as a function over tf.Examples.

    Raises:
        UnloadableModel: see `ServedModel.load`.
    """

    def __init__(
        self,
        path: str,
        modes: Sequence[str] = MODALITIES,
        targets: tuple[float, ...] = DEFAULT_TARGETS,
    ):
        try:
            load_text_ops(path)
            self._model = tf.saved_model.load(path)  # owns the variables: keep it
        except Exception as error:
            # A broken file can raise nearly anything; whatever it is, it cannot be served.
            raise UnloadableModel(f"{type(error).__name__}: {_first_line(error)}") from error
        if EVALUATE not in self._model.signatures:
            raise UnloadableModel(f"it has no signature {EVALUATE!r}")
        self._evaluate = self._model.signatures[EVALUATE]
        self._outputs = {
            mode: {each.name: output_name(mode, each.name) for each in read_outputs(targets)}
            for mode in modes
        }
        given = self._evaluate.structured_outputs.keys()
        new = {each.name for each in read_outputs(targets) if each.is_new}
        self._outputs = {
            mode: {n: output for n, output in named.items() if n not in new or output in given}
            for mode, named in self._outputs.items()
        }
        wanted = {output for outputs in self._outputs.values() for output in outputs.values()}
        if missing := wanted - given:
            raise UnloadableModel(f"{EVALUATE!r} does not return {', '.join(sorted(missing))}")

    def __call__(self, examples: Sequence[bytes]) -> dict[str, Answers]:
        """The answers by mode to N serialised tf.Examples.

        What a product lacks for a mode shows in none of them: leave such answers out.
        """
        outputs = self._evaluate(examples=tf.constant(list(examples), dtype=tf.string))
        return {
            mode: {name: outputs[output].numpy() for name, output in names.items()}
            for mode, names in self._outputs.items()
        }

    def probe(self) -> None:
        """Answers one made-up product, to find out early whether it can.

        Raises:
            UnloadableModel: it fails.
        """
        example = tf.train.Example()
        example.features.feature["title"].bytes_list.value.append(b"probe")
        try:
            self([example.SerializeToString()])
        except tf.errors.OpError as error:
            raise UnloadableModel(f"it fails on a product: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
