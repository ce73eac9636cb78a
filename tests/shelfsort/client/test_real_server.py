"""The client against `shelfsort serve`'s server and a small SavedModel with the real signature."""

import asyncio
import io

import pytest
from PIL import Image

from shelfsort.cli.batch.model_folder import ModelFolder
from shelfsort.client import AsyncClassifier, Classifier, Product, ServerError
from shelfsort.client.each import answer_each
from shelfsort.client.messages import checked

pytestmark = pytest.mark.slow
LEAVES = ("mugs", "bowls", "lamps", "chairs", "boots", "stools")
PATHS = tuple(f"Shop > {leaf.title()}" for leaf in LEAVES)


@pytest.fixture(scope="module")
def base_path(tmp_path_factory):
    """DIR/shelfsort/4: scores a product by the length of its title; a picture makes it sure."""
    import tensorflow as tf

    class Shelves(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.string, "title"),
                tf.TensorSpec([None], tf.string, "description"),
                tf.TensorSpec([None], tf.string, "image"),
                tf.TensorSpec([None], tf.float32, "price"),
            ]
        )
        def predict_raw(self, title, description, image, price):
            place = tf.strings.length(title) % len(LEAVES)
            sure = tf.cast(tf.strings.length(image) > 0, tf.float32)[:, None]
            scores = tf.one_hot(place, len(LEAVES)) * (0.25 + 0.5 * sure) + 0.125
            top_scores, top = tf.math.top_k(scores, 5)
            category = tf.gather(LEAVES, place)
            accepted = top_scores[:, 0] > 0.5
            return {
                "category": category,
                "category_path": tf.gather(PATHS, place),
                "score": top_scores[:, 0],
                "accepted_95": accepted,
                "accepted_98": tf.zeros_like(accepted),
                "answer": tf.where(accepted, category, ""),
                "answer_level": tf.cast(tf.where(accepted, 2, 0), tf.int64),
                "top_categories": tf.gather(LEAVES, top),
                "top_scores": top_scores,
                # Read, so that no input is dropped from the signature.
                "threshold_version": tf.strings.join(
                    ["t", tf.strings.as_string(price, precision=1), description], separator="|"
                ),
            }

    module = Shelves()
    base = tmp_path_factory.mktemp("serving") / "shelfsort"
    tf.saved_model.save(module, str(base / "4"), signatures={"predict_raw": module.predict_raw})
    return base


@pytest.fixture(scope="module")
def server(base_path):
    from serving.server import ModelServer

    with ModelServer.at(base_path, port=0, rest_port=None) as server:
        yield server


def test_one_product_is_answered_by_the_model(server, jpeg):
    with Classifier(server.address) as classifier:
        answer = classifier.classify(title="ab", description="Ü", image=jpeg, price=2.5)
    assert (answer.category, answer.path, answer.answer) == ("lamps", "Shop > Lamps", "lamps")
    assert (answer.score, answer.accepted_95, answer.accepted_98) == (0.875, True, False)
    assert len(answer.top) == 5
    assert answer.top[0].category == "lamps"
    assert (answer.model_version, answer.threshold_version) == (4, "t|2.5|Ü")


def test_many_products_come_back_in_order(server):
    products = [Product(title="x" * (1 + place % 9)) for place in range(100)]
    with Classifier(server.address) as classifier:
        answers = classifier.classify_many(products)
    assert [answer.category for answer in answers] == [
        LEAVES[len(product.title) % len(LEAVES)] for product in products
    ]
    assert {(answer.answer, answer.level) for answer in answers} == {("", 0)}


def square(side: int) -> bytes:
    Image.new("RGB", (side, side)).save(out := io.BytesIO(), "PNG")
    return out.getvalue()


def test_an_image_that_the_server_refuses_costs_its_own_answer(base_path):
    from serving.server import ModelServer

    products = [Product("ab", image=square(side)) for side in (8, 64, 8)]

    async def asked_at_once(address):
        async with AsyncClassifier(address) as classifier:
            return await classifier.classify_many(products)

    with ModelServer.at(base_path, port=0, rest_port=None, max_image_pixels=1000) as server:
        with Classifier(server.address) as classifier:
            answers = classifier.classify_many(products)
            each = answer_each(classifier.ask, [checked(product) for product in products])
            with pytest.raises(ServerError, match="INVALID_ARGUMENT"):
                classifier.classify(title="ab", image=products[1].image)
        assert asyncio.run(asked_at_once(server.address)) == answers
    assert [answer.category for answer in answers] == ["lamps", "", "lamps"]
    assert [bool(answer.error) for answer in answers] == [False, True, False]
    assert "64 x 64 pixels" in answers[1].error
    assert not any(answers[1].accepted.values())
    assert answers[1].to_json()["error"] == answers[1].error
    assert "error" not in answers[0].to_json()
    assert [each[0], each[2]] == [answers[0], answers[2]]
    assert isinstance(each[1], ServerError)


def test_an_unknown_model_and_an_unknown_version_are_named(server):
    with (
        Classifier(server.address, "toys") as classifier,
        pytest.raises(ServerError, match=r"NOT_FOUND: Servable not found for request: Latest"),
    ):
        classifier.classify(title="x")
    with (
        Classifier(server.address, version=9) as classifier,
        pytest.raises(ServerError, match=r"Specific\(shelfsort, 9\)"),
    ):
        classifier.classify(title="x")


def test_a_model_answers_from_its_folder_as_from_a_server(base_path, server, jpeg):
    images = (None, jpeg, None)
    rows = [
        checked(Product("t" * n, "Ü", image, 2.5))
        for n, image in zip((3, 4, 11), images, strict=True)
    ]
    with Classifier(server.address) as classifier:
        assert ModelFolder(base_path.parent).ask(rows) == classifier.ask(rows)
