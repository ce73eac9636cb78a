"""What people answered about decisions, as products and answers that `labels import` reads."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.review.answered import answered_products
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.queue.log import write_log
from shelfsort.labeling.queue.records import IMAGE_PROBLEM, Record
from shelfsort.labeling.web.choices import Choices
from shelfsort.products.manifest.label_origin import line_origin_fields
from shelfsort.products.manifest.writing import product_fields, write_manifest

IMAGE_NOTE = "image does not load"
"""Note of an answer that says so."""
_KEY_BYTES = 32


@dataclass
class Exported:
    """What was written.

    Attributes:
        products: lines of the manifest.
        answers: of people about them.
        sample: products that are a random sample of all.
    """

    products: int = 0
    answers: int = 0
    sample: int = 0


def export(engine: Engine, choices: Choices, answers: Path, products: str) -> Exported:
    """Writes the answers that stand, without those to gold, and the products that they are about.

    A line of the manifest says how its product was chosen; see `answered.Answered`.

    Args:
        engine: of the results database.
        choices: label of each category.
        answers: file to write; its workers are pseudonyms.
        products: manifest to write.

    Raises:
        OSError: one cannot be written.
    """
    written = Exported()
    with reader(engine) as connection:
        written.products = write_manifest(products, _lines(connection, written))
        write_log(answers, secrets.token_bytes(_KEY_BYTES), _records(connection, choices, written))
    return written


def _lines(connection: Connection, written: Exported) -> Iterator[Mapping[str, Any]]:
    for each in answered_products(connection):
        written.sample += each.origin.is_evidence
        origin = line_origin_fields(each.origin)
        yield {**product_fields(each.product), "decision": each.decision, **origin}


def _records(connection: Connection, choices: Choices, written: Exported) -> Iterator[Record]:
    for each in answered_products(connection):
        for said in each.said:
            written.answers += 1
            problem = IMAGE_PROBLEM if said.note == IMAGE_NOTE and not said.category else ""
            label = "" if problem else choices.labels.get(said.category, UNSURE)
            at = said.at.timestamp()
            yield Record(said.worker, each.product.id, label, problem, said.seconds, at)
