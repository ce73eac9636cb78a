"""MiniLM against a forward pass in numpy and a WordPiece of our own, both written here."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from shelfsort.training.encoders import load_encoder
from shelfsort.training.encoders.minilm import MAX_TOKENS
from shelfsort.training.weights import REGISTRY
from tests.shelfsort.training.encoders.forward_pass import Names, embeddings
from tests.shelfsort.training.encoders.titles import SCRIPTS, TITLES

PACKAGED = REGISTRY["minilm"]
FILES = {file.name: PACKAGED.folder() / file.path for file in PACKAGED.files}


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("minilm")


@pytest.fixture(scope="module")
def embed(encoder):
    return tf.function(encoder, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)


def is_punctuation(character: str) -> bool:
    ascii_symbol = character.isascii() and not character.isalnum() and character.isprintable()
    return ascii_symbol or unicodedata.category(character).startswith("P")


def is_han(character: str) -> bool:
    ranges = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0xF900, 0xFAFF)]
    return any(low <= ord(character) <= high for low, high in ranges)


def words(text: str) -> list[str]:
    """BERT's basic tokeniser, uncased."""
    text = unicodedata.normalize("NFD", text.lower())
    text = "".join(each for each in text if unicodedata.category(each) != "Mn")
    spaced = (f" {each} " if is_punctuation(each) or is_han(each) else each for each in text)
    return "".join(spaced).split()


def word_pieces(text: str, vocabulary: dict[str, int]) -> list[int]:
    """Greedy longest match first; a word with an unmatched rest is unknown as a whole."""
    ids: list[int] = []
    for word in words(text):
        found, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in vocabulary), None)
            if end is None:
                found = [vocabulary["[UNK]"]]
                break
            found.append(vocabulary[prefix + word[start:end]])
            start = end
        ids += found
    return [vocabulary["[CLS]"], *ids[: MAX_TOKENS - 2], vocabulary["[SEP]"]]


NAMES = Names(
    embedding_norm="embeddings.LayerNorm",
    query="encoder.layer.{}.attention.self.query",
    key="encoder.layer.{}.attention.self.key",
    value="encoder.layer.{}.attention.self.value",
    attended="encoder.layer.{}.attention.output.dense",
    attended_norm="encoder.layer.{}.attention.output.LayerNorm",
    hidden="encoder.layer.{}.intermediate.dense",
    output="encoder.layer.{}.output.dense",
    output_norm="encoder.layer.{}.output.LayerNorm",
)


def reference(ids: list[list[int]]) -> np.ndarray:
    """The embeddings of texts, by numpy."""
    tensors = load_file(FILES["model.safetensors"])
    words, positions, types = (
        tensors[f"embeddings.{part}_embeddings.weight"]
        for part in ("word", "position", "token_type")
    )
    return embeddings(
        ids,
        NAMES,
        layers=6,
        summed=lambda tokens: words[tokens] + positions[: len(tokens)] + types[0],
        dense=lambda x, name: x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"],
        norm=lambda name: (tensors[f"{name}.weight"], tensors[f"{name}.bias"]),
    )


@pytest.fixture(scope="module")
def vocabulary():
    lines = FILES["vocab.txt"].read_text(encoding="utf-8").splitlines()
    return {piece: index for index, piece in enumerate(lines)}


def test_there_are_200_titles_in_ten_scripts():
    assert (len(TITLES), len(set(TITLES)), len(SCRIPTS)) == (200, 200, 10)


def test_tokens_equal_those_of_an_independent_wordpiece(encoder, vocabulary):
    titles = [*TITLES, "of " * 100, "a\tb\u00a0c", "x" * 90]
    found = encoder._tokeniser(tf.constant(titles)).to_list()
    for title, ids in zip(titles, found, strict=True):
        assert ids == word_pieces(title, vocabulary), title


@pytest.mark.slow
def test_embeddings_equal_an_independent_forward_pass(embed, vocabulary):
    expected = reference([word_pieces(title, vocabulary) for title in TITLES])
    np.testing.assert_allclose(embed(tf.constant(TITLES)), expected, atol=1e-4)


def test_a_title_has_the_same_embedding_alone_and_in_a_batch(embed):
    titles = ["Blue dress", "A much longer title of a blue dress with long sleeves", "Shoes"]
    alone = np.concatenate([embed(tf.constant([title])) for title in titles])
    np.testing.assert_allclose(embed(tf.constant(titles)), alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)


def test_an_empty_text_gets_zeros(embed, encoder):
    vectors = embed(tf.constant(["", "Blue dress", " \t "])).numpy()
    assert vectors.shape == (3, encoder.embedding_size) == (3, 384)
    assert not vectors[[0, 2]].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1)
    assert embed(tf.constant([], tf.string)).shape == (0, 384)
    assert not embed(tf.constant([""])).numpy().any()


def test_bytes_that_are_not_utf8_are_left_out(embed):
    vectors = embed(tf.constant([b"Blue \xff\xfedress", b"Blue dress"])).numpy()
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_a_huge_text_is_cut_before_it_is_split(embed):
    huge = "é" * 2048 + "blue dress " * 100_000
    vectors = embed(tf.constant([huge, "é" * 2048])).numpy()
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_what_is_alike_is_near(embed):
    vectors = embed(tf.constant(["Running shoes", "Sneakers for jogging", "Silver necklace"]))
    near = vectors.numpy() @ vectors.numpy().T
    assert near[0, 1] > 0.6 > 0.3 > near[0, 2]


def test_the_key_names_weights_and_the_licence_is_theirs(encoder):
    assert encoder.key.startswith("minilm-")
    assert encoder.licence == "Apache-2.0"
    assert all(not variable.trainable for variable in encoder.variables)


def test_a_site_gives_its_own_folder(tmp_path, encoder):
    for name, path in FILES.items():
        (tmp_path / name).symlink_to(Path(path))
    own = load_encoder("minilm", str(tmp_path))
    assert (own.licence, own.key) == ("", encoder.key)
