"""A client's products and answers, and the Predict messages between them."""

import math
import os
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Any, TypeAlias

from shelfsort.contract import wire
from shelfsort.contract.modalities import has_words
from shelfsort.contract.signatures import (
    INPUTS,
    NO_PRICE,
    PREDICT_RAW,
    UNKNOWN_SCORE,
    Output,
    client_outputs,
)
from shelfsort.contract.targets import DEFAULT_TARGETS, accepted, targets_among
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.text import as_read

Message: TypeAlias = Any
"""A message of `wire`: made from descriptors at run time, so its fields have no static types."""

MAX_IMAGE_BYTES = 20 * 2**20

_FAILED_ROW = re.compile(r"(\d+): (.*?)(?=; \d+: |; and \d+ more|$)")
_UNANSWERED = "the server could not answer this product"

# First bytes of the formats that TensorFlow decodes when serving.
_JPEG_START = b"\xff\xd8\xff"
_IMAGE_STARTS = (_JPEG_START, b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM")
# DataType: (field of the values, struct code of one value in tensor_content).
_VALUES = {
    wire.DT_FLOAT: ("float_val", "f"),
    wire.DT_INT64: ("int64_val", "q"),
    wire.DT_BOOL: ("bool_val", "?"),
    wire.DT_STRING: ("string_val", ""),
}
_MAX_TOP = 1000


@dataclass(frozen=True, slots=True)
class Product:
    """A product to classify; it needs words or an image.

    Attributes:
        title, description: text; empty where there is none.
        image: the encoded image (JPEG, PNG, GIF or BMP; with the extra `images` also WebP, AVIF,
            HEIC or TIFF), or the path of its file.
        price: in the shop's currency, at least 0.
    """

    title: str = ""
    description: str = ""
    image: bytes | str | os.PathLike[str] | None = None
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A category and its calibrated probability, 0..1."""

    category: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says about one product.

    Attributes:
        category: id of the most probable leaf.
        path: full path of the same leaf, "A > B > C".
        score: its calibrated probability, 0..1.
        accepted: whether the prediction is accepted, so that it needs no person, by each target
            accuracy of the model, rising. Also as attributes: `accepted_95` for the target 0.95,
            `accepted_97_5` for 0.975.
        answer: id of the leaf when it is accepted at the lowest target, else of its deepest
            accepted ancestor, else empty: a person decides.
        level: depth of `answer` in the tree; 0 where it is empty.
        top: the five most probable leaves (fewer in a smaller tree), best first.
        model_version: version of the model that answered.
        threshold_version: version of the thresholds behind `accepted`.
        unknown_score: share of the products like the training products that look less strange than
            this one, 0..1. Nothing is accepted above the model's limit, 0.95 by default. None from
            a model without it.
        error: why the server could not answer this one of several products; else empty. Then
            nothing is accepted and the other values say nothing.
    """

    category: str
    path: str
    score: float
    accepted: Mapping[float, bool] = field(hash=False)
    answer: str
    level: int
    top: tuple[Ranked, ...]
    model_version: int
    threshold_version: str
    unknown_score: float | None = None
    error: str = ""

    def __getattr__(self, name: str) -> bool:
        """`accepted_95` and the like.

        Raises:
            AttributeError: the model has no such target.
        """
        if name.startswith("accepted_"):
            by_name = {accepted(target): each for target, each in self.accepted.items()}
            if name in by_name:
                return by_name[name]
            known = ", ".join(by_name)
            raise AttributeError(f"{name}: the model has no such target. It has {known}.")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def to_json(self) -> dict[str, Any]:
        """Plain values, with `accepted_95` and the like in place of `accepted`; `error` if any."""
        plain: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if name == "error" and not value:
                continue
            by_target = name == "accepted"
            plain |= {accepted(t): yes for t, yes in value.items()} if by_target else {name: value}
        return plain


class AnswerError(Exception):
    """A server's answer does not have the form of a Shelfsort model's."""


@dataclass(frozen=True, slots=True)
class Row:
    """A checked product with the bytes of its image: one row of a request."""

    title: bytes
    description: bytes
    image: bytes
    price: float

    @property
    def size(self) -> int:
        """Bytes on the wire, within a few dozen."""
        return len(self.title) + len(self.description) + len(self.image) + 32


def checked(product: Product, max_image_bytes: int = MAX_IMAGE_BYTES) -> Row:
    """Reads the image of a product, and refuses what the server would refuse.

    Raises:
        InputError: if the image cannot be read, is too large or not an image, if the price is
            negative or not a number, or if there are neither words nor an image.
    """
    image = _image_bytes(product.image, max_image_bytes)
    if not image and not has_words(product.title, product.description):
        raise InputError("the product has no text and no image. Give at least one.")
    price = NO_PRICE
    if product.price is not None:
        price = float(product.price)
        if not math.isfinite(price) or price < 0:
            raise InputError(
                f"price {product.price}: not a number of at least 0. Correct it, or leave it out."
            )
    return Row(_utf8(product.title), _utf8(product.description), image, price)


def _utf8(text: str) -> bytes:
    # Half a surrogate pair, as cut-off JSON escapes leave it, has no UTF-8 form.
    return as_read(text).encode("utf-8", "replace")


def _image_bytes(image: bytes | str | os.PathLike[str] | None, limit: int) -> bytes:
    """Returns the encoded image; empty bytes mean "no image", an empty file is a mistake."""
    if image is None or image == b"":
        return b""
    if isinstance(image, bytes):
        name, content = "image", image
        _check_size(name, len(content), limit)
    else:
        name, content = str(image), _file_bytes(Path(image), limit)
    # The served graph itself turns a JPEG upright.
    return content if content.startswith(_JPEG_START) else _as_served(name, content)


def _as_served(name: str, content: bytes) -> bytes:
    """The image, converted where the served graph cannot decode it or shows it otherwise."""
    known = content.startswith(_IMAGE_STARTS)
    try:
        from shelfsort.products.images.conversion import seen_alike, served_image
    except ImportError as error:
        if known:
            return content
        raise InputError(
            f"{name}: not a JPEG, PNG, GIF or BMP image. Convert it first, or run "
            "pip install 'shelfsort[images]', which reads WebP, AVIF, HEIC and TIFF."
        ) from error
    if known and seen_alike(content):
        return content
    try:
        return served_image(content)[1]
    except RejectedLine as why:
        raise InputError(
            f"{name}: no image that can be read ({why.detail}). Give a JPEG, PNG, GIF or BMP image."
        ) from why


def _file_bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            _check_size(str(path), os.fstat(file.fileno()).st_size, limit)
            # One byte more than allowed reveals a pipe or a device of unknown size.
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Give an image file.") from error
    _check_size(str(path), len(content), limit)
    return content


def _check_size(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise InputError(
            f"{name}: {size / 2**20:.1f} MB, more than the limit of {limit / 2**20:g} MB. "
            "Scale the image down."
        )


def batches(rows: Sequence[Row], max_rows: int, max_bytes: int) -> Iterator[Sequence[Row]]:
    """Cuts rows into runs of at most `max_rows` rows and `max_bytes` bytes, in order.

    Raises:
        InputError: if one row alone is larger than `max_bytes`.
    """
    start = size = 0
    for place, row in enumerate(rows):
        if row.size > max_bytes:
            raise InputError(
                f"product {place + 1}: {row.size:,} bytes, more than a message holds "
                f"({max_bytes:,}). Shorten it, or allow larger messages in client and server."
            )
        if place - start == max_rows or size + row.size > max_bytes:
            yield rows[start:place]
            start, size = place, 0
        size += row.size
    if start < len(rows):
        yield rows[start:]


def request(rows: Sequence[Row], model: str, version: int | None, label: str | None) -> Message:
    """Returns the PredictRequest that asks `model` about the rows, through `predict_raw`.

    Args:
        rows: at least one.
        model: the model's name on the server.
        version: which version of it; None takes the newest, or the one of `label`.
        label: a version label such as "stable"; None where there is none.
    """
    message: Message = wire.PredictRequest()
    message.model_spec.name = model
    message.model_spec.signature_name = PREDICT_RAW
    if version is not None:
        message.model_spec.version.value = version
    if label is not None:
        message.model_spec.version_label = label
    for each in INPUTS:
        tensor = message.inputs[each.name]
        tensor.dtype = wire.DTYPES[each.dtype]
        tensor.tensor_shape.dim.add(size=len(rows))
        field, _ = _VALUES[tensor.dtype]
        getattr(tensor, field).extend(getattr(row, each.name) for row in rows)
    return message


def answers(response: Message, rows: int, reasons: str = "") -> list[Answer]:
    """Reads the answers out of a PredictResponse to a request of `rows` rows.

    Args:
        reasons: the trailing metadata `wire.FAILED_ROWS`; empty where every row has an answer.

    Raises:
        AnswerError: if an output is missing, or has another type or shape.
    """
    width = _top_width(response.outputs, rows)
    # An answer without any lacks the first of them, and is refused for it.
    targets = targets_among(response.outputs) or DEFAULT_TARGETS
    columns = {
        each.name: _values(response.outputs, each, rows * (width if each.is_ranking else 1))
        for each in client_outputs(targets)
        if not each.is_new or each.name in response.outputs
    }
    version = response.model_spec.version.value
    found = [_answer(columns, targets, row, width, version) for row in range(rows)]
    why = {int(row): reason for row, reason in _FAILED_ROW.findall(reasons)}
    return [
        answer if answer.threshold_version else replace(answer, error=why.get(row, _UNANSWERED))
        for row, answer in enumerate(found)
    ]


def _answer(
    columns: dict[str, list],
    targets: tuple[float, ...],
    row: int,
    width: int,
    model_version: int,
) -> Answer:
    top = slice(row * width, (row + 1) * width)
    ranked = zip(columns["top_categories"][top], columns["top_scores"][top], strict=True)
    return Answer(
        category=columns["category"][row],
        path=columns["category_path"][row],
        score=columns["score"][row],
        accepted={target: columns[accepted(target)][row] for target in targets},
        answer=columns["answer"][row],
        level=columns["answer_level"][row],
        top=tuple(Ranked(category, score) for category, score in ranked),
        model_version=model_version,
        threshold_version=columns["threshold_version"][row],
        unknown_score=columns[UNKNOWN_SCORE][row] if UNKNOWN_SCORE in columns else None,
    )


def _top_width(outputs: Mapping[str, Message], rows: int) -> int:
    """Returns how many leaves are ranked for each product: 5, or all of a smaller tree."""
    sizes: list[int] = [dim.size for dim in outputs["top_scores"].tensor_shape.dim]
    if len(sizes) != 2 or sizes[0] != rows or not 0 < sizes[1] <= _MAX_TOP:
        raise AnswerError(f"output 'top_scores' has shape {sizes}, not [{rows}, 5]")
    return sizes[1]


def _values(outputs: Mapping[str, Message], output: Output, count: int) -> list:
    """Returns an output's values, flattened; bytes become text.

    Values that are fewer than the shape asks for stand for repetitions of the last one (see
    tensor.proto).
    """
    alias, dtype = output.name, wire.DTYPES[output.dtype]
    if alias not in outputs:
        raise AnswerError(f"the answer has no output {alias!r}, so this is not a Shelfsort model")
    tensor = outputs[alias]
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.dtype != dtype or math.prod(shape) != count:
        raise AnswerError(
            f"output {alias!r} has type {tensor.dtype} and shape {shape}; "
            f"expected are type {dtype} and {count} values"
        )
    field, code = _VALUES[dtype]
    values = list(getattr(tensor, field))
    if tensor.tensor_content and code:
        values = _unpacked(alias, tensor.tensor_content, count, code)
    if not 0 < len(values) <= count:
        raise AnswerError(f"output {alias!r} has {len(values)} values instead of {count}")
    values += repeat(values[-1], count - len(values))
    if dtype == wire.DT_STRING:
        return [value.decode("utf-8", "replace") for value in values]
    return values


def _unpacked(alias: str, content: bytes, count: int, code: str) -> list:
    try:
        return list(struct.unpack(f"<{count}{code}", content))
    except struct.error as error:
        raise AnswerError(f"output {alias!r} cannot be read: {error}") from error
