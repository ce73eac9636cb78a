"""The products that a model is asked about before it goes live, as tf.Examples.

Some are real; the others are what catalogues also hold: no picture, no words, neither, other
scripts, a title without end.
"""

from collections.abc import Sequence

import tensorflow as tf

from shelfsort.contract.signatures import INPUT_NAMES
from shelfsort.products.example import first_bytes

_UNICODE_TITLE = "Blå tröja 👗 綿のシャツ рубашка قميص ชุดเดรส \u200f\u0301"
_LONG_TITLE = "canvas tote bag " * 625
_SYNTHETIC = 6
_KEPT = {"product_id", *INPUT_NAMES}


def golden_products(serialized: Sequence[bytes]) -> list[bytes]:
    """Returns the products with only the features that a client sends, and synthetic ones added.

    `serialized` are tf.Examples of the eval split; may be empty. Labels are left out, so that an
    answer cannot depend on them.
    """
    real = [_without_labels(tf.train.Example.FromString(example)) for example in serialized]
    pictures = [first_bytes(example, "image") for example in real]
    picture = next(filter(None, pictures), b"") or _grey_square()
    synthetic = [
        _example("without a picture", title="Canvas tote bag", price=12.5),
        _example("without words", image=picture),
        _example("without words or picture"),
        _example("with blank words", title=" \t\n", description="", image=b"", price=0.0),
        _example("in many scripts", title=_UNICODE_TITLE, image=picture),
        _example("with 10,000 characters", title=_LONG_TITLE, description=_LONG_TITLE),
    ]
    return [example.SerializeToString() for example in (*real, *synthetic)]


def real_products(golden: Sequence[bytes]) -> list[bytes]:
    """Returns what `golden_products` was given, or all golden products where it was given none."""
    return list(golden[:-_SYNTHETIC] or golden)


def _without_labels(example: tf.train.Example) -> tf.train.Example:
    features = {k: v for k, v in example.features.feature.items() if k in _KEPT}
    return tf.train.Example(features=tf.train.Features(feature=features))


def _example(product_id: str, **features: str | bytes | float) -> tf.train.Example:
    example = tf.train.Example()
    for name, value in {"product_id": f"a product {product_id}", **features}.items():
        feature = example.features.feature[name]
        if isinstance(value, float):
            feature.float_list.value.append(value)
        else:
            feature.bytes_list.value.append(value.encode() if isinstance(value, str) else value)
    return example


def _grey_square() -> bytes:
    return tf.io.encode_jpeg(tf.fill([32, 32, 3], tf.constant(128, tf.uint8))).numpy()
