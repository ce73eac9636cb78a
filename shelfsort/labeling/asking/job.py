"""Reads a catalogue with its answers, and writes what to ask next or the labels so far."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs
from shelfsort.labeling.asking.belief import Belief
from shelfsort.labeling.asking.catalogue import Catalogue, Sources, read_catalogue, without_label
from shelfsort.labeling.asking.gold_questions import next_gold
from shelfsort.labeling.asking.pac import Cut, threshold_cut
from shelfsort.labeling.asking.plan import (
    OPEN,
    RANDOM,
    Batch,
    Labels,
    Rules,
    first_batch,
    labels_so_far,
    most_probable,
    next_batch,
)
from shelfsort.labeling.asking.whose import assign
from shelfsort.labeling.chance import order_key
from shelfsort.labeling.consolidation_job import refuse_lost_images
from shelfsort.labeling.model_scores import scores_file
from shelfsort.labeling.queue.wanted import ANSWERED_BY, ANSWERS_WANTED, ASKED_OF
from shelfsort.products.manifest.annotations import CUSTOM, METADATA_SUFFIX
from shelfsort.products.manifest.label_origin import SELECTED_BY, label_origin_fields
from shelfsort.products.manifest.outcomes import CONSOLIDATION, LABEL
from shelfsort.products.manifest.writing import write_manifest
from shelfsort.products.product import ASSISTED, MACHINE, PEOPLE, LabelOrigin
from shelfsort.products.tables.lines import catalogue_files

GOLD_QUESTION = "gold-question"
_METHODS = {PEOPLE: "one_coin", ASSISTED: "model_assisted", MACHINE: "model"}


@dataclass(frozen=True)
class AskingJob:
    """A labelling project at one moment.

    Attributes:
        sources: of the products and the answers.
        rules: when a label is good enough.
    """

    sources: Sources
    rules: Rules = Rules()

    @cached_property
    def catalogue(self) -> Catalogue:
        """What the manifests hold. Raises InputError."""
        return read_catalogue(self.sources)

    @cached_property
    def labels(self) -> Labels | None:
        """The labels so far; None before the first answer."""
        if self.catalogue.answers is None:
            return None
        state = self.catalogue.labelling(self.rules.reserve)
        found = labels_so_far(state, self._belief, self.rules)
        known = self.catalogue.has_gold
        column = {name: place for place, name in enumerate(self.catalogue.answers.labels)}
        gold = [column.get(self.catalogue.gold.get(id_, ""), -1) for id_ in self.catalogue.products]
        return replace(
            found,
            label=np.where(known, gold, found.label),
            probability=np.where(known, 1.0, found.probability),
            source=np.where(known, PEOPLE, found.source),
        )

    def batch(self, answers: int) -> Batch:
        """What to ask next, `answers` answers at most."""
        state = self.catalogue.labelling(self.rules.reserve)
        if self.labels is None:
            return first_batch(state, self.rules, answers)
        return next_batch(state, self.labels, self.rules, answers)

    def cut_alone(self) -> Cut | None:
        """The cut at which the model's own labels, and not the whole set, reach the target."""
        if self.labels is None:
            return None
        drawn = np.flatnonzero(self.catalogue.labelling(self.rules.reserve).drawn)
        model, probability = most_probable(self._belief.model[drawn])
        people, _ = most_probable(self._belief.posteriors[drawn])
        return threshold_cut(probability, model != people, self.rules.target, self.rules.confidence)

    def write_batch(self, batch: Batch, place: str, gold_questions: int = 0) -> int:
        """Writes the products to ask about, without any label; returns the number of lines.

        Args:
            batch: of `batch`.
            place: of the manifest.
            gold_questions: number of products with a known label that are mixed in.
        """
        self._refuse_input(place)
        return write_manifest(place, self._asked_lines(batch, place, gold_questions))

    def write_labels(self, place: str) -> int:
        """Writes every product with its label so far, if it has one; returns the number of lines.

        Raises:
            InputError: there is no answer yet, or as `write_batch`.
        """
        self._refuse_input(place)
        if self.labels is None:
            raise InputError(
                f"{self.sources.manifests[0]}: no answers. Ask people first: shelfsort labels next."
            )
        return write_manifest(place, self._labelled_lines(self.labels, place))

    @cached_property
    def _belief(self) -> Belief:
        return self.catalogue.belief()

    @cached_property
    def skills(self) -> dict[str, float]:
        """Of the workers who may be asked, by name."""
        catalogue = self.catalogue
        if catalogue.answers is None:
            return {}
        named = zip(catalogue.answers.workers, self._belief.skills, strict=True)
        return {name: float(skill) for name, skill in named if name and not name.startswith("(")}

    @cached_property
    def _answered(self) -> dict[str, set[str]]:
        """The workers who have answered about each product."""
        return {
            id_: {str(each["worker_id"]) for each in entries if each.get("worker_id")}
            for id_, entries in self.catalogue.entries.items()
        }

    def _refuse_input(self, place: str) -> None:
        given = self.sources
        files = [file for each in given.manifests for file in catalogue_files(each)]
        refuse_inputs(place, *files, given.taxonomy, given.gold, scores_file(given.scores))

    def _asked_lines(
        self, batch: Batch, place: str, gold_questions: int
    ) -> Iterator[Mapping[str, Any]]:
        ids = list(self.catalogue.products)
        wanted = [(ids[row], int(n)) for row, n in zip(batch.rows, batch.answers, strict=True)]
        whose = assign(wanted, self.skills, self._answered)
        lines = []
        for (id_, n), reason in zip(wanted, batch.reasons, strict=True):
            before = self.catalogue.products[id_].selected_by
            chosen = "" if reason == RANDOM or before == "" else before or reason
            lines.append(self._asked_line(id_, n, whose[id_], chosen, place))
        pairs = next_gold(
            sorted(self.catalogue.gold), self.catalogue.given, list(self.skills), gold_questions
        )
        gold: dict[str, list[str]] = {}
        for id_, worker in pairs:
            gold.setdefault(id_, []).extend([worker] if worker else [])
        lines += [
            self._asked_line(id_, max(len(workers), 1), workers, "", place)
            for id_, workers in gold.items()
        ]
        # A gold question must not stand out by its place.
        yield from sorted(lines, key=lambda line: order_key(str(line.get("id") or line)))

    def _asked_line(
        self, id_: str, answers: int, workers: list[str], chosen: str, place: str
    ) -> Mapping[str, Any]:
        product = self.catalogue.products[id_]
        refuse_lost_images(product.fields, product.line.file, product.line.number, place)
        fields = without_label(product.fields, self.catalogue.attribute)
        for earlier in (SELECTED_BY, ASKED_OF, ANSWERED_BY):
            fields.pop(earlier, None)
        before = sorted(self._answered.get(id_, ()))
        return {
            **fields,
            "id": id_,
            ANSWERS_WANTED: answers,
            **({ASKED_OF: workers} if workers else {}),
            **({ANSWERED_BY: before} if before else {}),
            **({SELECTED_BY: chosen} if chosen else {}),
        }

    def _labelled_lines(self, labels: Labels, place: str) -> Iterator[Mapping[str, Any]]:
        assert self.catalogue.answers is not None
        names = self.catalogue.answers.labels
        for row, (id_, product) in enumerate(self.catalogue.products.items()):
            refuse_lost_images(product.fields, product.line.file, product.line.number, place)
            source, gold = labels.source[row], self.catalogue.gold.get(id_)
            fields = {
                name: value
                for name, value in product.fields.items()
                if name not in (self.catalogue.attribute, SELECTED_BY)
                and name != self.catalogue.attribute + METADATA_SUFFIX
            } | {"id": id_}
            if source == OPEN:
                entries = self.catalogue.entries.get(id_)
                yield fields if entries is None else {**fields, **self._value(entries, None)}
                continue
            label = names[labels.label[row]] if gold is None else gold
            value = self._value(
                self.catalogue.entries.get(id_, []),
                (label, float(labels.probability[row]), str(source)),
                GOLD_QUESTION if gold is not None else product.selected_by or "",
            )
            yield {**fields, **value}

    def _value(
        self,
        entries: Any,
        decided: tuple[str, float, str] | None,
        selected_by: str = "",
    ) -> dict[str, Any]:
        """The label attribute and its metadata."""
        attribute = self.catalogue.attribute
        value: dict[str, Any] = {"workers": list(entries)} if entries else {}
        metadata: dict[str, Any] = {"type": CUSTOM}
        if decided is None:
            metadata |= label_origin_fields(LabelOrigin(PEOPLE, selected_by))
            return {attribute: value, attribute + METADATA_SUFFIX: metadata}
        label, probability, source = decided
        value |= {
            "result": {attribute: label},
            "confidence": max(round(probability, 6), 1e-6),
        }
        metadata |= label_origin_fields(LabelOrigin(source, selected_by))
        metadata[CONSOLIDATION] = {"method": _METHODS[source], "outcome": LABEL}
        return {attribute: value, attribute + METADATA_SUFFIX: metadata}


def counts_by_source(labels: Labels) -> Counter[str]:
    """Number of products with a label of each source; `OPEN` for those without."""
    return Counter(labels.source.tolist())
