"""The tf.Example that stands for one product: written here, and its features read."""

import tensorflow as tf

from shelfsort.products.images.checks import Picture
from shelfsort.products.product import LabelledProduct

NO_PICTURE = Picture(format="", width=0, height=0)


def to_example(labelled: LabelledProduct, picture: Picture, image: bytes, group: int) -> bytes:
    """The product as a serialised tf.Example; equal products give equal bytes.

    `price`, `gold` and `selection_probability` are left out where the product has none. A product
    that is labelled with an inner category has it in `inner_category`, which others lack, and its
    `category` is empty. Without an
    image, `image`, `image_format` and `image_source` are empty and both sizes 0. `group` is equal
    for variants of one product.
    """
    product, label = labelled.product, labelled.label
    feature = {
        "product_id": _text(product.id),
        "title": _text(product.title),
        "description": _text(product.description),
        "image": _bytes(image),
        "image_width": _int(picture.width),
        "image_height": _int(picture.height),
        "image_format": _text(picture.format),
        "image_source": _text(product.image if image else ""),
        "category": _text("" if label.inner else label.category),
        "label_confidence": _float(label.confidence),
        "label_weight": _float(label.weight),
        "worker_count": _int(len(label.workers)),
        "label_source": _text(label.origin.source),
        "selected_by": _text(label.origin.selected_by),
        "group": _int(group),
    }
    if product.price is not None:
        feature["price"] = _float(product.price)
    if label.origin.probability is not None:
        feature["selection_probability"] = _float(label.origin.probability)
    if label.inner:
        feature["inner_category"] = _text(label.category)
    if labelled.gold is not None:
        feature["gold"] = _text(labelled.gold)
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def first_value(example: tf.train.Example, name: str) -> bytes | float | None:
    """The first value of a feature of any kind; None where there is none."""
    features = example.features.feature
    # Looking a name up would add it.
    kind = features[name].WhichOneof("kind") if name in features else None
    values = getattr(features[name], kind).value if kind else ()
    return values[0] if values else None


def first_bytes(example: tf.train.Example, name: str) -> bytes:
    """The first value of a bytes feature; b"" where there is none."""
    value = first_value(example, name)
    return value if isinstance(value, bytes) else b""


def first_text(example: tf.train.Example, name: str) -> str:
    """The first value of a bytes feature as text; bytes that are no UTF-8 are replaced."""
    return first_bytes(example, name).decode("utf-8", "replace")


def first_float(example: tf.train.Example, name: str, default: float) -> float:
    """The first value of a float feature; `default` where there is none."""
    value = first_value(example, name)
    return value if isinstance(value, float) else default


def first_int(example: tf.train.Example, name: str, default: int = 0) -> int:
    """The first value of an integer feature; `default` where there is none."""
    value = first_value(example, name)
    return value if isinstance(value, int) else default


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _text(value: str) -> tf.train.Feature:
    return _bytes(value.encode())


def _int(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _float(value: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
