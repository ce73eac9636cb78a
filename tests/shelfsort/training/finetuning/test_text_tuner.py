"""Tuning of a tiny encoder: what changes, what stays, and what a kill leaves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from shelfsort.core.errors import InputError
from shelfsort.training.finetuning import text_tuner
from shelfsort.training.finetuning.checkpoints import Checkpoints, State
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.finetuning.inputs import Order
from shelfsort.training.finetuning.tokens import TokenVectors
from shelfsort.training.settings import TextConfig, TextFineTuningConfig
from tests.fixtures.text_tuning import TextShop, tiny_encoder


def rows_of(shop: TextShop) -> np.ndarray:
    return shop.titled[shop.titled < 72]


def weights_of(encoder) -> list[np.ndarray]:
    """Per layer, all weights in one vector."""
    return [
        np.concatenate(
            [part.ravel() for each in vars(layer).values() for part in vars(each).values()]
        )
        for layer in encoder.transformer.layers()
    ]


@pytest.fixture(scope="module")
def tuned():
    shop = TextShop.of()
    return shop.tuner().tune(rows_of(shop))


def margin(encoder) -> float:
    """How much nearer unseen titles are to their category's centroid than to the next one."""
    shop = TextShop.of()
    vectors, rows = shop.embedded(encoder), rows_of(shop)
    centres = np.stack([vectors[rows][shop.labels[rows] == c].mean(axis=0) for c in range(3)])
    unseen = shop.titled[shop.titled >= 72]
    apart = ((vectors[unseen][:, None] - centres) ** 2).sum(axis=2)
    own = np.eye(3, dtype=bool)[shop.labels[unseen]]
    return float(np.median(np.where(own, np.inf, apart).min(axis=1) / apart[own]))


@pytest.mark.slow
def test_tuning_draws_the_categories_of_unseen_titles_apart(tuned):
    assert margin(tuned) > 1.5 * margin(tiny_encoder())
    before, after = weights_of(tiny_encoder()), weights_of(tuned)
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(before, after, strict=True))
    assert tuned.key == f"{tiny_encoder().key}-tuned-{tuned.tuned}" and len(tuned.tuned) == 32


@pytest.mark.slow
def test_the_last_layers_alone_are_tuned_and_a_finished_tuning_is_not_repeated(
    tmp_path, monkeypatch
):
    shop = TextShop.of()
    settings = {"layers": "last_blocks", "epochs": 2, "accumulated_batches": 2, "tunings": 2}
    first = shop.tuner(tmp_path, **settings).tune(rows_of(shop))
    before, after = weights_of(tiny_encoder()), weights_of(first)
    np.testing.assert_allclose(after[0], before[0], rtol=1e-6)
    assert np.abs(after[1] - before[1]).max() > 1e-4
    assert len(list((tmp_path / "tuned").iterdir())) == 2
    second = shop.tuner(tmp_path, **settings)
    monkeypatch.setattr(second._tuner, "_tuned_weights", None)
    assert second.tune(rows_of(shop)).tuned == first.tuned


@pytest.mark.parametrize("name", ["layer2", "layer0", "block1"])
def test_a_layer_that_does_not_exist_is_refused_before_anything_is_read(name, monkeypatch):
    monkeypatch.setattr(text_tuner, "load_encoder", lambda *_: tiny_encoder())
    tuning = TextFineTuningConfig(layers="last_blocks", from_layer=name)
    with pytest.raises(InputError, match=f"minilm cannot be cut after '{name}'") as error:
        text_tuner.require_text_layer(TextConfig(encoder="minilm", fine_tuning=tuning))
    assert "\n" not in str(error.value) and "layer1" in str(error.value)
    text_tuner.require_text_layer(TextConfig(fine_tuning=tuning))


def test_layers_are_cut_where_the_settings_say():
    def frozen(**settings) -> int:
        return text_tuner.frozen_layers(tiny_encoder(), TextFineTuningConfig(**settings))

    assert frozen(layers="all") == 0
    assert frozen(layers="last_blocks") == frozen(layers="last_blocks", from_layer="layer1") == 1


def test_token_vectors_are_those_of_the_frozen_layers_padded_with_zeros():
    encoder, titles = tiny_encoder(), [b"boot", b"", b"a b c mug"]
    vectors = TokenVectors(encoder, Contents(titles), 1)
    assert vectors.lengths.tolist() == [3, 0, 6]
    found = vectors.padded(np.array([2, 0]))
    assert found.shape == (2, 6, 24) and not found[1, 3:].any()
    for row, title in enumerate([titles[2], titles[0]]):
        expected = encoder.transformer.vectors(encoder.ids(tf.constant([title])), 1)
        np.testing.assert_allclose(found[row, : len(expected)], expected, atol=2e-3)


def test_titles_of_similar_length_share_a_batch_and_every_pass_shows_all():
    sizes = np.random.default_rng(0).integers(3, 30, 400)
    order = Order.of(np.arange(400), 8, 2, seed=1, sizes=sizes)
    assert sorted(order.rows[:50].ravel()) == sorted(order.rows[50:].ravel()) == list(range(400))
    spread = np.ptp(sizes[order.rows], axis=1).mean()
    assert spread < 0.3 * np.ptp(sizes[Order.of(np.arange(400), 8, 2, seed=1).rows], axis=1).mean()
    assert np.diff(sizes[order.rows].max(axis=1)).min() < 0


_KILLED = """
import os, signal, sys
from pathlib import Path
from shelfsort.training.finetuning.checkpoints import Checkpoints
from tests.fixtures.text_tuning import TextShop

class Fatal(Checkpoints):
    def keep_state(self, key, state):
        super().keep_state(key, state)
        if state.steps == 12:
            os.kill(os.getpid(), signal.SIGKILL)

shop = TextShop.of()
shop.tuner(checkpoints=Fatal(Path(sys.argv[1]))).tune(shop.titled[shop.titled < 72])
"""


class Stopping(Checkpoints):
    """Ends the tuning after its eighth pass."""

    def keep_state(self, key: str, state: State) -> None:
        super().keep_state(key, state)
        if state.steps == 32:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_tuning_that_was_killed_and_stopped_ends_in_the_same_weights(tmp_path, tuned):
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        cwd=Path(__file__).parents[4],
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    shop = TextShop.of()
    with pytest.raises(KeyboardInterrupt):
        shop.tuner(checkpoints=Stopping(tmp_path)).tune(rows_of(shop))
    (state,) = (tmp_path / "tuned").iterdir()
    with np.load(state) as archive:
        assert archive["at"].tolist() == [0, 32]
    resumed = shop.tuner(tmp_path).tune(rows_of(shop))
    for mine, others in zip(weights_of(resumed), weights_of(tuned), strict=True):
        np.testing.assert_allclose(mine, others, rtol=0, atol=1e-6)


_UNDER_JAX = """
from tests.fixtures.text_tuning import TextShop, tiny_encoder
import keras
import numpy as np
assert keras.backend.backend() == "jax"
shop = TextShop.of()
tuned = shop.tuner(epochs=3).tune(shop.titled[shop.titled < 72])
kernels = [each.transformer.layers()[0].output.kernel for each in (tuned, tiny_encoder())]
print("moved", np.abs(kernels[0] - kernels[1]).max())
"""


@pytest.mark.slow
def test_the_same_layers_are_tuned_under_jax():
    pytest.importorskip("jax")
    found = subprocess.run(
        [sys.executable, "-c", _UNDER_JAX],
        cwd=Path(__file__).parents[4],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert 1e-4 < float(found.stdout.split("moved")[1]) < 1
