"""A catalogue with all answers about its products, from any number of manifests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shelfsort.core.errors import InputError
from shelfsort.labeling.answer_files import read_gold
from shelfsort.labeling.answers import UNSURE, Answer, Answers, is_unsure
from shelfsort.labeling.asking.belief import Belief, believe, refit
from shelfsort.labeling.asking.gold_questions import GoldWorker, gold_workers
from shelfsort.labeling.asking.plan import Labelling, set_aside
from shelfsort.labeling.asking.text_model import CrossFittedRidge, text_features, text_folds
from shelfsort.labeling.consensus import score_table
from shelfsort.labeling.given_products import PRODUCT_FIELDS, given_products, product_id
from shelfsort.labeling.label_tree import LabelTree, Resolve
from shelfsort.labeling.manifest_answers import ODDITIES as ANSWER_ODDITIES
from shelfsort.labeling.manifest_answers import ManifestAnswers, text_of
from shelfsort.labeling.model_scores import TITLES, given_scores
from shelfsort.labeling.page_answers import refuse_page_answers
from shelfsort.products.manifest.annotations import (
    METADATA_SUFFIX,
    Annotations,
    label_types,
    read_annotations,
)
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.product import CATALOGUE, PEOPLE
from shelfsort.products.tables.lines import catalogue_files
from shelfsort.products.tables.rows import CATEGORY

ODDITIES = {
    **ANSWER_ODDITIES,
    "repeated_line": "answer that an earlier manifest has too; it counts once",
}
"""What is counted and what each count means."""
_DESCRIBE = set(PRODUCT_FIELDS) - {"id"}
_MOST_CELLS = 100_000_000


@dataclass(frozen=True)
class Sources:
    """Where a catalogue and its answers are.

    Attributes:
        manifests: files, folders or patterns of manifests, tables or folders of images; all lines
            with one id are one product.
        taxonomy, scores, gold: files, "" for none.
        attribute: that holds the label, "" for the only one.
        unsure: the answer that means "cannot tell".
        ban_below: a worker is left out whose share of right answers to gold questions is surely
            below it; 0 for nobody.
    """

    manifests: Sequence[str]
    taxonomy: str = ""
    scores: str = ""
    gold: str = ""
    attribute: str = ""
    unsure: str = UNSURE
    ban_below: float = 0.0


@dataclass
class Product:
    """A product of the catalogue.

    Attributes:
        line: where it is described: its first one.
        fields: of that line.
        selected_by: what chose it to be labelled, "" where chance did.
    """

    line: Line
    fields: Mapping[str, Any]
    selected_by: str | None = None


@dataclass(frozen=True)
class Catalogue:
    """N products and what is known of them.

    Attributes:
        attribute: that holds the label.
        products: by id, in the order of the lines.
        answers: all that count; the tasks are the ids.
        asked: (N,) number of answers, with those that say "cannot tell".
        entries: of the workers, as the manifests have them, by id.
        given: all answers, those of banned workers included.
        gold: true labels by id.
        workers: that answered gold questions.
        scores: by id and label, of a model; None to fit one to the titles.
        counts: of `ODDITIES` of answers.
    """

    attribute: str
    products: Mapping[str, Product]
    answers: Answers | None
    asked: np.ndarray
    entries: Mapping[str, Sequence[Mapping[str, Any]]]
    given: Sequence[Answer]
    gold: Mapping[str, str]
    workers: Sequence[GoldWorker]
    scores: Mapping[str, Mapping[str, float]] | None
    counts: Counter[str]

    @property
    def has_gold(self) -> np.ndarray:
        """(N,) bool, whether the true label is known."""
        return np.array([id_ in self.gold for id_ in self.products], bool)

    @property
    def without_scores(self) -> int:
        """Number of products that the model says nothing of: without words, or not in its file."""
        if self.scores is None:
            return sum(not text_of(each.fields).strip() for each in self.products.values())
        return len(self.products.keys() - self.scores.keys())

    def labelling(self, reserve: float) -> Labelling:
        """The state of the labelling; a share of the products is set aside for chance."""
        ids = list(self.products)
        drawn = np.array([each.selected_by == "" for each in self.products.values()], bool)
        known = self.has_gold
        answers = self.answers if self.answers is not None else _no_answers(ids)
        # Somebody picked the gold questions, and nobody needs to be asked about them.
        asked = np.where(known, np.iinfo(np.int32).max, self.asked)
        return Labelling(answers, asked, drawn & (self.asked > 0) & ~known, set_aside(ids, reserve))

    def belief(self) -> Belief:
        """Posteriors by all answers and the model. Needs an answer."""
        assert self.answers is not None
        if self.scores is not None:
            table = score_table(self.answers, self.scores)
            with np.errstate(divide="ignore"):
                return believe(self.answers, np.maximum(np.log(table), -30.0))
        texts = [text_of(each.fields) for each in self.products.values()]
        return refit(self.answers, CrossFittedRidge(text_features(texts), text_folds(texts)))


def read_catalogue(sources: Sources) -> Catalogue:
    """Reads all manifests.

    Raises:
        InputError: one line with file, line and remedy.
    """
    files = [file for place in sources.manifests for file in catalogue_files(place)]
    refuse_page_answers(files)
    tree = LabelTree.load(sources.taxonomy, sources.unsure)
    read = _Read(sources.attribute or _attribute(files), tree.resolve)
    for file in files:
        for line, fields in given_products(file):
            read.add(line, fields)
    read.settle()
    if sources.taxonomy:
        labels = (each.label for each in read.found.answers)
        tree.refuse_other(sources.taxonomy, sources.manifests[0], labels)
    gold = {
        id_: label
        for id_, label in (read_gold(sources.gold, tree.gold) if sources.gold else {}).items()
        if id_ in read.products
    }
    if sources.gold and not gold:
        raise InputError(f"{sources.gold}: no product of the manifests is in it. Use the same ids.")
    scores = _scores(sources, read.products, tree.resolve)
    return _catalogue(read, sources, gold, scores)


@dataclass
class _Read:
    """The lines read so far."""

    attribute: str
    resolve: Resolve
    products: dict[str, Product] = field(default_factory=dict)
    entries: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    # Their lines of answers say nothing of the product, and so not what chose it: an import writes
    # them of answers to an earlier batch.
    undescribed: set[str] = field(default_factory=set)
    found: ManifestAnswers = field(init=False)

    def __post_init__(self) -> None:
        self.found = ManifestAnswers(self.attribute, self.resolve)

    def add(self, line: Line, fields: Mapping[str, Any]) -> None:
        id_ = _id(line, fields)
        product = self.products.setdefault(id_, Product(line, fields))
        try:
            annotations = read_annotations(fields, self.attribute)
        except RejectedLine as why:
            raise InputError(f"{line.file}:{line.number}: {why}. Correct the line.") from why
        if annotations is None:
            return
        answers = _answers(id_, annotations, fields, self.attribute)
        for answer, entry in answers:
            known = self.entries.setdefault(id_, [])
            if answer.worker and entry in known:
                self.found.counts["repeated_line"] += 1
                continue
            known.append(entry)
            self.found.add_answer(answer)
        chosen = annotations.origin.selected_by
        if answers and not chosen and not _DESCRIBE & fields.keys():
            self.undescribed.add(id_)
        elif answers:
            # A product that chance drew stays drawn by chance when a doubt asks about it again.
            product.selected_by = (
                chosen if product.selected_by is None else min(product.selected_by, chosen)
            )

    def settle(self) -> None:
        """Takes for chosen by chance what is answered, and described by no line of answers."""
        for id_ in self.undescribed:
            if self.products[id_].selected_by is None:
                self.products[id_].selected_by = ""


def _id(line: Line, fields: Mapping[str, Any]) -> str:
    # A line of answers may say nothing else of its product.
    given = fields.get("id")
    if isinstance(given, str | int) and str(given):
        return str(given)
    try:
        return product_id(line, fields)
    except RejectedLine as why:
        raise InputError(f"{line.file}:{line.number}: {why}. Correct the line.") from why


def _answers(
    id_: str, annotations: Annotations, fields: Mapping[str, Any], attribute: str
) -> list[tuple[Answer, Mapping[str, Any]]]:
    """The answers about a product with what the manifest says of each; a job's own result, where
    no worker is named, counts as one answer."""
    if annotations.answers:
        given = fields[attribute]["workers"]
        entries = [each for each in given if each.get("label") not in (None, "")]
        return [
            (Answer(id_, each.worker, each.label), entry)
            for each, entry in zip(annotations.answers, entries, strict=True)
        ]
    source = annotations.origin.source
    if annotations.result is None or annotations.failure or source not in (PEOPLE, CATALOGUE):
        return []
    worker = f"({source})"
    entry = {"worker_id": worker, "label": annotations.result}
    return [(Answer(id_, worker, annotations.result), entry)]


def _attribute(files: Sequence[str]) -> str:
    """The label attribute that most lines have; `category` where nothing is labelled."""
    seen: Counter[str] = Counter()
    for file in files:
        for _, fields in given_products(file):
            seen.update(label_types(fields))
    if len(seen) > 1:
        names = ", ".join(map(repr, sorted(seen)[:10]))
        raise InputError(
            f"{files[0]}: several label attributes ({names}). Choose one with --attribute NAME."
        )
    return next(iter(seen), CATEGORY)


def _scores(
    sources: Sources, products: Mapping[str, Product], resolve: Resolve
) -> dict[str, dict[str, float]] | None:
    if sources.scores in ("", TITLES):
        return None
    found: dict[str, dict[str, float]] = {}
    for id_, row in given_scores(sources.scores).items():
        if id_ in products:
            total: dict[str, float] = {}
            for label, score in row.items():
                name = resolve(label) or label
                total[name] = total.get(name, 0.0) + score
            found[id_] = total
    if not found:
        raise InputError(
            f"{sources.scores}: no product of the manifests is in it. Use the same ids."
        )
    return found


def _catalogue(
    read: _Read,
    sources: Sources,
    gold: Mapping[str, str],
    scores: Mapping[str, Mapping[str, float]] | None,
) -> Catalogue:
    row = {id_: place for place, id_ in enumerate(read.products)}
    workers = gold_workers(read.found.answers, gold, sources.ban_below)
    banned = {worker.name for worker in workers if worker.banned}
    counted = [each for each in read.found.answers if each.worker not in banned]
    asked = np.bincount([row[each.task] for each in counted], minlength=len(row)).astype(np.int64)
    sure = [each for each in counted if not is_unsure(each.label, sources.unsure)]
    labels = {each.label for each in sure} | {
        label for of_product in (scores or {}).values() for label in of_product
    }
    if len(row) * len(labels) > _MOST_CELLS:
        raise InputError(
            f"{sources.manifests[0]}: {len(row):,} products and {len(labels):,} labels need arrays "
            f"of more than {_MOST_CELLS:,} numbers. Ask about one department at a time."
        )
    answers = _in_order(list(row), sure, sorted(labels)) if sure else None
    counts = read.found.counts
    return Catalogue(
        read.attribute,
        read.products,
        answers,
        asked,
        read.entries,
        read.found.answers,
        gold,
        workers,
        scores,
        counts,
    )


def _in_order(ids: Sequence[str], given: Sequence[Answer], labels: Sequence[str]) -> Answers:
    """The answers, with all ids as tasks in their order."""
    workers = sorted({each.worker for each in given})
    at = [{name: place for place, name in enumerate(names)} for names in (ids, workers, labels)]
    rows = np.array(
        sorted((at[0][a.task], at[1][a.worker], at[2][a.label]) for a in given), np.int64
    )
    return Answers(tuple(ids), tuple(workers), tuple(labels), *rows.T)


def _no_answers(ids: Sequence[str]) -> Answers:
    none = np.zeros(0, np.int64)
    return Answers(tuple(ids), (), (), none, none, none)


def without_label(fields: Mapping[str, Any], attribute: str) -> dict[str, Any]:
    """The fields of a product that a person may see before answering: no label, no gold."""
    hidden = {attribute, attribute + METADATA_SUFFIX, "gold"}
    return {name: value for name, value in fields.items() if name not in hidden}
