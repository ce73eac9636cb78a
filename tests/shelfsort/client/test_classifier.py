"""Both classifiers against a real gRPC server: answers, retries, deadlines, limits."""

import asyncio
import subprocess
import sys

import grpc
import pytest

from shelfsort.client import (
    AsyncClassifier,
    Classifier,
    Connection,
    Product,
    ServerError,
    Tls,
)
from shelfsort.core.errors import InputError

QUICK = Connection(timeout_s=20, backoff_s=0.01)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def ask_async(address, call, **settings):
    """Runs `call(classifier)` in an event loop of its own."""

    async def run():
        async with AsyncClassifier(address, **settings) as classifier:
            return await call(classifier)

    return asyncio.run(run())


def test_an_accepted_product_is_answered_with_its_leaf(fake, jpeg):
    with Classifier(fake.address, "shop") as classifier:
        answer = classifier.classify(title="two bowls", image=jpeg, price=9.5)
    assert (answer.category, answer.path, answer.answer) == ("bowls", "Kitchen > Bowls", "bowls")
    assert answer.score == pytest.approx(0.7)
    assert (answer.accepted_95, answer.accepted_98, answer.level) == (True, False, 2)
    assert [ranked.category for ranked in answer.top] == ["bowls", "mugs", "lamps"]
    assert (answer.model_version, answer.threshold_version) == (3, "t-1")
    (request,) = fake.requests
    assert request.inputs["image"].string_val[0] == jpeg.read_bytes()
    assert request.model_spec.name == "shop"


def test_an_unsure_answer_is_empty(fake):
    with Classifier(fake.address) as classifier:
        answer = classifier.classify(title="something")
    assert (answer.answer, answer.level, answer.accepted_95) == ("", 0, False)


def test_the_asynchronous_classifier_says_the_same(fake, jpeg):
    product = {"title": "lamps", "description": "warm light", "image": jpeg, "price": 3.0}
    with Classifier(fake.address) as classifier:
        expected = classifier.classify(**product)
    assert ask_async(fake.address, lambda c: c.classify(**product)) == expected


def test_many_products_are_asked_in_batches_and_answered_in_order(fake):
    titles = [("mugs", "bowls", "lamps")[place % 3] for place in range(25)]
    settings = {"connection": Connection(batch_size=4)}
    with Classifier(fake.address, **settings) as classifier:
        answers = classifier.classify_many(Product(title=title) for title in titles)
    assert [answer.category for answer in answers] == titles
    assert sorted(len(r.inputs["title"].string_val) for r in fake.requests) == [1] + [4] * 6
    products = [Product(title=title) for title in titles]
    again = ask_async(fake.address, lambda c: c.classify_many(products), **settings)
    assert again == answers


def test_no_products_are_no_call(fake):
    with Classifier(fake.address) as classifier:
        assert classifier.classify_many([]) == []
    assert ask_async(fake.address, lambda c: c.classify_many([])) == []
    assert fake.requests == []


def test_large_products_are_spread_over_messages(fake):
    picture = b"\xff\xd8\xff" + bytes(900_000)
    with Classifier(fake.address, connection=Connection(max_message_bytes=2**21)) as classifier:
        assert len(classifier.classify_many([Product(image=picture)] * 5)) == 5
    assert sorted(len(r.inputs["image"].string_val) for r in fake.requests) == [1, 2, 2]


def test_messages_above_grpcs_four_megabytes_pass(fake):
    picture = b"\xff\xd8\xff" + bytes(9_000_000)
    with Classifier(fake.address) as classifier:
        assert classifier.classify(image=picture).model_version == 3


@pytest.mark.parametrize("asynchronous", [False, True])
def test_unavailable_is_tried_again(fake, asynchronous):
    fake.refusals = [UNAVAILABLE, UNAVAILABLE]
    if asynchronous:
        answer = ask_async(fake.address, lambda c: c.classify(title="mugs"), connection=QUICK)
    else:
        with Classifier(fake.address, connection=QUICK) as classifier:
            answer = classifier.classify(title="mugs")
    assert answer.category == "mugs"
    assert len(fake.requests) == 3


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_unavailable_is_tried_as_often_as_set_and_no_more(fake, attempts):
    fake.refusals = [UNAVAILABLE] * 10
    settings = Connection(attempts=attempts, backoff_s=0.01)
    with (
        Classifier(fake.address, connection=settings) as classifier,
        pytest.raises(ServerError) as caught,
    ):
        classifier.classify(title="mugs")
    assert caught.value.code is UNAVAILABLE
    assert len(fake.requests) == attempts


@pytest.mark.parametrize("asynchronous", [False, True])
def test_other_failures_are_not_tried_again_and_fit_on_one_line(fake, asynchronous):
    fake.refusals = [grpc.StatusCode.NOT_FOUND] * 2
    with pytest.raises(ServerError) as caught:
        if asynchronous:
            ask_async(fake.address, lambda c: c.classify(title="mugs"))
        else:
            with Classifier(fake.address) as classifier:
                classifier.classify(title="mugs")
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert str(caught.value).splitlines() == [f"{fake.address}: NOT_FOUND: said no"]
    assert len(fake.requests) == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_slow_server_runs_into_the_deadline(fake, asynchronous):
    fake.delay_s = 2.0
    settings = Connection(timeout_s=0.2)
    with pytest.raises(ServerError, match=rf"^{fake.address}: .*0\.2 s") as caught:
        if asynchronous:
            ask_async(fake.address, lambda c: c.classify(title="mugs"), connection=settings)
        else:
            with Classifier(fake.address, connection=settings) as classifier:
                classifier.classify(title="mugs")
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_one_failed_batch_fails_the_whole_question(fake):
    fake.refusals = [grpc.StatusCode.INTERNAL]
    settings = Connection(batch_size=1)
    products = [Product(title="mugs")] * 6
    with Classifier(fake.address, connection=settings) as classifier:
        with pytest.raises(ServerError) as caught:
            classifier.classify_many(products)
        assert caught.value.code is grpc.StatusCode.INTERNAL
        assert len(classifier.classify_many(products)) == 6


def test_a_bad_product_among_many_is_named_and_nothing_is_sent(fake):
    products = [Product(title="mugs"), Product()]
    with Classifier(fake.address) as classifier, pytest.raises(InputError, match="product 2: "):
        classifier.classify_many(products)
    with pytest.raises(InputError, match="product 2: "):
        ask_async(fake.address, lambda c: c.classify_many(products))
    assert fake.requests == []


def test_a_version_and_a_label_together_are_refused():
    with pytest.raises(ValueError, match=r"version .*label"):
        Classifier("localhost:1", version=1, label="stable")


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"attempts": 6},
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
        {"batch_size": 0},
        {"max_message_bytes": 10},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Connection(**wrong)


def test_a_certificate_without_its_key_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"certificate .*key"):
        Tls.from_files(certificate=tmp_path / "client.pem")


def test_a_missing_certificate_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"ca\.pem: No such file"):
        Tls.from_files(ca=tmp_path / "ca.pem")


def test_the_client_imports_neither_tensorflow_nor_numpy():
    code = (
        "import sys, shelfsort.client.classifier, shelfsort.cli.predict\n"
        "heavy = {'tensorflow', 'tensorflow_serving', 'numpy', 'tfx', 'keras'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
