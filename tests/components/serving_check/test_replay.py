import pytest
import tensorflow as tf

from components.serving_check.artifact import ServingReport
from components.serving_check.golden import golden_products
from components.serving_check.replay import replay
from components.serving_check.warm_up import warm_up_problems
from shelfsort.contract.model_files import WARM_UP
from shelfsort.products.example import first_bytes

pytestmark = pytest.mark.slow


def _replay(model, examples, tolerance=1e-4) -> ServingReport:
    return replay(str(model), golden_products(examples), tolerance)


def _failure(report: ServingReport) -> tuple[str, str]:
    failed = next(check for check in report.checks if not check.passed)
    return failed.name, failed.reason


def test_a_model_that_keeps_its_promises_is_blessed(good_model, eval_examples):
    report = _replay(good_model, eval_examples)
    assert [check.reason for check in report.checks if not check.passed] == []
    assert report.blessed
    assert [check.name for check in report.checks] == [
        "loads_as_served",
        "signatures",
        "answers",
        "alone_as_in_a_batch",
        "cost",
        "signatures_agree",
        "modes_agree",
        "loads_in_tensorflow_2",
        "warm_up",
    ]
    assert report.products == len(eval_examples) + 6
    cost = report.cost
    assert (cost.batch, cost.products) == (32, len(eval_examples))
    assert 0 < cost.milliseconds_in_batch < cost.milliseconds_alone < 1000
    assert 0 < cost.cpu_milliseconds_in_batch < cost.cpu_milliseconds_alone < 1000
    assert cost.peak_memory_mb > 50
    assert cost.model_bytes == sum(f.stat().st_size for f in good_model.rglob("*") if f.is_file())
    # The pictures of the products have 400 to 4,000 bytes.
    assert 2200 < cost.request_bytes < 2500
    assert 200 < cost.response_bytes < 1000
    assert str(cost) == next(c.reason for c in report.checks if c.name == "cost")


@pytest.mark.parametrize(
    ("fault", "check", "reason"),
    [
        ("leaks_between_products", "alone_as_in_a_batch", "serving_default alone: "),
        (
            "wants_a_picture",
            "alone_as_in_a_batch",
            "serving_default fails for a product without a picture: InvalidArgumentError: ",
        ),
        ("scores_above_one", "answers", "is outside 0..1"),
        ("scalar_version", "answers", "threshold_version has shape ()"),
        ("float64_score", "signatures", "serving_default output score is float64, not float32"),
        ("raw_forgets_the_words", "signatures_agree", "predict_raw: "),
        ("measures_words_by_the_picture", "modes_agree", "text: "),
        ("calls_python", "loads_as_served", "the graph calls Python: "),
    ],
)
def test_a_broken_promise_is_named(save_model, eval_examples, fault, check, reason):
    name, found = _failure(_replay(save_model(**{fault: True}), eval_examples))
    assert name == check
    assert reason in found


@pytest.mark.parametrize("name", ["serving_default", "predict_raw", "classify", "evaluate"])
def test_a_missing_signature_is_named(save_model, eval_examples, name):
    failure = _failure(_replay(save_model(without=name), eval_examples))
    assert failure == ("signatures", f"signature {name} is missing")


def test_a_model_without_variables_is_not_loaded(save_model, eval_examples):
    model = save_model()
    for file in (model / "variables").iterdir():
        file.unlink()
    assert _failure(_replay(model, eval_examples))[0] == "loads_as_served"


@pytest.mark.parametrize("content", [b"", b"\x00garbage" * 100])
def test_a_broken_graph_is_a_finding_not_a_crash(save_model, eval_examples, content):
    model = save_model()
    (model / "saved_model.pb").write_bytes(content)
    assert _failure(_replay(model, eval_examples))[0] == "loads_as_served"


def test_missing_warm_up_requests_are_named(save_model, eval_examples):
    failure = _failure(_replay(save_model(warm_up=False), eval_examples))
    assert failure == ("warm_up", f"{WARM_UP} is missing")


def test_warm_up_requests_that_a_server_could_not_read_are_found(save_model, eval_examples):
    model = save_model()
    (model / WARM_UP).write_bytes(b"not a TFRecord at all, but long enough to look like one")
    name, reason = _failure(_replay(model, eval_examples))
    assert name == "warm_up"
    assert "DataLoss" in reason


def test_golden_products_carry_no_labels_and_cover_what_may_be_missing(eval_examples):
    products = [tf.train.Example.FromString(p) for p in golden_products(eval_examples)]
    assert all("category" not in product.features.feature for product in products)
    words = [bool(first_bytes(p, "title").strip()) for p in products]
    pictures = [bool(first_bytes(p, "image")) for p in products]
    assert {(True, True), (True, False), (False, True), (False, False)} <= set(
        zip(words, pictures, strict=True)
    )
    assert len(golden_products([])) == 6
    picture = first_bytes(tf.train.Example.FromString(golden_products([])[1]), "image")
    assert tf.io.decode_image(picture).shape == (32, 32, 3)


def test_too_many_warm_up_requests_are_refused(save_model):
    model = save_model()
    record = next(iter(tf.data.TFRecordDataset(str(model / WARM_UP)).as_numpy_iterator()))
    with tf.io.TFRecordWriter(str(model / WARM_UP)) as writer:
        for _ in range(1001):
            writer.write(record)
    assert "more than 1000" in warm_up_problems(str(model), model=None)[0]
