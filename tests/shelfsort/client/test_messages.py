"""Products, batches and answers, without a network."""

import copy
import io
import math
import pickle
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shelfsort.client.messages import (
    AnswerError,
    Product,
    Row,
    answers,
    batches,
    checked,
    request,
)
from shelfsort.contract import wire
from shelfsort.contract.signatures import NO_PRICE
from shelfsort.core.errors import InputError
from tests.fixtures.golden import refusal

ROWS = [Row(b"a", b"b", b"", NO_PRICE), Row("ä".encode(), b"", b"\xff\xd8\xff", 4.5)]


def response(**changed):
    """A sound answer about one product; `changed` replaces outputs, None leaves one out."""
    outputs = {
        "category": (wire.DT_STRING, "string_val", [b"mugs"], [1]),
        "category_path": (wire.DT_STRING, "string_val", [b"Kitchen > Mugs"], [1]),
        "score": (wire.DT_FLOAT, "float_val", [0.5], [1]),
        "accepted_95": (wire.DT_BOOL, "bool_val", [True], [1]),
        "accepted_98": (wire.DT_BOOL, "bool_val", [False], [1]),
        "answer": (wire.DT_STRING, "string_val", [b"mugs"], [1]),
        "answer_level": (wire.DT_INT64, "int64_val", [2], [1]),
        "threshold_version": (wire.DT_STRING, "string_val", [b"t"], [1]),
        "top_categories": (wire.DT_STRING, "string_val", [b"mugs", b"bowls"], [1, 2]),
        "top_scores": (wire.DT_FLOAT, "float_val", [0.5, 0.25], [1, 2]),
        **changed,
    }
    message = wire.PredictResponse()
    for alias, output in outputs.items():
        if output is None:
            continue
        dtype, name, values, shape = output
        tensor = message.outputs[alias]
        tensor.dtype = dtype
        for size in shape:
            tensor.tensor_shape.dim.add(size=size)
        if name == "tensor_content":
            tensor.tensor_content = values
        else:
            getattr(tensor, name).extend(values)
    return message


def test_a_request_names_model_signature_and_columns():
    message = request(ROWS, "shop", version=None, label=None)
    assert message.model_spec.name == "shop"
    assert message.model_spec.signature_name == "predict_raw"
    assert not message.model_spec.HasField("version")
    assert list(message.inputs["title"].string_val) == [b"a", "ä".encode()]
    assert list(message.inputs["image"].string_val) == [b"", b"\xff\xd8\xff"]
    assert list(message.inputs["price"].float_val) == [NO_PRICE, 4.5]
    assert [dim.size for dim in message.inputs["price"].tensor_shape.dim] == [2]


def test_a_request_can_insist_on_a_version_or_a_label():
    assert request(ROWS, "shop", version=7, label=None).model_spec.version.value == 7
    assert request(ROWS, "shop", version=None, label="canary").model_spec.version_label == "canary"


def test_an_answer_is_read_field_by_field():
    (answer,) = answers(response(), 1)
    assert (answer.category, answer.path) == ("mugs", "Kitchen > Mugs")
    assert (answer.score, answer.accepted_95, answer.accepted_98) == (0.5, True, False)
    assert (answer.answer, answer.level, answer.threshold_version) == ("mugs", 2, "t")
    assert [(r.category, r.score) for r in answer.top] == [("mugs", 0.5), ("bowls", 0.25)]


def test_the_unknown_score_is_read_and_models_of_earlier_versions_have_none():
    (answer,) = answers(response(unknown_score=(wire.DT_FLOAT, "float_val", [0.75], [1])), 1)
    assert (answer.unknown_score, answer.to_json()["unknown_score"]) == (0.75, 0.75)
    (earlier,) = answers(response(), 1)
    assert (earlier.unknown_score, earlier.to_json()["unknown_score"]) == (None, None)


