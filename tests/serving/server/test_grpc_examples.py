"""TF Serving's behaviour, line by line: Classify, Regress and MultiInference."""

import grpc
import pytest
from tensorflow_serving.apis import classification_pb2, inference_pb2, input_pb2, model_pb2

CODE = grpc.StatusCode
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def refusal_of(call):
    with pytest.raises(grpc.RpcError) as refusal:
        call()
    return refusal.value.code(), refusal.value.details()


def classes(response):
    return [
        [(entry.label, entry.score) for entry in classifications.classes]
        for classifications in response.result.classifications
    ]


def test_classify_gives_labels_and_scores_in_the_models_order(client):
    spec = client.spec(signature="classify", version=1)
    response = client.classify(spec, client.examples(0.25, 0.125))
    assert classes(response) == [
        [("small", 0.5), ("large", 0.5)],
        [("small", 0.75), ("large", 0.25)],
    ]
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "classify"


def test_classify_gives_empty_labels_where_the_signature_has_none(client):
    response = client.classify(client.spec(signature="only_scores", version=1), client.examples(1))
    assert classes(response) == [[("", 2.0)]]


def test_classify_gives_zero_scores_where_the_signature_has_none(client):
    spec = client.spec(signature="only_classes", version=1)
    assert classes(client.classify(spec, client.examples(1))) == [[("2.000000", 0.0)]]


def test_a_context_stands_in_every_example_and_is_overruled_by_it(client):
    source = input_pb2.Input()
    listed = source.example_list_with_context
    listed.context.features.feature["size"].float_list.value.append(0.25)
    listed.examples.add()
    listed.examples.add().features.feature["size"].float_list.value.append(0.5)
    response = client.classify(client.spec(signature="only_scores", version=1), source)
    assert classes(response) == [[("", 0.5)], [("", 1.0)]]


@pytest.mark.parametrize("signature", ["regress", "regress_flat"], ids=["[n, 1]", "[n]"])
def test_regress_gives_a_number_for_each_example(client, signature):
    response = client.regress(client.spec(signature=signature, version=1), client.examples(1, 4))
    assert [entry.value for entry in response.result.regressions] == [2.0, 8.0]


def test_regress_refuses_outputs_of_another_shape(client):
    spec = client.spec(signature="regress_wide")
    assert refusal_of(lambda: client.regress(spec, client.examples(1))) == (
        CODE.INVALID_ARGUMENT,
        "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,2]",
    )


@pytest.mark.parametrize("method", ["classify", "regress"])
@pytest.mark.parametrize("kind", ["example_list", "example_list_with_context", None])
def test_no_examples_are_refused(client, method, kind):
    source = input_pb2.Input()
    if kind:
        getattr(source, kind).SetInParent()
    spec = client.spec(signature=method)
    assert refusal_of(lambda: getattr(client, method)(spec, source)) == (
        CODE.INVALID_ARGUMENT,
        "Input is empty.",
    )


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_an_unknown_signature_is_refused(client, method):
    spec = client.spec(signature="nothing")
    assert refusal_of(lambda: getattr(client, method)(spec, client.examples(1))) == (
        CODE.INVALID_ARGUMENT,
        "No signature was found with the name: nothing",
    )


@pytest.mark.parametrize(
    ("method", "signature", "code", "start"),
    [
        ("classify", "pair", CODE.INVALID_ARGUMENT, "Expected one input Tensor."),
        (
            "classify",
            "serving_default",
            CODE.FAILED_PRECONDITION,
            "No classification inputs found in SignatureDef: ",
        ),
        (
            "classify",
            "regress",
            CODE.FAILED_PRECONDITION,
            "Expected classification signature outputs to contain at least one of "
            '"classes" or "scores". Signature was: ',
        ),
        ("regress", "classify", CODE.INVALID_ARGUMENT, "Expected one output Tensor."),
        (
            "regress",
            "only_scores",
            CODE.FAILED_PRECONDITION,
            "No regression outputs found in SignatureDef: ",
        ),
    ],
)
def test_a_signature_of_another_form_is_refused(client, method, signature, code, start):
    spec = client.spec(signature=signature)
    found, details = refusal_of(lambda: getattr(client, method)(spec, client.examples(1)))
    assert found is code
    assert details.startswith(start)


def test_classify_without_a_spec_is_refused(client):
    request = classification_pb2.ClassificationRequest(input=client.examples(1))
    assert refusal_of(lambda: client.prediction.Classify(request)) == (
        CODE.INVALID_ARGUMENT,
        "Missing ModelSpec",
    )


def test_multi_inference_answers_each_task_with_one_run(client):
    tasks = [("classify", CLASSIFY), ("regress", REGRESS)]
    first, second = client.multi_inference(tasks, client.examples(0.25)).results
    assert first.model_spec.signature_name == "classify"
    assert [c.score for c in first.classification_result.classifications[0].classes] == [0.25, 0.75]
    assert second.model_spec.version.value == 2
    assert [r.value for r in second.regression_result.regressions] == [0.75]


@pytest.mark.parametrize(
    ("tasks", "code", "details"),
    [
        (
            [("classify", "tensorflow/serving/predict")],
            CODE.UNIMPLEMENTED,
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
        (
            [("regress", REGRESS), ("regress", REGRESS)],
            CODE.INVALID_ARGUMENT,
            "Duplicate evaluation of signature: regress",
        ),
        (
            [("nothing", REGRESS)],
            CODE.INVALID_ARGUMENT,
            "Requested signature not found in model graph: nothing",
        ),
    ],
    ids=["another method", "a signature twice", "an unknown signature"],
)
def test_multi_inference_refuses(client, tasks, code, details):
    assert refusal_of(lambda: client.multi_inference(tasks, client.examples(1))) == (code, details)


def test_multi_inference_refuses_two_models(client):
    request = inference_pb2.MultiInferenceRequest(input=client.examples(1))
    request.tasks.add(model_spec=client.spec(signature="regress"), method_name=REGRESS)
    other = model_pb2.ModelSpec(name="other", signature_name="classify")
    request.tasks.add(model_spec=other, method_name=CLASSIFY)
    assert refusal_of(lambda: client.prediction.MultiInference(request)) == (
        CODE.INVALID_ARGUMENT,
        "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    )


def test_multi_inference_refuses_no_tasks(client):
    request = inference_pb2.MultiInferenceRequest(input=client.examples(1))
    assert refusal_of(lambda: client.prediction.MultiInference(request)) == (
        CODE.INVALID_ARGUMENT,
        "ModelSpec has no name specified.",
    )
