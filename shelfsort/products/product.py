"""A product, its label, and the two together as ingestion keeps them."""

from dataclasses import dataclass

PEOPLE, CATALOGUE, ASSISTED, MACHINE = "people", "catalogue", "assisted", "machine"
"""Sources of a label: people's answers alone, a trusted catalogue, people who saw a model's answer,
and a model alone."""


@dataclass(frozen=True)
class Product:
    """A product as its catalogue describes it; its image has not been opened.

    Attributes:
        id: unique in its catalogue.
        title, description: "" where absent.
        price: finite, in the range of a 32-bit float; None where absent.
        image: the reference as written, "" where there is none.
    """

    id: str
    title: str = ""
    description: str = ""
    price: float | None = None
    image: str = ""


@dataclass(frozen=True)
class LabelOrigin:
    """Where a label comes from.

    Attributes:
        source: `PEOPLE`, `CATALOGUE`, `ASSISTED` or `MACHINE`.
        selected_by: what chose the product to be labelled; "" where it was drawn at random.
        probability: with which it was chosen, above 0 and at most 1; None where it is not known.
    """

    source: str = PEOPLE
    selected_by: str = ""
    probability: float | None = None

    @property
    def is_evidence(self) -> bool:
        """Whether thresholds may be fitted on the product, and the model be judged by it.

        A label that a model had a part in flatters models. Products that a strategy picked, such
        as the least sure ones, are no sample of the catalogue. Both may still be trained on.
        """
        return self.source in (PEOPLE, CATALOGUE) and not self.selected_by


@dataclass(frozen=True)
class Label:
    """What a product is said to be.

    Attributes:
        category: id of the leaf, or of an inner category.
        confidence: in [0, 1]: share of equal answers, or the job's own figure.
        weight: of the product in training, 0 or more.
        workers: who answered, one entry for each answer; () where the job kept no answers.
        origin: where it comes from.
        inner: whether the category is an inner one: the product is somewhere below it.
    """

    category: str
    confidence: float
    weight: float
    workers: tuple[str, ...] = ()
    origin: LabelOrigin = LabelOrigin()
    inner: bool = False

    @property
    def is_evidence(self) -> bool:
        """As of its origin; never of an inner category, which says of no leaf that it is right."""
        return self.origin.is_evidence and not self.inner


@dataclass(frozen=True)
class LabelledProduct:
    """A product of a manifest with its label.

    Attributes:
        file: of the manifest; the product's image is relative to its folder.
        line: line number in the file, from 1.
        gold: leaf id of the true category, None where not given or not resolvable.
        ignored: which fields were cut or left out ("text_cut", "price", "gold").
        by_people: the label that people alone give, where `label` is one that a model had a part
            in, and people agree on any.
    """

    product: Product
    label: Label
    file: str
    line: int
    gold: str | None = None
    ignored: tuple[str, ...] = ()
    by_people: Label | None = None