def test_an_answer_has_the_targets_of_its_model():
    flag = (wire.DT_BOOL, "bool_val", [True], [1])
    (answer,) = answers(response(accepted_98=None, accepted_90=flag, accepted_97_5=flag), 1)
    assert list(answer.accepted.items()) == [(0.9, True), (0.95, True), (0.975, True)]
    assert (answer.accepted_90, answer.accepted_97_5) == (True, True)
    with pytest.raises(AttributeError, match=r"accepted_98: .* accepted_90, accepted_95"):
        _ = answer.accepted_98
    assert not hasattr(answer, "accept")
    flat = answer.to_json()
    assert list(flat)[2:6] == ["score", "accepted_90", "accepted_95", "accepted_97_5"]
    assert (flat["top"][0], len(flat)) == ({"category": "mugs", "score": 0.5}, 12)
    assert pickle.loads(pickle.dumps(answer)) == copy.copy(answer) == answer


def test_packed_bytes_and_repeated_last_values_are_read_as_tensor_proto_says():
    packed = struct.pack("<2f", 0.5, 0.25)
    message = response(
        top_scores=(wire.DT_FLOAT, "tensor_content", packed, [1, 2]),
        top_categories=(wire.DT_STRING, "string_val", [b"mugs"], [1, 2]),
    )
    (answer,) = answers(message, 1)
    assert [(r.category, r.score) for r in answer.top] == [("mugs", 0.5), ("mugs", 0.25)]


@pytest.mark.parametrize(
    "changed",
    [
        {"score": None},
        {"score": (wire.DT_STRING, "string_val", [b"high"], [1])},
        {"score": (wire.DT_FLOAT, "float_val", [0.5, 0.5], [1])},
        {"score": (wire.DT_FLOAT, "float_val", [], [1])},
        {"score": (wire.DT_FLOAT, "float_val", [0.5, 0.5], [2])},
        {"score": (wire.DT_FLOAT, "tensor_content", b"\x00\x00", [1])},
        {"top_scores": None},
        {"top_scores": (wire.DT_FLOAT, "float_val", [0.5], [1, 2**40])},
        {"top_scores": (wire.DT_FLOAT, "float_val", [0.5], [-1, -1])},
        {"top_categories": (wire.DT_STRING, "string_val", [b"a"] * 3, [1, 3])},
    ],
)
def test_an_answer_of_another_form_is_refused(changed):
    with pytest.raises(AnswerError):
        answers(response(**changed), 1)


SHAPES = st.lists(st.integers(-2, 3) | st.just(2**62), max_size=3)
OUTPUTS = st.one_of(
    st.none(),
    st.tuples(
        st.just(wire.DT_STRING), st.just("string_val"), st.lists(st.binary(max_size=9)), SHAPES
    ),
    st.tuples(
        st.sampled_from([wire.DT_FLOAT, wire.DT_BOOL, 99]),
        st.just("float_val"),
        st.lists(st.floats(width=32)),
        SHAPES,
    ),
    st.tuples(st.just(wire.DT_FLOAT), st.just("tensor_content"), st.binary(), SHAPES),
)


@given(st.sampled_from(sorted(response().outputs)), OUTPUTS)
def test_whatever_one_output_holds_it_is_read_or_refused(alias, output):
    try:
        (answer,) = answers(response(**{alias: output}), 1)
    except AnswerError:
        return
    assert isinstance(answer.category, str)
    assert len(answer.top) in (1, 2)


@given(st.lists(st.integers(0, 300), max_size=40), st.integers(1, 7), st.integers(400, 900))
def test_batches_keep_every_row_in_order_and_within_both_limits(sizes, max_rows, max_bytes):
    rows = [Row(b"x" * size, b"", b"", float(place)) for place, size in enumerate(sizes)]
    cut = list(batches(rows, max_rows, max_bytes))
    assert [row for part in cut for row in part] == rows
    assert all(1 <= len(part) <= max_rows for part in cut)
    assert all(sum(row.size for row in part) <= max_bytes for part in cut)


