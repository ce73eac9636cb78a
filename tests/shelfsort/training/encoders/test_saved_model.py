"""A SavedModel with encoders in the TF1-style loader that TF Serving uses, in a fresh process."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from shelfsort.training.encoders import e5, minilm
from shelfsort.training.weights import Weights
from tests.shelfsort.training.encoders.bert_files import bert_tensors, bert_weights
from tests.shelfsort.training.encoders.e5_files import e5_content, tensors

TEXTS = ["blue dresses", "", "a shoe", "Ünknown"]

LOADER = """
import json, sys
import tensorflow as tf

def answer():
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], sys.argv[1])
        signature = meta.signature_def["serving_default"]
        names = {name: each.name for name, each in signature.outputs.items()}
        return session.run(names, {signature.inputs["texts"].name: json.loads(sys.argv[2])})

try:
    answer()
except tf.errors.NotFoundError as error:
    print(json.dumps(str(error)))
import tensorflow_text
print(json.dumps({name: values.tolist() for name, values in answer().items()}))
"""


@pytest.mark.slow
def test_a_fresh_process_answers_with_tf_text_and_names_the_op_without(tmp_path):
    rng = np.random.default_rng(1)
    module = tf.Module()
    module.minilm = minilm.load(bert_weights(bert_tensors(rng)))
    module.e5 = e5.load(Weights({"e5.bin": e5_content(tensors(rng))}, "0" * 32, "", "e5.bin"))

    def answer(texts):
        return {"minilm": module.minilm(texts), "e5": module.e5(texts)}

    function = tf.function(answer, autograph=False).get_concrete_function(
        tf.TensorSpec([None], tf.string, name="texts")
    )
    expected = function(tf.constant(TEXTS))
    tf.saved_model.save(module, str(tmp_path), signatures=function)
    arguments = [sys.executable, "-c", LOADER, str(tmp_path), json.dumps(TEXTS)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    without, answered = map(json.loads, done.stdout.splitlines())
    assert "Op type not registered" in without
    for name, vectors in expected.items():
        np.testing.assert_allclose(answered[name], vectors, atol=1e-6)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1, 1])
