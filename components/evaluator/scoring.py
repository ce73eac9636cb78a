"""Runs a served model over the products it will be judged on, as its clients would."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from apache_beam.utils.shared import Shared

from components.progress import progress

SIGNATURE = "evaluate"
BATCH = 64
WORDS = ("title", "description", "price")
PICTURE = ("image",)
VISIBLE = {"combined": WORDS + PICTURE, "text": WORDS, "image": PICTURE}
MODES = tuple(VISIBLE)

# Column of a row: output of the signature that fills it.
_SCALARS = {
    "predicted": "category",
    "score": "score",
    "accepted_95": "accepted_95",
    "accepted_98": "accepted_98",
    "answer": "answer",
    "answer_level": "answer_level",
    "predicted_parent": "parent",
    "parent_score": "parent_score",
    "parent_accepted_95": "parent_accepted_95",
    "parent_accepted_98": "parent_accepted_98",
}
_LISTS = ("top_categories", "top_scores")

_TYPES = {
    **dict.fromkeys(("model", "mode", "split", "product_id", "title"), pa.string()),
    **dict.fromkeys(("category", "gold", "parent", "predicted"), pa.string()),
    "score": pa.float32(),
    **dict.fromkeys(("accepted_95", "accepted_98"), pa.bool_()),
    "answer": pa.string(),
    "answer_level": pa.int64(),
    "predicted_parent": pa.string(),
    "parent_score": pa.float32(),
    **dict.fromkeys(("parent_accepted_95", "parent_accepted_98"), pa.bool_()),
    "top_categories": pa.list_(pa.string()),
    "top_scores": pa.list_(pa.float32()),
    "label_confidence": pa.float32(),
    **dict.fromkeys(("has_text", "has_image"), pa.bool_()),
}


class UnloadableModel(Exception):  # noqa: N818 - a state of the model
    """A model cannot be loaded or does not honour the served contract; the message says why."""


def row_schema(features: Sequence[str] = ()) -> pa.Schema:
    """Columns of a row of predictions.parquet, and of `features` that are sliced by."""
    extra = [name for name in features if name not in _TYPES]
    return pa.schema({**_TYPES, **dict.fromkeys(extra, pa.string())})


@dataclass(frozen=True)
class ServedModel:
    """A SavedModel on disk that each process loads at most once.

    Attributes:
        name: how its rows are called: "candidate" or "live".
        path: folder of `saved_model.pb`.
    """

    name: str
    path: str
    _shared: Shared = field(default_factory=Shared, repr=False, compare=False)

    def load(self) -> "LoadedModel":
        """The loaded model; alive, and not loaded again, while a reference to it is held.

        Raises:
            UnloadableModel: it is no SavedModel or lacks what the contract asks for.
        """
        return self._shared.acquire(lambda: LoadedModel(self.path))


class LoadedModel:
    """The `evaluate` signature of a SavedModel as a function over tf.Examples."""

    def __init__(self, path: str):
        try:
            self._model = tf.saved_model.load(path)  # owns the variables: keep it
        except Exception as error:
            # A broken file can raise nearly anything; whatever it is, it cannot be served.
            raise UnloadableModel(f"{type(error).__name__}: {_first_line(error)}") from error
        if SIGNATURE not in self._model.signatures:
            raise UnloadableModel(f"it has no signature {SIGNATURE!r}")
        self._evaluate = self._model.signatures[SIGNATURE]
        missing = {*_SCALARS.values(), *_LISTS} - self._evaluate.structured_outputs.keys()
        if missing:
            raise UnloadableModel(f"{SIGNATURE!r} does not return {', '.join(sorted(missing))}")

    def __call__(self, examples: Sequence[bytes]) -> dict[str, np.ndarray]:
        """Outputs of the signature, each of shape (N, …), for N serialised tf.Examples."""
        outputs = self._evaluate(examples=tf.constant(list(examples), dtype=tf.string))
        return {name: tensor.numpy() for name, tensor in outputs.items()}

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


class ReadSplits(beam.PTransform):
    """Examples of several splits as (split, serialised tf.Example)."""

    def __init__(self, patterns: Mapping[str, str]):
        """Takes the file pattern of each split's gzipped TFRecords."""
        super().__init__()
        self._patterns = dict(patterns)

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        splits = [
            pipeline
            | f"Read[{split}]" >> beam.io.ReadFromTFRecord(pattern)
            | f"Name[{split}]" >> beam.Map(_named, split)
            for split, pattern in self._patterns.items()
        ]
        # A gzipped file cannot be read in parts: spread its products before the slow step.
        return splits | beam.Flatten() | beam.Reshuffle()


