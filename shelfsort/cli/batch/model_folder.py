"""Asks a model straight from its folder, without a server. Needs TensorFlow."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

from shelfsort.client import messages
from shelfsort.client.classifier import ServerError
from shelfsort.client.messages import Answer, Row
from shelfsort.contract import wire
from shelfsort.contract.model_files import SAVED_MODEL
from shelfsort.contract.signatures import INPUTS, PREDICT_RAW
from shelfsort.core.errors import InputError
from shelfsort.training.text_ops import load_text_ops


def find_version(folder: Path) -> Path:
    """The folder of a SavedModel: the one given, its highest version, or that of its only model.

    Raises:
        InputError: there is none, or several models.
    """
    if (folder / SAVED_MODEL).is_file():
        return folder
    children = [each for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []
    versions = [each for each in children if each.name.isdecimal()]
    if versions:
        return find_version(max(versions, key=lambda each: int(each.name)))
    models = [each for each in children if not each.name.startswith(".")]
    if len(models) == 1:
        return find_version(models[0])
    raise InputError(
        f"{folder}: no model found ({len(models)} folders). Give the folder of a model, such as "
        "out/serving/shelfsort."
    )


class ModelFolder:
    """A loaded model.

    Attributes:
        version: its number, 0 where its folder has none.
    """

    def __init__(self, folder: Path):
        """Loads the highest version in the folder.

        Raises:
            InputError: there is no model, it has no such signature, or TensorFlow or what a text
                encoder needs is missing.
        """
        place = find_version(folder)
        self.version = int(place.name) if place.name.isdecimal() else 0
        try:
            import tensorflow as tf
        except ImportError as error:
            raise InputError(
                f"{folder}: needs TensorFlow. Run pip install 'shelfsort[serve]', or ask a server."
            ) from error
        load_text_ops(place)
        self._tf: Any = tf
        self._model = tf.saved_model.load(os.fspath(place))
        if PREDICT_RAW not in self._model.signatures:
            raise InputError(f"{place}: no signature {PREDICT_RAW!r}. Give a Shelfsort model.")
        self._call = self._model.signatures[PREDICT_RAW]

    def ask(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer for each row, in order, as a server would give it.

        Raises:
            ServerError: INVALID_ARGUMENT, where the graph refuses a row.
            AnswerError: it is not a Shelfsort model.
        """
        tf = self._tf
        inputs = {
            each.name: tf.constant([getattr(row, each.name) for row in rows], each.dtype)
            for each in INPUTS
        }
        try:
            outputs = self._call(**inputs)
        except tf.errors.InvalidArgumentError as error:
            # Without the path of the node in the graph.
            text = str(error.message).rpartition("<stack traces unavailable>")[2]
            text = " ".join(text.partition("[[{{")[0].split())
            raise ServerError(text, grpc.StatusCode.INVALID_ARGUMENT) from error
        response: messages.Message = wire.PredictResponse()
        response.model_spec.version.value = self.version
        for name, value in outputs.items():
            # Both are TensorFlow's TensorProto on the wire.
            encoded = tf.make_tensor_proto(value).SerializeToString()
            response.outputs[name].ParseFromString(encoded)
        return messages.answers(response, len(rows))
