"""Asks a candidate why: what of a product's words counted, and which training products are near."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from scipy.special import logsumexp

from components.report_gen.explanations import LEAST_CHANGE, Explanation, Sides, Term
from components.report_gen.occlusion import LeftOut, TextOf
from components.trainer.artifact import read_index
from shelfsort.contract.modalities import MODALITIES
from shelfsort.core.progress import progress
from shelfsort.training.neighbours import IMAGE_PART, Neighbour, TrainingIndex
from shelfsort.training.served_model import EXPLAIN, LOG_PROBABILITIES
from shelfsort.training.text_ops import load_text_ops

NEIGHBOURS = 3
TERMS = 4
"""The most that are named for one category."""
_TEXT = MODALITIES.index("text")


@dataclass(frozen=True)
class Asked:
    """A product to explain.

    Attributes:
        product_id: of it.
        record: serialised tf.Example.
        label, predicted: ids of categories.
    """

    product_id: str
    record: bytes
    label: str
    predicted: str


class Explainer:
    """A candidate, loaded, with its index of training products.

    Args:
        model: the SavedModel, loaded.
        index: of the same training.
    """

    def __init__(self, model: tf.Module, index: TrainingIndex):
        self._model = model
        self._index = index
        self._places = {category: place for place, category in enumerate(index.categories)}

    @classmethod
    def load(cls, model_dir: str, model_run: str) -> "Explainer | None":
        """Loads both; None where an earlier version trained the model, which explains nothing."""
        index = read_index(model_run)
        if index is None:
            return None
        load_text_ops(model_dir)
        model = tf.saved_model.load(model_dir)
        return cls(model, index) if hasattr(model, EXPLAIN) else None

    def neighbours_of(self, product_ids: Sequence[str]) -> dict[str, tuple[Neighbour, ...]]:
        """By product id, those of training products; without products that have none."""
        near = {each: tuple(self._index.nearest_of(each, NEIGHBOURS)) for each in product_ids}
        return {product_id: found for product_id, found in near.items() if found}

    def explain(self, products: Sequence[Asked]) -> dict[str, Explanation]:
        """By product id, why each was answered as it was."""
        found = {}
        for done, asked in enumerate(products, start=1):
            found[asked.product_id] = self._explanation(asked)
            progress(done, len(products), "errors explained")
        return found

    def _explanation(self, asked: Asked) -> Explanation:
        text = TextOf.of(tf.train.Example.FromString(asked.record))
        left_out = list(text.left_out())
        shown = [asked.record, text.shown(), *(each.shown for each in left_out)]
        answer = self._model.explain(tf.constant(shown))
        logs = answer.pop(LOG_PROBABILITIES).numpy()
        seen = {part: values[0].numpy() for part, values in answer.items()}
        has = {
            "text": any(values.any() for part, values in seen.items() if part != IMAGE_PART),
            "image": bool(seen[IMAGE_PART].any()),
        }
        by_text = logs[1:, _TEXT] if has["text"] else logs[:1, _TEXT]
        return Explanation(
            alone={
                modality: self._sides(np.exp(logs[0, MODALITIES.index(modality)]), asked)
                for modality in has
                if has[modality]
            },
            for_predicted=self._strongest(left_out, by_text, asked.predicted),
            for_label=self._strongest(left_out, by_text, asked.label),
            nearest=tuple(self._index.nearest(seen, NEIGHBOURS)),
        )

    def _sides(self, values: np.ndarray, asked: Asked) -> Sides:
        """Two of the (K,) values; None for a label that the model does not know."""
        label = self._places.get(asked.label)
        return Sides(
            round(float(values[self._places[asked.predicted]]), 6),
            None if label is None else round(float(values[label]), 6),
        )

    def _strongest(
        self, left_out: Sequence[LeftOut], logs: np.ndarray, category: str
    ) -> tuple[Term, ...]:
        """The terms that raise a category most.

        Args:
            left_out: m terms.
            logs: (1 + m, K) log-probabilities, with all terms and without each; (1, K) where there
                is no text.
            category: its id.
        """
        place = self._places.get(category)
        if place is None:
            return ()
        odds = logs[:, place] - logsumexp(np.delete(logs, place, axis=1), axis=1)
        terms = [
            Term(each.kind, each.word, round(float(change), 2))
            for each, change in zip(left_out, odds[0] - odds[1:], strict=False)
            if change >= LEAST_CHANGE
        ]
        return tuple(sorted(terms, key=lambda term: -term.change)[:TERMS])
