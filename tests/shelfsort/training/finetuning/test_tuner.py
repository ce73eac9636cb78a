"""Tuning of a tiny network: what changes, what stays, and what a kill leaves."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shelfsort.core.errors import InputError
from shelfsort.training.finetuning.checkpoints import Checkpoints, State
from tests.fixtures.tuning import SIZE, Shop, tiny_backbone

pytestmark = pytest.mark.slow

ROWS = np.arange(36)


def weights_of(backbone) -> dict[str, np.ndarray]:
    return {each.path: each.numpy() for each in backbone.model.variables}


@pytest.fixture(scope="module")
def tuned():
    return Shop.of().tuner().tune(ROWS).backbone


def held_out_margin(backbone) -> float:
    """How much nearer other products are to their own category's centroid than to the next one."""
    shop = Shop.of()
    vectors = shop.embedded(backbone)
    centres = [vectors[ROWS][shop.labels[ROWS] == c].mean(axis=0) for c in range(3)]
    apart = ((vectors[:, None] - np.stack(centres)) ** 2).sum(axis=2)[len(ROWS) :]
    labels = shop.labels[len(ROWS) :]
    own = apart[np.arange(len(labels)), labels]
    others = np.where(np.eye(3, dtype=bool)[labels], np.inf, apart).min(axis=1)
    return float(np.median(others / own))


def test_tuning_draws_the_categories_of_unseen_products_apart(tuned):
    assert held_out_margin(tuned) > 1.5 * held_out_margin(tiny_backbone())


def test_the_backbone_given_stays_and_the_copy_has_another_digest(tuned):
    before = weights_of(tiny_backbone())
    after = weights_of(tuned)
    assert len(tuned.tuned) == 32
    assert np.abs(after["block0_conv/kernel"] - before["block0_conv/kernel"]).max() > 0
    assert np.abs(after["block1_conv/kernel"] - before["block1_conv/kernel"]).max() > 0


def test_batch_norms_keep_statistics_and_factors(tuned):
    before, after = weights_of(tiny_backbone()), weights_of(tuned)
    norms = [name for name in before if "norm" in name]
    assert len(norms) == 4
    for name in norms:
        np.testing.assert_array_equal(after[name], before[name])


