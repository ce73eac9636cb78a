import numpy as np
import pytest

from shelfsort.core.errors import InputError
from shelfsort.training.encoders.e5_file import Blocks, read_e5
from tests.shelfsort.training.encoders.e5_files import PIECES, e5_content, tensors


@pytest.fixture
def found():
    return tensors(np.random.default_rng(3))


def test_a_block_is_32_weights_around_8_times_their_scale():
    nibbles = np.array([[[0x1F, *[0x88] * 14, 0x90]]], np.uint8)
    weights = Blocks(nibbles, np.array([[0.5]], np.float16)).unpacked()
    # The low halves come first: 15, 8, ..., 0, then the high ones: 1, 8, ..., 9.
    assert weights.tolist() == [[3.5, *[0.0] * 14, -4.0, -3.5, *[0.0] * 14, 0.5]]


def test_pieces_characters_and_tensors_are_read(found):
    file = read_e5(e5_content(found))
    assert file.pieces == PIECES
    assert (file.size, file.layers, file.heads, file.positions) == (64, 1, 2, 512)
    assert (file.first, file.padding, file.last, file.unknown) == (0, 1, 2, 3)
    assert file.scores[4:6].tolist() == [-1.0, -2.0]
    assert file.characters == {"A": "a"}
    assert file.floats("emb.pos", 64).shape == (512, 64)
    assert file.floats("l0.fi.b").shape == (128,)
    blocks = file.blocks("emb.word", 64)
    assert blocks.unpacked().shape == (12, 64)
    assert blocks.scales.tobytes() == found["emb.word"][0:2] + b"".join(
        found["emb.word"][start : start + 2] for start in range(18, len(found["emb.word"]), 18)
    )


@pytest.mark.parametrize("length", [0, 3, 20, 60, 130, 250, 400, 5000])
def test_a_file_that_is_cut_off_is_refused(found, length):
    with pytest.raises(InputError, match="cut off"):
        read_e5(e5_content(found)[:length])


def test_another_file_is_refused():
    with pytest.raises(InputError, match="E5S1"):
        read_e5(b"PK\3\4" + b"\0" * 100)


def test_sizes_that_do_not_fit_the_blocks_are_refused(found):
    with pytest.raises(InputError, match="size 63, 2 heads and blocks of 32"):
        read_e5(e5_content(found, size=63))


def test_a_missing_tensor_is_named(found):
    file = read_e5(e5_content({"emb.word": found["emb.word"][:-1]}))
    with pytest.raises(InputError, match=r"no tensor l0\.q\.w"):
        file.blocks("l0.q.w", 64)
    with pytest.raises(InputError, match=r"emb\.word has 431 bytes"):
        file.blocks("emb.word", 64)


def test_pieces_that_are_not_utf8_are_refused(found):
    with pytest.raises(InputError, match="not UTF-8"):
        read_e5(e5_content(found).replace("▁dress".encode(), b"\xff" * 8))
