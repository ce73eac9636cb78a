"""Runs a served model over the products it will be judged on, as its clients would."""

import math
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from components.evaluator.batches import Batches
from components.evaluator.prediction_rows import further_columns, row_batch, row_schema
from components.evaluator.served_model import ServedModel
from shelfsort.contract.modalities import has_words
from shelfsort.contract.signatures import INPUT_NAMES, WORDS
from shelfsort.core.progress import progress
from shelfsort.products.example import first_bytes, first_float, first_int, first_text

BATCH = 32
MAX_WAITING_BYTES = 64_000_000
_GATHERED = 64


class ScoreSplits(beam.PTransform):
    """Files of tf.Examples to tables of rows.

    By the new model in every mode, by the live one as it is served.
    """

    def __init__(
        self,
        patterns: Sequence[tuple[str, str]],
        parents: Mapping[str, str],
        candidate: ServedModel,
        live: ServedModel | None = None,
        features: Sequence[str] = (),
    ):
        """Sets up scoring. Rows have the flags of the new model's targets.

        Args:
            patterns: (split, file pattern of its gzipped TFRecords).
            parents: parent category of every leaf, which decides whether a parent is right.
            candidate: the new model.
            live: the one that is live; None where there is none.
            features: string features to carry along as columns.
        """
        super().__init__()
        self._patterns = list(patterns)
        self._candidate = Score(candidate, parents, features)
        self._live = live and Score(live, parents, features, candidate.targets)

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        folders = {posixpath.dirname(pattern): split for split, pattern in self._patterns}
        # One chain from file to answer: runners keep in memory what is flattened or shuffled, and
        # that would be every picture. Files are what is spread over workers, 2,000 lines of the
        # manifest each.
        examples = (
            pipeline
            | "Files" >> beam.Create([pattern for _, pattern in self._patterns])
            | "Read" >> beam.io.ReadAllFromTFRecord(with_filename=True)
            | "Name" >> beam.Map(_named, folders)
        )
        rows = examples | "Candidate" >> self._candidate
        if self._live is None:
            return rows
        return [rows, examples | "Live" >> self._live] | "Both" >> beam.Flatten()


class Score(beam.PTransform):
    """(split, serialised tf.Example) to tables of rows, one for each mode it can be asked in."""

    def __init__(
        self,
        model: ServedModel,
        parents: Mapping[str, str],
        features: Sequence[str] = (),
        targets: tuple[float, ...] | None = None,
    ):
        """Sets up scoring.

        Args:
            model: what answers; products that lack what a mode needs are left out of it.
            parents: parent category of every leaf, which decides whether a parent is right.
            features: string features to carry along as columns.
            targets: whose flags the rows have; those of the model where they are None.
        """
        super().__init__()
        self._fn = _ScoreFn(model, dict(parents), tuple(features), targets or model.targets)

    def expand(self, examples: beam.PCollection) -> beam.PCollection:
        return (
            examples
            | "Ask" >> beam.ParDo(self._fn)
            # A table becomes a group of rows in the file.
            | "Gather" >> beam.BatchElements(_GATHERED, _GATHERED)
            | "AsTable" >> beam.Map(_as_table)
        )


@dataclass(frozen=True)
class _Request:
    """What a model is shown of a product, what its rows say anyway, and the modes they are in."""

    shown: bytes
    facts: dict[str, Any]
    modes: frozenset[str]


class _ScoreFn(beam.DoFn):
    """Yields record batches of at most `BATCH` rows."""

    def __init__(
        self,
        model: ServedModel,
        parents: dict[str, str],
        features: tuple[str, ...],
        targets: tuple[float, ...],
    ):
        self._model = model
        self._parents = parents
        self._features = features
        self._targets = targets
        self._scored = 0

    def setup(self) -> None:
        self._loaded = self._model.load()
        self._schema = row_schema(self._features, self._targets)

    def start_bundle(self) -> None:
        self._batches: Batches[bool, _Request] = Batches(BATCH, MAX_WAITING_BYTES)

    def process(self, element: tuple[str, bytes]) -> Iterator[pa.RecordBatch]:
        split, record = element
        example = tf.train.Example.FromString(record)
        modes = frozenset(mode for mode in self._model.modes if can_ask(example, mode))
        if not modes:
            return
        facts = self._facts(split, example)
        request = _Request(_visible(example), facts, modes)
        for batch in self._batches.add(facts["has_image"], request, len(request.shown)):
            yield from self._answered(batch)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for batch in self._batches.rest():
            yield from map(GlobalWindows.windowed_value, self._answered(batch))

    def _answered(self, batch: list[_Request]) -> Iterator[pa.RecordBatch]:
        shown = [request.shown for request in batch]
        # TensorFlow's last bits depend on the size of a batch. With always the same size, scores
        # do not depend on how a runner cuts the products into bundles.
        padding = [min(shown, key=len)] * (BATCH - len(shown))
        for mode, answers in self._loaded([*shown, *padding]).items():
            asked = [place for place, request in enumerate(batch) if mode in request.modes]
            facts = [batch[place].facts for place in asked]
            given = {name: values[asked] for name, values in answers.items()}
            if asked:
                yield row_batch(facts, mode, given, self._schema)
        self._scored += len(batch)
        progress(self._scored, None, f"products scored by the {self._model.name} model")

    def _facts(self, split: str, example: tf.train.Example) -> dict[str, Any]:
        """What every row of a product says, whatever the mode and the answer."""
        category = first_text(example, "category")
        return {
            "model": self._model.name,
            "split": split,
            "product_id": first_text(example, "product_id"),
            "title": first_text(example, "title"),
            "group": first_int(example, "group"),
            "category": category,
            "gold": first_text(example, "gold"),
            "parent": self._parents[category],
            "label_confidence": first_float(example, "label_confidence", math.nan),
            "worker_count": first_int(example, "worker_count"),
            "has_text": can_ask(example, "text"),
            "has_image": can_ask(example, "image"),
            **{
                name: first_text(example, name)
                for name in further_columns(self._features, self._targets)
            },
        }


def can_ask(example: tf.train.Example, mode: str) -> bool:
    """Whether a product holds what `mode` answers from: words, a picture, or either."""
    has_text = has_words(*(first_text(example, name) for name in WORDS))
    has_image = bool(first_bytes(example, "image"))
    return {"text": has_text, "image": has_image, "combined": has_text or has_image}[mode]


def _visible(example: tf.train.Example) -> bytes:
    shown = tf.train.Example()
    # The label and everything else that no client sends stay here and cannot leak in.
    for name in INPUT_NAMES:
        feature = example.features.feature[name]
        if any(feature.bytes_list.value) or feature.float_list.value:
            shown.features.feature[name].CopyFrom(feature)
    return shown.SerializeToString()


def _as_table(batches: list[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(batches)


def _named(read: tuple[str, bytes], folders: dict[str, str]) -> tuple[str, bytes]:
    path, record = read
    return folders[posixpath.dirname(path)], record
