"""How good a labelling job was and what it cost: consensus, agreement, matches with gold, money."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shelfsort.labeling.agreement import agreement_figures, cohen_kappa, tree_distance
from shelfsort.labeling.answers import Answers, is_unsure
from shelfsort.labeling.consolidation import majority
from shelfsort.products.manifest.annotations import Annotations
from shelfsort.products.manifest.outcomes import LABEL
from shelfsort.stats.binomial import interval

FIGURES = ("raw", "cohen", "fleiss", "alpha", "alpha_tree")
"""Names of the figures of agreement."""


@dataclass(frozen=True)
class Share:
    """A number of successes among trials.

    Attributes:
        count, n: successes and trials.
    """

    count: int
    n: int

    @property
    def share(self) -> float | None:
        """`count / n`; None without trials."""
        return self.count / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval (Clopper-Pearson)."""
        low, high = interval(self.count, self.n)
        return float(low), float(high)


@dataclass(frozen=True)
class Quality:
    """What a job's answers are worth.

    Attributes:
        products: number of products with answers or a result.
        answers, workers: numbers of answers that name a category, and of people who gave them.
        cannot_tell: number of answers that say so; they are paid and name no category.
        consensus: products on whose label the workers agree, of those that they were asked about;
            by their answers, or by the outcome of a consolidation that kept none.
        right: products whose label equals gold, among those with gold; a product without consensus
            counts by the job's own result, and is wrong where there is none.
        right_of_consensus: the same among products with consensus and gold.
        agreement: figures by name, NaN where there is none: `raw`, `cohen`, `fleiss`, `alpha` and
            `alpha_tree` (see `agreement`).
        agreement_intervals: 95 % intervals of these, NaN where there is none.
        labels: that the job ends with, by product; products without one are left out.
    """

    products: int
    answers: int
    workers: int
    cannot_tell: int
    consensus: Share
    right: Share
    right_of_consensus: Share
    agreement: Mapping[str, float]
    agreement_intervals: Mapping[str, tuple[float, float]]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Cost:
    """What labels cost, in the currency of the price.

    Attributes:
        spent: on all answers and products of the job.
        per_product: mean for a product.
        per_usable: mean for a product with consensus, None without any.
        project: number of products that the two figures below are about.
        project_asked: asking about so many products.
        project_usable: so many products with consensus, at the job's rate; None without any.
    """

    spent: float
    per_product: float
    per_usable: float | None
    project: int
    project_asked: float
    project_usable: float | None


def job_quality(
    said: Mapping[str, Annotations],
    gold: Mapping[str, str],
    resolve: Callable[[str], str | None],
    above: Callable[[str], Sequence[str]],
    unsure: str,
) -> Quality:
    """Evaluates a job.

    Args:
        said: what the job says, by product.
        gold: true labels, resolved, by product.
        resolve: the name under which a label counts, None where it is not known.
        above: the ancestors of a label.
        unsure: the answer that means "cannot tell"; it is no answer here.
    """
    asked, agreed, right, right_agreed, with_gold, agreed_gold = 0, 0, 0, 0, 0, 0
    triples = []
    labels = {}
    for product, annotations in said.items():
        given = [
            (each.worker, resolve(each.label) or each.label)
            for each in annotations.answers
            if not is_unsure(each.label, unsure)
        ]
        triples += [(product, worker, label) for worker, label in given]
        consensus, label = _label(annotations, [label for _, label in given], resolve)
        # Of a job that keeps no answers nothing shows how many of its workers agreed.
        asked += bool(annotations.answers or annotations.outcome or annotations.failure)
        agreed += consensus
        if label is not None:
            labels[product] = label
        if product in gold:
            matches = label == gold[product]
            with_gold, right = with_gold + 1, right + matches
            agreed_gold, right_agreed = (
                agreed_gold + consensus,
                right_agreed + (consensus and matches),
            )
    agreement, intervals = _agreement(triples, above)
    return Quality(
        products=len(said),
        answers=len(triples),
        workers=len({worker for _, worker, _ in triples}),
        cannot_tell=sum(len(each.answers) for each in said.values()) - len(triples),
        consensus=Share(agreed, asked),
        right=Share(right, with_gold),
        right_of_consensus=Share(right_agreed, agreed_gold),
        agreement=agreement,
        agreement_intervals=intervals,
        labels=labels,
    )


def job_cost(quality: Quality, price: float, fee: float, project: int) -> Cost:
    """What the job cost, and what `project` products would.

    Args:
        quality: of the job.
        price: of an answer.
        fee: of the service for a product, on top.
        project: number of products to project to.
    """
    paid = quality.answers + quality.cannot_tell
    spent = paid * price + quality.products * fee
    each = spent / quality.products
    rate = quality.consensus.share
    usable = each / rate if rate else None
    return Cost(
        spent, each, usable, project, each * project, None if usable is None else usable * project
    )


def between_jobs(one: Quality, other: Quality) -> tuple[Share, float]:
    """The products that two jobs label alike, among those that both label, and Cohen's kappa."""
    both = sorted(set(one.labels) & set(other.labels))
    alike = sum(one.labels[product] == other.labels[product] for product in both)
    if not both:
        return Share(0, 0), float("nan")
    triples = [(p, name, job.labels[p]) for p in both for name, job in (("1", one), ("2", other))]
    return Share(alike, len(both)), cohen_kappa(Answers.of(triples))


def _label(
    annotations: Annotations, labels: Sequence[str], resolve: Callable[[str], str | None]
) -> tuple[bool, str | None]:
    """Whether there is a consensus, and the label that the job ends with."""
    result = annotations.result and (resolve(annotations.result) or annotations.result)
    if annotations.outcome and not annotations.answers:
        return annotations.outcome == LABEL, result
    agreed = majority(labels, 0.5).label if labels else None
    return agreed is not None, result if annotations.outcome else agreed or result


def _agreement(
    triples: Iterable[tuple[str, str, str]], above: Callable[[str], Sequence[str]]
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    triples = list(triples)
    if not triples:
        none = float("nan")
        return dict.fromkeys(FIGURES, none), dict.fromkeys(FIGURES, (none, none))
    return agreement_figures(Answers.of(triples), tree_distance(lambda label: list(above(label))))
