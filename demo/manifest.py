"""Lines of a labelled manifest: a custom job with the workers' answers kept."""

from dataclasses import dataclass

from demo.words import Words
from demo.workers import majority
from shelfsort.products import product
from shelfsort.products.manifest.annotations import Annotation, Annotations
from shelfsort.products.manifest.writing import Job, labelled_fields, manifest_line

LABEL_ATTRIBUTE = "product-category"
_JOB = Job(
    LABEL_ATTRIBUTE,
    name=f"labeling-job/{LABEL_ATTRIBUTE}-1",
    created="2026-01-15T09:00:00.000000",
)


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the catalogue as the crowd has labelled it.

    Attributes:
        id: the shop's number.
        words: None where the shop wrote nothing.
        source: the image's path relative to the manifest, None where there is no image.
        answers: one for each worker.
        gold: path of the leaf it was made for; None leaves the field out.
    """

    id: str
    words: Words | None
    source: str | None
    answers: list[Annotation]
    gold: str | None

    @property
    def shown(self) -> product.Product:
        """What the workers were shown."""
        if self.words is None:
            return product.Product(self.id, image=self.source or "")
        words = self.words
        return product.Product(
            self.id, words.title, words.description, words.price, self.source or ""
        )


def line(labelled: Product) -> str:
    """The product's line, without its line end."""
    label, share = majority(labelled.answers)
    said = Annotations(tuple(labelled.answers), label, round(share, 4))
    return manifest_line(labelled_fields(labelled.shown, said, _JOB, labelled.gold))


def failed_line(labelled: Product, reason: str) -> str:
    """The line of a product whose labelling failed: metadata only, no answer."""
    return manifest_line(labelled_fields(labelled.shown, Annotations(failure=reason), _JOB))