class Score(beam.PTransform):
    """(split, serialised tf.Example) to rows, one for each mode a product can be asked in."""

    def __init__(
        self,
        model: ServedModel,
        parents: Mapping[str, str],
        modes: Sequence[str] = MODES,
        features: Sequence[str] = (),
    ):
        """Sets up scoring.

        Args:
            model: what answers.
            parents: parent shelf of every leaf, which decides whether a parent is right.
            modes: of `MODES`; products that lack what a mode needs are left out of it.
            features: string features to carry along as columns.
        """
        super().__init__()
        self._fn = _ScoreFn(model, dict(parents), tuple(modes), tuple(features))

    def expand(self, examples: beam.PCollection) -> beam.PCollection:
        return examples | beam.BatchElements(BATCH, BATCH) | beam.ParDo(self._fn)


class _ScoreFn(beam.DoFn):
    def __init__(
        self,
        model: ServedModel,
        parents: dict[str, str],
        modes: tuple[str, ...],
        features: tuple[str, ...],
    ):
        self._model = model
        self._parents = parents
        self._modes = modes
        self._features = features
        self._scored = 0

    def setup(self) -> None:
        self._loaded = self._model.load()

    def process(self, batch: list[tuple[str, bytes]]) -> Iterator[dict[str, Any]]:
        products = [(split, tf.train.Example.FromString(record)) for split, record in batch]
        # What a model sees of a product is scored once, though several modes may show the same.
        answers: dict[tuple[int, tuple[str, ...]], dict[str, Any]] = {}
        asked = {
            (index, mode): _shown(example, mode)
            for index, (_, example) in enumerate(products)
            for mode in self._modes
            if can_ask(example, mode)
        }
        for names, keys in _grouped(asked).items():
            examples = [_only(products[index][1], names) for index in keys]
            for index, answer in zip(keys, _answers(self._loaded(examples)), strict=True):
                answers[index, names] = answer
        for (index, mode), names in asked.items():
            yield self._row(mode, *products[index], answers[index, names])
        self._scored += len(batch)
        progress(self._scored, None, f"products scored by the {self._model.name} model")

    def _row(
        self, mode: str, split: str, example: tf.train.Example, answer: dict[str, Any]
    ) -> dict[str, Any]:
        category = text(example, "category")
        confidence = example.features.feature["label_confidence"].float_list.value
        return {
            "model": self._model.name,
            "mode": mode,
            "split": split,
            "product_id": text(example, "product_id"),
            "title": text(example, "title"),
            "category": category,
            "gold": text(example, "gold"),
            "parent": self._parents[category],
            **answer,
            "label_confidence": confidence[0] if confidence else float("nan"),
            "has_text": can_ask(example, "text"),
            "has_image": can_ask(example, "image"),
            **{name: text(example, name) for name in self._features if name not in _TYPES},
        }


def can_ask(example: tf.train.Example, mode: str) -> bool:
    """Whether a product holds what `mode` answers from: words, a picture, or either."""
    has_words = any(text(example, name).strip() for name in ("title", "description"))
    has_picture = any(example.features.feature["image"].bytes_list.value)
    return {"text": has_words, "image": has_picture, "combined": has_words or has_picture}[mode]


def text(example: tf.train.Example, name: str) -> str:
    """A string feature; "" where it is missing. Bytes that are no UTF-8 are replaced."""
    values = example.features.feature[name].bytes_list.value
    return values[0].decode("utf-8", "replace") if values else ""


def _shown(example: tf.train.Example, mode: str) -> tuple[str, ...]:
    feature = example.features.feature
    return tuple(
        name
        for name in VISIBLE[mode]
        if any(feature[name].bytes_list.value) or feature[name].float_list.value
    )


def _grouped(
    asked: Mapping[tuple[int, str], tuple[str, ...]],
) -> dict[tuple[str, ...], dict[int, None]]:
    groups: dict[tuple[str, ...], dict[int, None]] = {}
    for (index, _), names in asked.items():
        groups.setdefault(names, {})[index] = None
    return groups


def _only(example: tf.train.Example, names: Iterable[str]) -> bytes:
    # The label and everything else a client would not send stay here, so they cannot leak in.
    shown = tf.train.Example()
    for name in names:
        shown.features.feature[name].CopyFrom(example.features.feature[name])
    return shown.SerializeToString()


def _answers(outputs: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    columns = {column: _plain(outputs[name]) for column, name in _SCALARS.items()}
    columns |= {name: _plain(outputs[name]) for name in _LISTS}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _plain(array: np.ndarray) -> list:
    if array.dtype == object:
        array = np.vectorize(bytes.decode, otypes=[object])(array) if array.size else array
    return array.tolist()


def _named(record: bytes, split: str) -> tuple[str, bytes]:
    return split, record


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