def test_a_row_that_fits_in_no_message_is_named():
    rows = [Row(b"", b"", b"", 0.0), Row(b"x" * 500, b"", b"", 0.0)]
    with pytest.raises(InputError, match=r"^product 2: .*532.*400"):
        list(batches(rows, 8, 400))


def test_a_product_without_words_and_picture_is_refused():
    with pytest.raises(InputError, match=r"text .*image"):
        checked(Product(title=" \t", price=3.0))


@pytest.mark.parametrize("price", [-0.01, math.nan, math.inf])
def test_a_price_that_is_none_is_refused(price):
    with pytest.raises(InputError, match=f"^price {price}: "):
        checked(Product(title="mug", price=price))


def test_a_product_without_price_says_so_in_the_models_way():
    assert checked(Product(title="mug")).price == NO_PRICE
    assert checked(Product(title="mug", price=0)).price == 0.0


def test_a_picture_may_be_bytes_or_a_file(jpeg):
    content = jpeg.read_bytes()
    assert checked(Product(image=content)).image == content
    assert checked(Product(image=jpeg)).image == content
    assert checked(Product(image=str(jpeg))).image == content


@pytest.mark.parametrize(("mode", "format_", "clear"), [("P", "GIF", 0), ("RGB", "PNG", (0, 0, 0))])
def test_an_image_whose_clear_parts_the_graph_would_show_is_converted(mode, format_, clear):
    Image.new(mode, (4, 4), 0).save(out := io.BytesIO(), format_, transparency=clear)
    with Image.open(io.BytesIO(checked(Product(image=out.getvalue())).image)) as sent:
        assert sent.format == "PNG"
        assert sent.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"", b"RIFF....WEBP"])
def test_a_file_that_is_no_picture_is_refused_by_name(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"photo\.jpg: .*JPEG, PNG, GIF or BMP"):
        checked(Product(title="mug", image=path))


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"gone\.jpg: "):
        checked(Product(image=tmp_path / "gone.jpg"))
    with pytest.raises(InputError, match=f"^{tmp_path}: "):
        checked(Product(image=tmp_path))


def test_an_oversized_picture_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(30 * 2**20)
    with pytest.raises(InputError, match=r"huge\.jpg: 30\.0 MB.* 20 MB"):
        checked(Product(image=path))
    with pytest.raises(InputError, match=r"^image: .* MB"):
        checked(Product(image=b"\xff\xd8\xff" * 10), max_image_bytes=20)


def test_half_a_surrogate_pair_does_not_stop_a_call():
    assert checked(Product(title="mug \ud83d")).title == b"mug ?"


def test_golden_client_errors(tmp_path, golden):
    """Products that are not sent, and answers of another model."""
    photo, gone = tmp_path / "photo.jpg", tmp_path / "gone.jpg"
    photo.write_bytes(b"<html>")
    products = [Product(title=" "), Product(title="mug", price=-1)]
    products += [Product(image=photo), Product(image=gone)]
    lines = [refusal(InputError, checked, product) for product in products]
    lines.append(refusal(InputError, checked, Product(image=b"\xff\xd8\xff" * 2**20), 2**20))
    rows = [Row(b"x" * 500, b"", b"", 0.0)]
    lines.append(refusal(InputError, lambda: list(batches(rows, 8, 400))))
    lines += [
        refusal(AnswerError, answers, response(**changed), 1)
        for changed in (
            {"score": None},
            {"top_scores": None},
            {"score": (wire.DT_STRING, "string_val", [b"high"], [1])},
            {"score": (wire.DT_FLOAT, "float_val", [0.5, 0.5], [1])},
            {"score": (wire.DT_FLOAT, "tensor_content", b"\x00\x00", [1])},
        )
    ]
    golden("client_errors.txt", [line.replace(f"{tmp_path}/", "") for line in lines])
