"""From a reply of the model to the row that is stored."""

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.client.batch.reading import Asked
from shelfsort.client.messages import Answer
from shelfsort.contract.signatures import NO_PRICE
from shelfsort.contract.targets import percent_of
from shelfsort.core.database.texts import storable, storable_json
from shelfsort.core.storage import absolute, join, scheme
from shelfsort.decisions.rules.model import NOT_ACCEPTED, REVIEW, Facts, Rules, Then

_ROUNDING = 1e-4


@dataclass(frozen=True)
class Key:
    """What an answer is about.

    Attributes:
        product: id of the product; where it has none, the digest of what was asked about.
        input: digest of words, price, image and fields.
    """

    product: str
    input: str


def key_of(asked: Asked) -> Key:
    """The key of a row that can be sent. A changed picture behind a known id is another key."""
    assert asked.row is not None
    digest = hashlib.blake2b(digest_size=16)
    row = asked.row
    fields = json.dumps(dict(asked.fields), sort_keys=True).encode()
    for part in (row.title, row.description, row.image, repr(row.price).encode(), fields):
        digest.update(len(part).to_bytes(8, "big") + part)
    return Key(storable(asked.id) or digest.hexdigest(), digest.hexdigest())


def level_of(answer: Answer) -> str:
    """The strictest target at which the model vouches for its category, in percent."""
    targets = [target for target, yes in answer.accepted.items() if yes]
    return percent_of(max(targets)) if targets else NOT_ACCEPTED


def fault_of(answer: Answer) -> str:
    """Why nothing can be decided from an answer, "" for a usable one."""
    # A calibrated probability is a float32, which may be a little more than 1.
    if not -_ROUNDING <= answer.score <= 1 + _ROUNDING:
        return f"the model's score is {answer.score}, which is no probability"
    return ""


def decide(
    rules: Rules, category: str, level: str, score: float, fields: Mapping[str, str]
) -> Then:
    """What the rules make of an answer. Raises UndecidableError as `Rules.decide` does."""
    return rules.decide(Facts(category, level, min(max(score, 0.0), 1.0), fields))


def held_back(then: Then, category: str, backoffs: Mapping[str, str]) -> tuple[str, str]:
    """The outcome, and the id of the back-off that sends it to a person, "" for none.

    Args:
        then: what the rules say.
        category: that the model names.
        backoffs: id of the active back-off by its category, "" for that of all.
    """
    id_ = backoffs.get(category) or backoffs.get("")
    return (REVIEW, id_) if id_ and then.outcome != REVIEW else (then.outcome, "")


def stored_answer(asked: Asked, key: Key, answer: Answer) -> dict[str, Any]:
    """Rows of the tables `prediction` and `prediction_detail` in one."""
    row = asked.row
    assert row is not None
    shown: dict[str, Any] = {
        "title": row.title.decode("utf-8", "replace"),
        "description": row.description.decode("utf-8", "replace"),
        "image": _placed(asked),
    }
    if row.price != NO_PRICE:
        shown["price"] = row.price
    return {
        "product": key.product,
        "input": key.input,
        "model": str(answer.model_version),
        "category": storable(answer.category),
        "score": answer.score,
        "accepted": level_of(answer),
        "answer": storable(answer.answer),
        "top": storable_json([[each.category, each.score] for each in answer.top]),
        "unknown": answer.unknown_score,
        "fields": storable_json(dict(asked.fields)),
        "shown": storable_json(shown),
    }


def _placed(asked: Asked) -> str:
    """The image's reference, which other files can have."""
    reference = asked.image
    if not reference or scheme(reference) or reference.startswith(("/", "data:")):
        return reference
    folder = posixpath.dirname(asked.file)
    return absolute(join(folder, reference)) if folder else absolute(reference)
