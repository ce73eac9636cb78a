"""What people said about decisions, as labelled lines to train on."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.review.answered import answered_products
from shelfsort.products.manifest.annotations import Annotation, Annotations
from shelfsort.products.manifest.writing import Job, labelled_fields


def reviewed_lines(engine: Engine, attribute: str) -> Iterator[dict[str, Any]]:
    """A line for each product that people named a category of, as it was when they did so.

    Answers that were taken back and answers to gold are left out. A line says why and how likely
    its product was chosen; see `answered.Answered`.

    Args:
        engine: of the results database.
        attribute: that holds the labels.
    """
    job = Job(attribute, name="review")
    with reader(engine) as connection:
        for each in answered_products(connection):
            said = tuple(Annotation(one.worker, one.category) for one in each.said if one.category)
            if said:
                yield labelled_fields(each.product, Annotations(said, origin=each.origin), job)
