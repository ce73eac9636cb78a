import math

import pytest
import tensorflow as tf

from shelfsort.products.example import (
    NO_PICTURE,
    first_bytes,
    first_float,
    first_int,
    first_text,
    first_value,
    to_example,
)
from shelfsort.products.product import Label, LabelledProduct, Product


def example(**features):
    lists = {bytes: "bytes_list", float: "float_list", int: "int64_list"}
    made = tf.train.Example()
    for name, values in features.items():
        for value in values:
            getattr(made.features.feature[name], lists[type(value)]).value.append(value)
    return made


def test_the_first_value_of_each_kind_is_read():
    given = example(words=[b"caf\xe9", b"x"], price=[2.5, 3.0], group=[-7])
    assert first_bytes(given, "words") == b"caf\xe9"
    assert first_text(given, "words") == "caf\ufffd"
    assert first_float(given, "price", -1.0) == 2.5
    assert first_int(given, "group") == -7
    assert [first_value(given, name) for name in ("words", "group")] == [b"caf\xe9", -7]


@pytest.mark.parametrize("given", [example(), example(f=[]), example(f=[b""])])
def test_what_is_missing_or_of_another_kind_is_the_default_and_is_not_added(given):
    before = given.SerializeToString()
    assert math.isnan(first_float(given, "f", math.nan))
    assert (first_int(given, "f"), first_bytes(given, "f"), first_text(given, "f")) == (0, b"", "")
    assert first_value(given, "none") is None
    assert given.SerializeToString() == before


def test_an_inner_category_has_a_feature_of_its_own():
    label = Label("shoes", 1.0, 1.0, inner=True)
    made = to_example(LabelledProduct(Product("p", "T"), label, "m", 1), NO_PICTURE, b"", group=3)
    found = tf.train.Example.FromString(made)
    assert (first_text(found, "category"), first_text(found, "inner_category")) == ("", "shoes")


def test_the_weight_of_a_label_is_written_beside_its_confidence():
    label = Label("a", confidence=0.75, weight=0.5, workers=("w", "w"))
    product = LabelledProduct(Product("p", "T"), label, "m", 1)
    made = tf.train.Example.FromString(to_example(product, NO_PICTURE, b"", group=3))
    assert first_float(made, "label_confidence", 0.0) == 0.75
    assert first_float(made, "label_weight", 0.0) == 0.5
    assert first_int(made, "worker_count") == 2