def test_last_blocks_learn_in_16_bits_and_a_finished_tuning_is_not_repeated(tmp_path, monkeypatch):
    import tensorflow as tf

    from shelfsort.training.finetuning.devices import Devices

    settings = {
        "devices": Devices(tf.distribute.get_strategy(), "mixed_bfloat16"),
        "layers": "last_blocks",
        "epochs": 2,
        "batch_size": 8,
        "accumulated_batches": 3,
    }
    first = Shop.of().tuner(tmp_path, **settings).tune(ROWS).backbone
    before, after = weights_of(tiny_backbone()), weights_of(first)
    np.testing.assert_array_equal(after["block0_conv/kernel"], before["block0_conv/kernel"])
    assert np.abs(after["block1_conv/kernel"] - before["block1_conv/kernel"]).max() > 1e-4
    assert {layer.compute_dtype for layer in first.model.layers} == {"float32"}
    assert {each.dtype for each in after.values()} == {np.dtype(np.float32)}
    second = Shop.of().tuner(tmp_path, **settings)
    monkeypatch.setattr(second._tuner, "_tuned_weights", None)
    assert second.tune(ROWS).backbone.tuned == first.tuned
    assert len(list((tmp_path / "tuned").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [("block9", "there is no such layer"), ("embedding", "no layer comes after it")],
)
def test_a_layer_that_does_not_exist_or_is_the_last_is_named_with_one_that_will_do(name, why):
    with pytest.raises(InputError, match=f"after '{name}': {why}.* such as 'block0_relu'"):
        Shop.of().tuner(from_layer=name).tune(ROWS)


def test_a_layer_that_does_not_exist_is_refused_before_anything_is_read(monkeypatch):
    from shelfsort.training.finetuning import network
    from shelfsort.training.settings import FineTuningConfig, ImageConfig

    monkeypatch.setattr(network, "load_backbone", lambda *_: tiny_backbone())
    tuning = FineTuningConfig(layers="last_blocks", from_layer="block9")
    with pytest.raises(InputError, match="'block9'"):
        network.require_layer(ImageConfig(fine_tuning=tuning))
    network.require_layer(ImageConfig(fine_tuning=dataclasses.replace(tuning, layers="none")))


# Killed when the last blocks are tuned, before all layers are.
_KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from shelfsort.training.finetuning.checkpoints import Checkpoints
from tests.fixtures.tuning import Shop

class Fatal(Checkpoints):
    def keep_state(self, key, state):
        super().keep_state(key, state)
        if state.steps == 9:
            os.kill(os.getpid(), signal.SIGKILL)

Shop.of().tuner(checkpoints=Fatal(Path(sys.argv[1]))).tune(np.arange(36))
"""


class Stopping(Checkpoints):
    """Ends the tuning amid that of all layers."""

    def keep_state(self, key: str, state: State) -> None:
        super().keep_state(key, state)
        if state.stage == 1 and state.steps == 6:
            raise KeyboardInterrupt


def test_a_tuning_that_was_killed_and_stopped_ends_in_the_same_weights(tmp_path, tuned):
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        cwd=Path(__file__).parents[4],
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with pytest.raises(KeyboardInterrupt):
        Shop.of().tuner(checkpoints=Stopping(tmp_path)).tune(ROWS)
    (state,) = (tmp_path / "tuned").iterdir()
    with np.load(state) as archive:
        assert archive["at"].tolist() == [1, 6]
    resumed = Shop.of().tuner(tmp_path).tune(ROWS).backbone
    for name, value in weights_of(tuned).items():
        np.testing.assert_allclose(weights_of(resumed)[name], value, rtol=0, atol=1e-6)


def test_a_network_is_tuned_on_smaller_images_and_embeds_larger_ones_with_the_same_weights():
    shop = Shop.of().tuner(image_size=12, epochs=2)
    tuned = shop.tune(ROWS).backbone
    assert (tuned.image_size, tuned.model.input_shape) == (SIZE, (None, SIZE, SIZE, 3))
    before, after = weights_of(tiny_backbone()), weights_of(tuned)
    assert np.abs(after["block0_conv/kernel"] - before["block0_conv/kernel"]).max() > 1e-4
    whole = Shop.of().tuner(epochs=2).tune(ROWS).backbone
    assert whole.tuned != tuned.tuned


def test_weights_of_several_tunings_are_averaged_and_none_is_repeated(tmp_path, monkeypatch):
    settings = {"layers": "last_blocks", "epochs": 1}
    first = Shop.of().tuner(tmp_path, **settings).tune(ROWS)
    both = Shop.of().tuner(tmp_path, tunings=2, **settings).tune(ROWS)
    kept = {}
    for path in (tmp_path / "tuned").iterdir():
        with np.load(path) as archive:
            kept[path.stem] = [archive[f"v{place}"] for place in range(len(archive.files))]
    assert len(kept) == 2
    kernels = [weights[-2] for weights in kept.values()]
    assert any((kernel == first.kernel).all() for kernel in kernels)
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-4
    np.testing.assert_allclose(both.kernel, sum(kernels) / 2, atol=1e-7)
    averages = [sum(pair) / 2 for pair in zip(*kept.values(), strict=True)]
    for mine, average in zip(both.backbone.model.get_weights(), averages[:-2], strict=True):
        np.testing.assert_allclose(mine, average, atol=1e-7)
    again = Shop.of().tuner(tmp_path, tunings=2, **settings)
    monkeypatch.setattr(again._tuner, "_tuned_weights", None)
    assert again.tune(ROWS).backbone.tuned == both.backbone.tuned
