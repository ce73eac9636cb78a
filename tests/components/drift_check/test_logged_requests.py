"""Requests as TF Serving logs them, and what else may lie in such a file."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfsort.contract.signatures import NO_PRICE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def module():
    from components.drift_check import logged_requests

    return logged_requests


def example(**values):
    import tensorflow as tf

    made = tf.train.Example()
    for name, value in values.items():
        kind = "float_list" if isinstance(value, float) else "bytes_list"
        getattr(made.features.feature[name], kind).value.append(value)
    return made


def predict(**inputs) -> bytes:
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    log = PredictionLog()
    for name, values in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return log.SerializeToString()


SHOES = {"title": b"Red shoes", "description": b"To walk", "price": 9.5, "image": b"\xff\xd8"}


def told(products):
    return [(each.title, each.description, each.price, each.has_picture) for each in products]


RED_SHOES = ("Red shoes", "To walk", 9.5, True)
HAT = ("Hat", "", None, False)


def test_a_bare_example_is_a_product(module):
    assert told(module.products_of(example(**SHOES).SerializeToString())) == [RED_SHOES]


def test_a_logged_predict_request_of_serialised_examples(module):
    both = [example(**SHOES).SerializeToString(), example(title=b"Hat").SerializeToString()]
    assert told(module.products_of(predict(examples=both))) == [RED_SHOES, HAT]


def test_a_logged_predict_request_of_raw_columns(module):
    record = predict(
        title=[b"Red shoes", b"Hat"],
        description=[b"To walk", b""],
        price=[9.5, float("nan")],
        image=[b"\xff\xd8", b""],
    )
    assert told(module.products_of(record)) == [RED_SHOES, HAT]
    assert told(module.products_of(predict(title=[b"Hat"]))) == [HAT]
    assert told(module.products_of(predict(title=[b"Hat"], price=[NO_PRICE]))) == [HAT]


@pytest.mark.parametrize("kind", ["classify_log", "regress_log", "multi_inference_log"])
@pytest.mark.parametrize("form", ["example_list", "example_list_with_context"])
def test_a_logged_request_with_an_input(module, kind, form):
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    log = PredictionLog()
    given_input = getattr(log, kind).request.input
    getattr(given_input, form).examples.extend([example(**SHOES), example(title=b"Hat")])
    assert told(module.products_of(log.SerializeToString())) == [RED_SHOES, HAT]


def test_the_same_request_twice_is_the_same_products(module):
    record = predict(image=[b"\xff\xd8", b"\xff\xd8"])
    first, second = module.products_of(record), module.products_of(record)
    assert first == second
    assert first[0].product_id != first[1].product_id


def hostile() -> dict[str, bytes]:
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    huge = PredictionLog()
    tensor = huge.predict_log.request.inputs["title"]
    tensor.dtype = 7
    tensor.tensor_shape.dim.add(size=1 << 40)
    tensor.string_val.append(b"x")
    session = PredictionLog()
    session.session_run_log.SetInParent()
    empty = PredictionLog()
    empty.classify_log.SetInParent()
    return {
        "not a message": b"\xff\xff\xff",
        "nothing": b"",
        "an example without features": example().SerializeToString(),
        "no inputs": predict(),
        "inputs of another model": predict(pixels=[[1.0]]),
        "columns of two lengths": predict(title=[b"a", b"b"], price=[1.0]),
        "words that are numbers": predict(title=[1.0]),
        "examples that are none": predict(examples=[b"\xff\xff"]),
        "a claim of a trillion products": huge.SerializeToString(),
        "a session's run": session.SerializeToString(),
        "a request without input": empty.SerializeToString(),
    }


def test_what_is_no_request_about_products_is_refused_with_a_reason(module):
    for what, record in hostile().items():
        with pytest.raises(module.UnreadableRequestError) as caught:
            module.products_of(record)
        assert str(caught.value), what


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_record_is_products_or_refused(content):
    from components.drift_check.logged_requests import UnreadableRequestError, products_of

    for record in (content, predict(examples=[content])):
        with contextlib.suppress(UnreadableRequestError):
            assert isinstance(products_of(record), list)
