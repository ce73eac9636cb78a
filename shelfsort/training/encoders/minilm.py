"""all-MiniLM-L6-v2: six layers, 384 numbers, English; WordPiece tokens in the graph."""

from collections.abc import Mapping

import numpy as np
import safetensors
import safetensors.numpy
import tensorflow as tf

from shelfsort.core.errors import InputError
from shelfsort.training.encoders.encoder import TextEncoder
from shelfsort.training.encoders.text_ops import tensorflow_text
from shelfsort.training.encoders.transformer import (
    Dense,
    LayerWeights,
    Norm,
    Transformer,
    TransformerWeights,
)
from shelfsort.training.weights import Weights

MAX_TOKENS = 64
_HEADS = 12
_EPSILON = 1e-12
_UNKNOWN, _FIRST, _LAST = "[UNK]", "[CLS]", "[SEP]"
# The reference takes a word of more than 100 characters for unknown; TF-Text counts bytes, and a
# character has up to four. Thai and Khmer write whole phrases as one word.
_MAX_WORD_BYTES = 400
_PREPROCESSING = f"wordpiece-{MAX_TOKENS}-2"


def load(weights: Weights) -> TextEncoder:
    """Builds the encoder.

    Args:
        weights: `model.safetensors` and `vocab.txt` of an uncased BERT with 12 heads, of any size
            and number of layers.

    Raises:
        InputError: the files do not hold such a network, or tensorflow-text is missing.
    """
    vocabulary = _vocabulary(weights.contents["vocab.txt"])
    tensors = _tensors(weights.contents["model.safetensors"])
    table = tensors["embeddings.word_embeddings.weight"]
    if len(table) != len(vocabulary):
        raise InputError(
            f"vocab.txt has {len(vocabulary)} tokens, and model.safetensors vectors for "
            f"{len(table)}. Name a folder whose files belong together."
        )
    return TextEncoder(
        "minilm",
        WordPiece(vocabulary),
        Transformer(_Table(table), _transformer_weights(tensors)),
        max_tokens=MAX_TOKENS,
        key=f"minilm-{weights.digest}-{_PREPROCESSING}",
        licence=weights.licence,
    )


class WordPiece(tf.Module):
    """BERT's uncased tokeniser, with its vocabulary inside the graph.

    TF-Text's own lower-casing folds case and compatibility ("ß" becomes "ss"). The reference
    lower-cases and drops combining marks, so these two steps are done before.
    """

    def __init__(self, vocabulary: list[str]):
        super().__init__()
        self._pieces = tensorflow_text().FastBertTokenizer(
            vocab=vocabulary,
            token_out_type=tf.int32,
            unknown_token=_UNKNOWN,
            max_bytes_per_word=_MAX_WORD_BYTES,
            lower_case_nfd_strip_accents=False,
        )
        self._first, self._last = vocabulary.index(_FIRST), vocabulary.index(_LAST)

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        texts = tf.strings.lower(texts, encoding="utf-8")
        texts = tensorflow_text().normalize_utf8(texts, "NFD")
        texts = tf.strings.regex_replace(texts, r"\p{Mn}", "")
        pieces = self._pieces.tokenize(texts)[:, : MAX_TOKENS - 2]
        ends = tf.ones([tf.shape(texts)[0], 1], tf.int32)
        return tf.concat([self._first * ends, pieces, self._last * ends], axis=1)


class _Table(tf.Module):
    """Ids → vectors.

    In 16 bits the table, half of the network, is half as large in the model. No number of an
    embedding moves by more than 4e-5 on titles in ten scripts.
    """

    def __init__(self, vectors: np.ndarray):
        super().__init__()
        self._vectors = tf.Variable(vectors.astype(np.float16), trainable=False, name="tokens")

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.gather(self._vectors, ids), tf.float32)


def _vocabulary(content: bytes) -> list[str]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"vocab.txt: is not UTF-8 ({error}).") from None
    vocabulary = text.removesuffix("\n").replace("\r\n", "\n").split("\n")
    missing = {_UNKNOWN, _FIRST, _LAST}.difference(vocabulary)
    if missing:
        raise InputError(f"vocab.txt has no {' or '.join(sorted(missing))}.")
    return vocabulary


class _Tensors(dict[str, np.ndarray]):
    def __missing__(self, name: str) -> np.ndarray:
        raise InputError(f"model.safetensors has no tensor {name}, so it is no BERT.")


def _tensors(content: bytes) -> Mapping[str, np.ndarray]:
    try:
        tensors = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, KeyError) as error:
        raise InputError(f"model.safetensors: cannot be read ({error}).") from None
    return _Tensors(
        (name, values.astype(np.float32))
        for name, values in tensors.items()
        if values.dtype.kind == "f"
    )


def _transformer_weights(tensors: Mapping[str, np.ndarray]) -> TransformerWeights:
    layers = 0
    while f"encoder.layer.{layers}.output.dense.weight" in tensors:
        layers += 1
    positions = tensors["embeddings.position_embeddings.weight"][:MAX_TOKENS]
    return TransformerWeights(
        positions=positions + tensors["embeddings.token_type_embeddings.weight"][0],
        norm=_norm(tensors, "embeddings.LayerNorm"),
        layers=[_layer(tensors, f"encoder.layer.{index}") for index in range(layers)],
        heads=_HEADS,
        epsilon=_EPSILON,
    )


def _layer(tensors: Mapping[str, np.ndarray], name: str) -> LayerWeights:
    return LayerWeights(
        query=_dense(tensors, f"{name}.attention.self.query"),
        key=_dense(tensors, f"{name}.attention.self.key"),
        value=_dense(tensors, f"{name}.attention.self.value"),
        attended=_dense(tensors, f"{name}.attention.output.dense"),
        attended_norm=_norm(tensors, f"{name}.attention.output.LayerNorm"),
        hidden=_dense(tensors, f"{name}.intermediate.dense"),
        output=_dense(tensors, f"{name}.output.dense"),
        output_norm=_norm(tensors, f"{name}.output.LayerNorm"),
    )


def _dense(tensors: Mapping[str, np.ndarray], name: str) -> Dense:
    return Dense(tensors[f"{name}.weight"].T, tensors[f"{name}.bias"])


def _norm(tensors: Mapping[str, np.ndarray], name: str) -> Norm:
    return Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"])
