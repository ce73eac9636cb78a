"""Runs a served model over the products it will be judged on, as its clients would."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from components.evaluator.batches import Batches
from components.evaluator.served_model import RANKINGS, SCALARS, ServedModel
from components.manifest_example_gen.splits import group_id, group_key
from components.progress import progress

BATCH = 32
MAX_WAITING_BYTES = 64_000_000
WORDS = ("title", "description", "price")
PICTURE = ("image",)
VISIBLE = {"combined": WORDS + PICTURE, "text": WORDS, "image": PICTURE}
MODES = tuple(VISIBLE)

# Where a column of a row is not called like the output that fills it.
_COLUMN_OF = {"category": "predicted", "parent": "predicted_parent"}

_TYPES = {
    **dict.fromkeys(("model", "mode", "split", "product_id", "title"), pa.string()),
    "group": pa.int64(),
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
    "worker_count": pa.int64(),
    **dict.fromkeys(("has_text", "has_image"), pa.bool_()),
}


def row_schema(features: Sequence[str] = ()) -> pa.Schema:
    """Columns of a row of predictions.parquet, and of `features` that are sliced by."""
    extra = [name for name in features if name not in _TYPES]
    return pa.schema({**_TYPES, **dict.fromkeys(extra, pa.string())})


class ScoreSplits(beam.PTransform):
    """Files of tf.Examples to rows, by the new model and, on `eval` as it is served, the live."""

    def __init__(
        self,
        patterns: Sequence[tuple[str, str]],
        parents: Mapping[str, str],
        candidate: ServedModel,
        live: ServedModel | None = None,
        features: Sequence[str] = (),
    ):
        """Sets up scoring.

        Args:
            patterns: (split, file pattern of its gzipped TFRecords).
            parents: parent shelf of every leaf, which decides whether a parent is right.
            candidate: asked in every mode.
            live: asked in mode combined; None where there is none.
            features: string features to carry along as columns.
        """
        super().__init__()
        self._patterns = list(patterns)
        self._candidate = Score(candidate, parents, MODES, features)
        self._live = live and Score(live, parents, ("combined",), features)

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        splits = [
            pipeline
            | f"Files[{index}]" >> beam.Create([pattern])
            | f"Read[{index}]" >> beam.io.ReadAllFromTFRecord()
            | f"Name[{index}]" >> beam.Map(_named, split)
            for index, (split, pattern) in enumerate(self._patterns)
        ]
        # Files are what is spread over workers, 2,000 lines of the manifest each: a shuffle of the
        # products would hold every picture in memory where Beam runs in this process.
        examples = splits | beam.Flatten()
        rows = examples | "Candidate" >> self._candidate
        if self._live is None:
            return rows
        held_out = examples | beam.Filter(_is_held_out)
        return [rows, held_out | "Live" >> self._live] | "Both" >> beam.Flatten()


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
        return examples | beam.ParDo(self._fn)


@dataclass(frozen=True)
class _Request:
    """What a model is shown of a product, and the rows, one a mode, that wait for its answer."""

    shown: bytes
    rows: list[dict[str, Any]]


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

    def start_bundle(self) -> None:
        self._batches: Batches[tuple[str, ...], _Request] = Batches(BATCH, MAX_WAITING_BYTES)

    def process(self, element: tuple[str, bytes]) -> Iterator[dict[str, Any]]:
        split, record = element
        example = tf.train.Example.FromString(record)
        facts = self._facts(split, example)
        # What a model sees of a product is scored once, though several modes may show the same.
        rows: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for mode in self._modes:
            if can_ask(example, mode):
                rows.setdefault(_shown(example, mode), []).append({**facts, "mode": mode})
        for names, alike in rows.items():
            request = _Request(_only(example, names), alike)
            for batch in self._batches.add(names, request, len(request.shown)):
                yield from self._answered(batch)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for batch in self._batches.rest():
            yield from map(GlobalWindows.windowed_value, self._answered(batch))

    def _answered(self, batch: list[_Request]) -> Iterator[dict[str, Any]]:
        shown = [request.shown for request in batch]
        # TensorFlow's last bits depend on the size of a batch. With always the same size, scores
        # do not depend on how a runner cuts the products into bundles.
        padding = [min(shown, key=len)] * (BATCH - len(shown))
        outputs = self._loaded([*shown, *padding])
        for request, answer in zip(batch, _answers(outputs), strict=False):
            for row in request.rows:
                yield {**row, **answer}
        self._scored += len(batch)
        progress(self._scored, None, f"answers of the {self._model.name} model")

    def _facts(self, split: str, example: tf.train.Example) -> dict[str, Any]:
        """What every row of a product says, whatever the mode and the answer."""
        category = text(example, "category")
        confidence = example.features.feature["label_confidence"].float_list.value
        workers = example.features.feature["worker_count"].int64_list.value
        return {
            "model": self._model.name,
            "split": split,
            "product_id": text(example, "product_id"),
            "title": text(example, "title"),
            "group": group_of(example),
            "category": category,
            "gold": text(example, "gold"),
            "parent": self._parents[category],
            "label_confidence": confidence[0] if confidence else float("nan"),
            "worker_count": workers[0] if workers else 0,
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


def group_of(example: tf.train.Example) -> int:
    """Number of the product's group: variants of one title, or copies of one picture, share it."""
    picture = example.features.feature["image"].bytes_list.value
    digest = hashlib.blake2b(picture[0]).hexdigest() if picture and picture[0] else ""
    return group_id(group_key(text(example, "title"), digest, text(example, "description")))


def _shown(example: tf.train.Example, mode: str) -> tuple[str, ...]:
    feature = example.features.feature
    return tuple(
        name
        for name in VISIBLE[mode]
        if any(feature[name].bytes_list.value) or feature[name].float_list.value
    )


def _only(example: tf.train.Example, names: Iterable[str]) -> bytes:
    # The label and everything else a client would not send stay here, so they cannot leak in.
    shown = tf.train.Example()
    for name in names:
        shown.features.feature[name].CopyFrom(example.features.feature[name])
    return shown.SerializeToString()


def _answers(outputs: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    columns = {_COLUMN_OF.get(name, name): _plain(outputs[name]) for name in (*SCALARS, *RANKINGS)}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _plain(array: np.ndarray) -> list:
    if array.dtype == object:
        array = np.vectorize(bytes.decode, otypes=[object])(array) if array.size else array
    return array.tolist()


def _named(record: bytes, split: str) -> tuple[str, bytes]:
    return split, record


def _is_held_out(example: tuple[str, bytes]) -> bool:
    return example[0] == "eval"
